/** The configuration with every default filled in, as one would write it. */
import * as z from 'zod';
import { isSecret } from './fields.ts';
import { isTable, toSnake, writtenSchema } from './names.ts';

/**
 * What was written plus the defaults, in the notation of files: durations stay texts, keys are in snake_case.
 * `written` has its keys in camelCase and has passed the schema.
 */
export function effective(schema: z.core.$ZodType, written: unknown): unknown {
  const inner = writtenSchema(schema);
  const value = written === undefined ? defaultOf(schema) : written;
  if (inner instanceof z.ZodObject && isTable(value)) {
    const result: Record<string, unknown> = {};
    for (const [key, field] of Object.entries(inner.def.shape as Record<string, z.core.$ZodType>)) {
      const one = effective(field, value[key]);
      if (one !== undefined) result[toSnake(key)] = one;
    }
    return result;
  }
  if (inner instanceof z.ZodArray && Array.isArray(value))
    return value.map((one) => effective(inner.def.element, one));
  return shown(inner, value);
}

/** As written in a file; undefined when there is none. */
export function defaultOf(schema: z.core.$ZodType): unknown {
  if (schema instanceof z.ZodDefault || schema instanceof z.ZodPrefault) return schema.def.defaultValue;
  return undefined;
}

/** Only what was written, in the notation of files. */
export function written(schema: z.core.$ZodType, value: unknown): unknown {
  const inner = writtenSchema(schema);
  if (inner instanceof z.ZodObject && isTable(value)) {
    const shape = inner.def.shape as Record<string, z.core.$ZodType>;
    return Object.fromEntries(
      Object.entries(value).map(([key, one]) => [toSnake(key), written(shape[key] as z.core.$ZodType, one)]),
    );
  }
  if (inner instanceof z.ZodArray && Array.isArray(value))
    return value.map((one) => written(inner.def.element, one));
  return shown(inner, value);
}

/** Output is copied into issues and chats: that there is a secret is all that it says. */
function shown(schema: z.core.$ZodType, value: unknown): unknown {
  if (schema instanceof z.ZodRecord && isTable(value)) {
    const { valueType } = schema.def;
    return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, shown(valueType, one)]));
  }
  return isSecret(schema) && value !== '' && value !== undefined ? '(hidden)' : value;
}
