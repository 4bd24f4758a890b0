/** `data_dir` in files, `dataDir` in code: the two spellings of a key, renamed along the schema. */
import * as z from 'zod';
import type { Key, Path } from './places.ts';

export function toCamel(key: string): string {
  return key.replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
}

export function toSnake(key: string): string {
  return key.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

/** The schema inside defaults, optionals and transforms: what the written value has to look like. */
export function writtenSchema(schema: z.core.$ZodType): z.core.$ZodType {
  if (schema instanceof z.ZodDefault || schema instanceof z.ZodPrefault || schema instanceof z.ZodOptional)
    return writtenSchema(schema.def.innerType);
  if (schema instanceof z.ZodPipe) return writtenSchema(schema.def.in);
  return schema;
}

export interface UnknownKey {
  path: Path;
  known: string[];
}

/**
 * The value with its keys in camelCase wherever the schema names them; free keys (records) are left as they are.
 * Keys that the schema does not have are left out and reported to `unknown`, with their siblings.
 */
export function toCodeNames(
  schema: z.core.$ZodType,
  value: unknown,
  unknown: (key: UnknownKey) => void,
  path: Path = [],
): unknown {
  const written = writtenSchema(schema);
  if (written instanceof z.ZodObject && isTable(value)) {
    const shape = written.def.shape as Record<string, z.core.$ZodType>;
    const renamed: Record<string, unknown> = {};
    for (const [key, one] of Object.entries(value)) {
      const name = toCamel(key);
      const field = toSnake(name) === key && Object.hasOwn(shape, name) ? shape[name] : undefined;
      if (field === undefined) unknown({ path: [...path, key], known: Object.keys(shape).map(toSnake) });
      else renamed[name] = toCodeNames(field, one, unknown, [...path, key]);
    }
    return renamed;
  }
  if (written instanceof z.ZodArray && Array.isArray(value))
    return value.map((one, index) => toCodeNames(written.def.element, one, unknown, [...path, index]));
  return value;
}

/** A path through the schema's names, as it is written in files. */
export function toFileNames(schema: z.core.$ZodType, path: readonly PropertyKey[]): Path {
  const spelt: Key[] = [];
  let current: z.core.$ZodType | undefined = schema;
  for (const part of path) {
    const written: z.core.$ZodType | undefined = current && writtenSchema(current);
    const key: Key = typeof part === 'number' ? part : String(part);
    if (written instanceof z.ZodObject) {
      spelt.push(toSnake(String(key)));
      current = (written.def.shape as Record<string, z.core.$ZodType>)[String(key)];
    } else {
      spelt.push(key);
      current =
        written instanceof z.ZodArray
          ? written.def.element
          : written instanceof z.ZodRecord
            ? written.def.valueType
            : undefined;
    }
  }
  return spelt;
}

export function isTable(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Date);
}
