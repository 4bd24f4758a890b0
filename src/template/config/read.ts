/** Files and folders in HCL or JSON, merged from left to right. Every fault is named with file, line and column. */
import fs from 'node:fs';
import path from 'node:path';
import { fileTrouble, MusterError } from '../../errors.ts';
import { type HclBody, HclError, type HclKey, type HclValue, isHclBody, parseHcl } from '../../lib/hcl.ts';
import { nearest } from '../../lib/nearest.ts';
import { ADDED, type ConfigFile, configFileSchema, REPEATED, WITHOUT_EFFECT } from './schema.ts';

export interface ReadConfig {
  readonly config: ConfigFile;
  /** What was said and has no effect. */
  readonly warnings: readonly string[];
}

/**
 * Reads all files; a folder stands for the files in it, by name. `local` is the text of one more. Throws `config.unreadable`
 * or `config.invalid`.
 */
export function readConfig(paths: readonly string[], local?: string): ReadConfig {
  let config: ConfigFile = {};
  const warnings: string[] = [];
  const take = (name: string, one: ConfigFile): void => {
    for (const [key, why] of Object.entries(WITHOUT_EFFECT))
      if (isSaid(one, key.split('.'))) warnings.push(`${name}: ${key} has no effect: ${why}`);
    config = mergeConfig(config, one);
  };
  for (const file of paths.flatMap(filesOf)) take(file, readFile(file));
  if (local !== undefined && local !== '') take(LOCAL_CONFIG, parseConfig(LOCAL_CONFIG, local));
  return { config, warnings };
}

/** Consul-template's variable for a configuration without a file; it counts more than files. */
export const LOCAL_CONFIG = 'CT_LOCAL_CONFIG';

function isSaid(value: unknown, [key, ...rest]: readonly string[]): boolean {
  if (key === undefined) return value !== undefined && value !== '';
  return isTable(value) && isSaid(value[key], rest);
}

/** A folder's files, those of each folder by name. What is hidden is none: a ConfigMap of Kubernetes keeps its files once more there. */
function filesOf(name: string): string[] {
  try {
    if (!fs.statSync(name).isDirectory()) return [name];
    return fs
      .readdirSync(name)
      .filter((entry) => !entry.startsWith('.'))
      .sort()
      .map((entry) => path.join(name, entry))
      .flatMap((entry) => {
        const found = fs.statSync(entry);
        return found.isDirectory() && !fs.lstatSync(entry).isSymbolicLink()
          ? filesOf(entry)
          : found.isFile()
            ? [entry]
            : [];
      });
  } catch (cause) {
    if (cause instanceof MusterError) throw cause;
    throw new MusterError(
      'config.unreadable',
      `cannot read the configuration ${name}: ${fileTrouble(cause)}`,
      {
        cause,
      },
    );
  }
}

function readFile(file: string): ConfigFile {
  let text: string;
  try {
    text = fs.readFileSync(file, 'utf8');
  } catch (cause) {
    throw new MusterError(
      'config.unreadable',
      `cannot read the configuration ${file}: ${fileTrouble(cause)}`,
      {
        cause,
      },
    );
  }
  return parseConfig(file, text);
}

type Place = (key: HclKey) => string;

/** One file's text. `file` is how messages call it. */
export function parseConfig(file: string, text: string): ConfigFile {
  const place: Place = ({ offset }) => {
    if (offset < 0) return file;
    const before = text.slice(0, offset).split('\n');
    return `${file}:${before.length}:${(before.at(-1) as string).length + 1}`;
  };
  let body: HclBody;
  try {
    body = parseHcl(text);
  } catch (cause) {
    if (!(cause instanceof HclError)) throw cause;
    const at = /^At (\d+:\d+): (.*)$/s.exec(cause.message);
    throw new MusterError(
      'config.invalid',
      at === null ? `${file}: ${cause.message}` : `${file}:${at[1]}: ${at[2]}`,
      { cause },
    );
  }
  const places = new Map<string, string>();
  const value = tableOf(body, '', place, places);
  const result = configFileSchema.safeParse(value);
  if (result.success) return result.data;
  const faults = result.error.issues.map((issue) => fault(issue, places, file));
  throw new MusterError('config.invalid', faults.join('\n'), { cause: result.error });
}

/** What was written as an object; `places` gets where each path ("template.0.source") begins. */
function tableOf(
  body: HclBody,
  prefix: string,
  place: Place,
  places: Map<string, string>,
): Record<string, unknown> {
  const table: Record<string, unknown> = {};
  for (const { keys, value } of body.items) {
    const [key] = keys as [HclKey, ...HclKey[]];
    const repeated = prefix === '' && REPEATED.includes(key.text);
    const list = table[key.text];
    const add = (one: HclValue): void => {
      const name = repeated
        ? `${prefix}${key.text}.${Array.isArray(table[key.text]) ? (table[key.text] as unknown[]).length : 0}`
        : `${prefix}${key.text}`;
      places.set(name, place(key));
      const plain = plainOf(one, `${name}.`, place, places);
      if (repeated) table[key.text] = [...((table[key.text] as unknown[] | undefined) ?? []), plain];
      else if (isTable(list) && isTable(plain)) table[key.text] = { ...list, ...plain };
      else table[key.text] = plain;
    };
    if (repeated && Array.isArray(value)) for (const one of value) add(one);
    else if (!repeated && Array.isArray(value) && value.length === 1 && isHclBody(value[0]))
      add(value[0] as HclValue);
    else add(value);
  }
  return table;
}

const isTable = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function plainOf(value: HclValue, prefix: string, place: Place, places: Map<string, string>): unknown {
  if (isHclBody(value)) return tableOf(value, prefix, place, places);
  if (Array.isArray(value)) return value.map((one, i) => plainOf(one, `${prefix}${i}.`, place, places));
  return value;
}

interface Issue {
  readonly code?: string;
  readonly path: readonly PropertyKey[];
  readonly message: string;
  readonly keys?: readonly string[];
}

function fault(issue: Issue, places: ReadonlyMap<string, string>, file: string): string {
  const at = (path: readonly PropertyKey[]): string => {
    for (let length = path.length; length > 0; length--) {
      const found = places.get(path.slice(0, length).join('.'));
      if (found !== undefined) return found;
    }
    return file;
  };
  if (issue.code !== 'unrecognized_keys')
    return `${at(issue.path)}: ${issue.path.join('.')}: ${issue.message}`;
  const known = knownKeys(issue.path);
  return (issue.keys ?? [])
    .map((key) => {
      const near = nearest(key, known);
      const hint = near === undefined ? `known are ${known.join(', ')}` : `did you mean ${near}?`;
      return `${at([...issue.path, key])}: unknown key ${JSON.stringify(key)}; ${hint}`;
    })
    .join('\n');

  function knownKeys(path: readonly PropertyKey[]): string[] {
    let schema: unknown = configFileSchema;
    for (const step of path) schema = inside(schema, step);
    return Object.keys(shapeOf(schema) ?? {});
  }
}

interface Definition {
  readonly def?: {
    readonly innerType?: unknown;
    readonly element?: unknown;
    readonly in?: unknown;
    readonly out?: unknown;
    readonly options?: readonly unknown[];
  };
  readonly shape?: Record<string, unknown>;
}

function shapeOf(schema: unknown): Record<string, unknown> | undefined {
  const { shape, def } = (schema ?? {}) as Definition;
  if (shape !== undefined) return shape;
  if (def?.innerType !== undefined) return shapeOf(def.innerType);
  if (def?.in !== undefined) return shapeOf(def.in) ?? shapeOf(def.out);
  return def?.options?.map(shapeOf).find((one) => one !== undefined);
}

function inside(schema: unknown, step: PropertyKey): unknown {
  const { def } = (schema ?? {}) as Definition;
  if (typeof step === 'number')
    return def?.element ?? (def?.innerType === undefined ? undefined : inside(def.innerType, step));
  return shapeOf(schema)?.[String(step)];
}

/** The later one wins; lists of templates, and of variables, are put together. */
export function mergeConfig(first: ConfigFile, second: ConfigFile): ConfigFile {
  const merged = mergeTables(first, second) as ConfigFile;
  for (const key of ['template', 'haproxy'] as const) {
    const both = [...(first[key] ?? []), ...(second[key] ?? [])];
    if (both.length > 0) Object.assign(merged, { [key]: both });
  }
  return merged;
}

function mergeTables(first: object, second: object): Record<string, unknown> {
  const merged: Record<string, unknown> = { ...first };
  for (const [key, value] of Object.entries(second)) {
    if (value === undefined) continue;
    const own = merged[key];
    if (isTable(own) && isTable(value)) merged[key] = mergeTables(own, value);
    else if (ADDED.includes(key) && Array.isArray(own) && Array.isArray(value))
      merged[key] = [...own, ...value];
    else merged[key] = value;
  }
  return merged;
}
