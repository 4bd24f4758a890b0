/** From the text of a gobetween configuration to checked values, with the place of what is wrong or unknown. */
import * as z from 'zod';
import { MusterError } from '../../errors.ts';
import { nearest } from '../../lib/nearest.ts';
import { parseJsonWithPlaces } from '../config/json-places.ts';
import { isTable, writtenSchema } from '../config/names.ts';
import { type Path, type Places, SyntaxFault } from '../config/places.ts';
import { pathText, sentence } from '../config/sentences.ts';
import { parseTomlWithPlaces } from '../config/toml-places.ts';
import type { GobetweenFormat } from './formats.ts';
import { configSchema, type GobetweenConfig, serverSchema, type WrittenServer } from './schema.ts';
import { withoutNull } from './without-null.ts';

const PARSERS = { toml: parseTomlWithPlaces, json: parseJsonWithPlaces } as const satisfies Record<
  GobetweenFormat,
  unknown
>;

export interface Read<T> {
  readonly value: T;
  /** Keys that nobody knows, each with its place and the nearest known one: they have no effect. */
  readonly warnings: readonly string[];
}

/** `name`: of the file, for messages. Throws `config.invalid` that lists everything that is wrong, each with its place. */
export function readGobetween(name: string, text: string, format: GobetweenFormat): Read<GobetweenConfig> {
  let parsed: { value: unknown; places: Places };
  try {
    parsed = PARSERS[format](text);
  } catch (error) {
    if (!(error instanceof SyntaxFault)) throw error;
    const { line, column } = error.place;
    throw new MusterError('config.invalid', `${name}:${line}:${column}: ${error.message}`, { cause: error });
  }
  const at = (path: Path, what: 'key' | 'value') => {
    const place = parsed.places[what](path);
    return place === undefined ? name : `${name}:${place.line}:${place.column}`;
  };
  // TOML has no null.
  const value = format === 'json' ? withoutNull(parsed.value) : parsed.value;
  return check(configSchema, value, at);
}

/** A server as the REST API is sent it. Throws `config.invalid`. */
export function readServer(value: unknown): Read<WrittenServer> {
  return check(serverSchema, withoutNull(value), () => 'server');
}

/** Replaces `${NAME}` by the variable of the environment, "" for one that is not set, as gobetween does when asked to. */
export function substituteEnv(text: string, env: Readonly<Record<string, string | undefined>>): string {
  return text.replace(/\$\{(.*?)\}/g, (_, name: string) => env[name] ?? '');
}

function check<Schema extends z.ZodType>(
  schema: Schema,
  given: unknown,
  placeOf: (path: Path, what: 'key' | 'value') => string,
): Read<z.infer<Schema>> {
  const { value, written } = inKnownCase(schema, given);
  const place = (path: Path, what: 'key' | 'value') => placeOf(written(path), what);
  const warnings = [...unknownKeys(schema, value, [])].map(({ path, known }) => {
    const key = String(path.at(-1));
    const near = nearest(key, known);
    const hint = near === undefined ? `known are ${known.join(', ')}` : `did you mean "${near}"?`;
    const where = path.length > 1 ? ` in ${pathText(path.slice(0, -1))}` : '';
    return `${place(path, 'key')}: unknown key "${key}"${where} has no effect; ${hint}`;
  });
  const checked = schema.safeParse(value, { reportInput: true });
  if (!checked.success) {
    const faults = checked.error.issues.map((issue) => {
      const path = issue.path as Path;
      return `${place(path, 'value')}: ${path.length === 0 ? '' : `${pathText(path)}: `}${sentence(issue)}`;
    });
    throw new MusterError('config.invalid', [...faults, ...warnings].join('\n'));
  }
  return { value: checked.data, warnings };
}

/** The same with keys as the schema has them: gobetween takes them in any case. `written` tells a path as it was given. */
function inKnownCase(
  schema: z.core.$ZodType,
  given: unknown,
): { value: unknown; written: (path: Path) => Path } {
  const renamed = new Map<string, string>();
  const rename = (part: z.core.$ZodType, value: unknown, path: Path): unknown => {
    if (!isTable(value)) return value;
    const known = unwrapped(part);
    const shape = known instanceof z.ZodObject ? (known.def.shape as Record<string, z.core.$ZodType>) : {};
    const names = new Map(Object.keys(shape).map((name) => [name.toLowerCase(), name]));
    const result: Record<string, unknown> = Object.create(null);
    for (const [key, one] of Object.entries(value)) {
      const name = names.get(key.toLowerCase()) ?? key;
      // Of two the one that is written as it is known.
      if (name !== key && Object.hasOwn(value, name)) continue;
      const at = [...path, name];
      if (name !== key) renamed.set(JSON.stringify(at), key);
      const field = known instanceof z.ZodRecord ? known.def.valueType : shape[name];
      result[name] = field === undefined ? one : rename(field, one, at);
    }
    return result;
  };
  return {
    value: rename(schema, given, []),
    written: (path) => path.map((key, at) => renamed.get(JSON.stringify(path.slice(0, at + 1))) ?? key),
  };
}

function* unknownKeys(
  schema: z.core.$ZodType,
  value: unknown,
  path: Path,
): Generator<{ path: Path; known: string[] }> {
  const written = unwrapped(schema);
  if (!isTable(value)) return;
  if (written instanceof z.ZodRecord) {
    for (const [key, one] of Object.entries(value))
      yield* unknownKeys(written.def.valueType, one, [...path, key]);
  }
  if (!(written instanceof z.ZodObject)) return;
  const shape = written.def.shape as Record<string, z.core.$ZodType>;
  for (const [key, one] of Object.entries(value)) {
    const field = Object.hasOwn(shape, key) ? shape[key] : undefined;
    if (field === undefined) yield { path: [...path, key], known: Object.keys(shape) };
    else yield* unknownKeys(field, one, [...path, key]);
  }
}

/** What stands inside of defaults, and of what may be absent or null. */
export function unwrapped(schema: z.core.$ZodType): z.core.$ZodType {
  const written = writtenSchema(schema);
  return written instanceof z.ZodNullable ? unwrapped(written.def.innerType) : written;
}
