/** A file of Consul's agent as a part of our configuration. Whatever it says, but for what it says of access, it goes on working: see `keys.ts`. */
import type { z } from 'zod';
import { nearest } from '../../../lib/nearest.ts';
import { isTable, toCamel, writtenSchema } from '../names.ts';
import type { Path } from '../places.ts';
import { configSchema } from '../schema.ts';
import { type Located, many, type Notes, readNodeCheck, readService, readWatch } from './definitions.ts';
import { CONSUL_KEYS } from './keys.ts';
import { bare, type Rule, type Rules } from './rules.ts';

export interface Translation {
  /** What a file of ours would say, in snake_case. */
  readonly value: Record<string, unknown>;
  /** Where in their file a value of ours comes from; the path itself when it comes from nowhere. */
  origin(ours: Path): Path;
  /** What was said and has no effect. */
  readonly warnings: readonly Remark[];
  /** What cannot be started with. */
  readonly faults: readonly Remark[];
}

interface Remark {
  /** In their file. */
  readonly at: Path;
  readonly message: string;
}

/** `value` is the file as it was written: a table with Consul's keys. */
export function translateConsul(value: Record<string, unknown>): Translation {
  const result: Record<string, unknown> = {};
  const origins = new Map<string, Path>();
  const warnings: Remark[] = [];
  const faults: Remark[] = [];
  const warn = (at: Path, message: string): void => {
    warnings.push({ at, message });
  };
  const notes: Notes = {
    from: (ours, theirs) => {
      origins.set(JSON.stringify(ours), theirs);
    },
    unknown: (at, known) => warn(at, unknownKey(at, known)),
    idle: (at, why) => warn(at, `${name(at)} has no effect: ${why}`),
  };

  const set = (key: string, one: unknown, at: Path): void => {
    const path = key.split('.');
    notes.from(path, at);
    place(result, path, one);
  };
  /** Adds to one of our lists of tables: `service` and `services` may both be there. */
  const add = (
    key: 'service' | 'check' | 'watch',
    one: unknown,
    at: Path,
    read: (located: Located, notes: Notes) => unknown,
  ): void => {
    const before = (result[key] as unknown[] | undefined) ?? [];
    const shifted: Notes = {
      ...notes,
      from: ([, index, ...rest], theirs) => notes.from([key, before.length + Number(index), ...rest], theirs),
    };
    result[key] = [...before, ...many({ value: one, theirs: at, ours: [key] }, read, shifted)];
  };
  const table = (rules: Rules, part: unknown, at: Path, isStrict = false): void => {
    if (!isTable(part)) {
      if (isStrict) faults.push({ at, message: `${name(at)}: expected a table` });
      else warn(at, `${name(at)} has no effect: expected a table`);
      return;
    }
    const known = new Map(Object.entries(rules).map(([key, rule]) => [bare(key), rule]));
    for (const [key, one] of Object.entries(part)) {
      const rule = known.get(bare(key));
      if (rule !== undefined && isNothing(one)) continue;
      if (rule === undefined) {
        const where = [...at, key];
        // Also the section's own name.
        if (isStrict || bare(key).startsWith('acl'))
          faults.push({ at: where, message: unknownKey(where, Object.keys(rules)) });
        else notes.unknown(where, Object.keys(rules));
      } else apply(rule, one, [...at, key]);
    }
  };
  const apply = (rule: Rule, one: unknown, at: Path): void => {
    if (rule.kind === 'sets') {
      if (isKey(rule.key)) set(rule.key, rule.as(one), at);
      else notes.idle(at, 'this version does not have it yet');
    } else if (rule.kind === 'section') {
      // HCL blocks of one name are one table.
      if (Array.isArray(one))
        for (const [index, part] of one.entries()) table(rule.keys, part, [...at, index], rule.isStrict);
      else table(rule.keys, one, at, rule.isStrict);
    } else if (rule.kind === 'services') {
      add('service', one, at, readService);
    } else if (rule.kind === 'checks') {
      add('check', one, at, readNodeCheck);
    } else if (rule.kind === 'watches') {
      add('watch', one, at, readWatch);
    } else if (rule.why !== '' && !rule.granted.some((granted) => isSame(granted, one))) {
      notes.idle(at, rule.why);
    }
  };

  table(CONSUL_KEYS, value, []);
  return {
    value: result,
    warnings,
    faults,
    origin(ours) {
      for (let length = ours.length; length > 0; length--) {
        const origin = origins.get(JSON.stringify(ours.slice(0, length)));
        if (origin !== undefined) return [...origin, ...ours.slice(length)];
      }
      return ours;
    },
  };
}

/** Whether our configuration has a key. */
function isKey(key: string): boolean {
  let schema: z.core.$ZodType | undefined = configSchema;
  for (const part of key.split('.')) {
    const { shape } = (writtenSchema(schema) as z.ZodObject).def as {
      shape?: Record<string, z.core.$ZodType>;
    };
    schema = shape?.[toCamel(part)];
    if (schema === undefined) return false;
  }
  return true;
}

/** Our keys are a few constants: none of them is `__proto__`. */
function place(into: Record<string, unknown>, [key = '', ...rest]: readonly string[], value: unknown): void {
  if (rest.length === 0) {
    into[key] = value;
    return;
  }
  const inner = isTable(into[key]) ? into[key] : {};
  into[key] = inner;
  place(inner, rest, value);
}

/** What Consul's own tools write for what they leave out. */
function isNothing(value: unknown): boolean {
  return value === null || value === '' || isSame(value, []) || isSame(value, {});
}

/** Both are plain values of a file. */
const isSame = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b);

/** `ports.https`; places inside lists are told by the line. */
function name(at: Path): string {
  return at.filter((key) => typeof key === 'string').join('.');
}

function unknownKey(at: Path, known: readonly string[]): string {
  const key = String(at[at.length - 1]);
  const near = nearest(key, known);
  const around = name(at.slice(0, -1));
  return `unknown key "${key}"${around === '' ? '' : ` in ${around}`}${near === undefined ? '' : `; did you mean "${near}"?`}`;
}
