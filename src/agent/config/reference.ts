/** docs/reference/config.md, from the schema. */
import * as z from 'zod';
import { defaultOf } from './effective.ts';
import { toSnake, writtenSchema } from './names.ts';
import { configSchema } from './schema.ts';

export function configReference(): string {
  const shape = configSchema.def.shape as Record<string, z.core.$ZodType>;
  return [
    '# Configuration',
    '',
    '<!-- Made from src/agent/config/schema.ts by `node scripts/docs.mjs`. -->',
    '',
    '`muster.toml`, a stack, or the same as JSON. An unknown key is an error that names the nearest known one; every error has',
    'file, line and column. `muster validate FILE` checks, `muster config print -effective FILE` shows the whole with all',
    'defaults. Several files are merged in order: later ones win, lists of tables add up. Flags win over files.',
    '',
    "Files of Consul's agent, JSON and HCL, are taken as they are: `-config-file`, `-config-dir` and `muster validate` know them by",
    'their keys. What has no meaning here is a warning with its place. `muster config print FILE` says them in the words below.',
    '',
    ...Object.entries(shape).flatMap(([key, field]) => section([toSnake(key)], field)),
  ].join('\n');
}

/** A table and, behind it, the tables inside it. */
function section(path: readonly string[], schema: z.core.$ZodType): string[] {
  const written = writtenSchema(schema);
  const isList = written instanceof z.ZodArray;
  const table = isList ? writtenSchema(written.def.element) : written;
  if (!(table instanceof z.ZodObject)) return [];
  const name = path.join('.');
  const rows: string[] = [];
  const inner: string[] = [];
  for (const [key, field] of Object.entries(table.def.shape as Record<string, z.core.$ZodType>)) {
    const own = section([...path, toSnake(key)], field);
    // A check is described once, below [[check]].
    const isCheck = path.length > 0 && path[0] === 'service' && /^checks?$/.test(key);
    if (own.length === 0 || isCheck)
      rows.push(row(toSnake(key), field, isCheck ? 'as `[[check]]`' : undefined));
    else inner.push(...own);
  }
  return [
    `## ${isList ? `[[${name}]]` : `[${name}]`}`,
    '',
    descriptionOf(schema) || descriptionOf(table),
    '',
    ...(rows.length === 0 ? [] : ['| key | type | default | meaning |', '|---|---|---|---|', ...rows, '']),
    ...inner,
  ];
}

function row(key: string, schema: z.core.$ZodType, type = typeOf(schema)): string {
  const description = descriptionOf(schema);
  const cells = [`\`${key}\``, type, shownDefault(schema, description), description];
  return `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
}

/** The outermost description: it speaks of the field, inner ones of its kind. */
function descriptionOf(schema: z.core.$ZodType): string {
  return z.globalRegistry.get(schema)?.description ?? '';
}

function shownDefault(schema: z.core.$ZodType, description: string): string {
  // Where the default depends on the machine or on other keys, the text says so.
  if (/Default: /.test(description)) return 'see there';
  const value = defaultOf(schema);
  if (value === undefined) return schema instanceof z.ZodOptional ? '' : 'required';
  return `\`${JSON.stringify(value)}\``;
}

/** In the reader's words. */
function typeOf(schema: z.core.$ZodType): string {
  if (schema instanceof z.ZodDefault || schema instanceof z.ZodPrefault || schema instanceof z.ZodOptional)
    return typeOf(schema.def.innerType);
  const named = z.globalRegistry.get(schema)?.written;
  if (typeof named === 'string') return named;
  if (schema instanceof z.ZodPipe) return typeOf(schema.def.in);
  if (schema instanceof z.ZodEnum)
    return Object.values(schema.def.entries)
      .map((value) => `\`"${value}"\``)
      .join(', ');
  if (schema instanceof z.ZodLiteral)
    return [...schema.values].map((value) => `\`${JSON.stringify(value)}\``).join(', ');
  if (schema instanceof z.ZodUnion) return schema.def.options.map((option) => typeOf(option)).join(' or ');
  if (schema instanceof z.ZodArray) return `list of ${typeOf(schema.def.element)}`;
  if (schema instanceof z.ZodRecord) return `table of ${typeOf(schema.def.valueType)}`;
  const kind = (schema as z.ZodType).def.type;
  return { string: 'text', number: 'number', boolean: 'boolean' }[kind as string] ?? kind;
}
