import { formatDuration, parseDuration } from '../../lib/duration.ts';
import { durationError } from '../decode.ts';
import type { Json } from '../json/parse.ts';

/**
 * What a field of a config entry may hold and how it is answered. These bodies are read more loosely than others:
 * Consul takes `"1"` for a number, one element for a list, and keys in any case or in snake_case.
 */
export interface Shape {
  /** The answer of a field that is missing; undefined leaves it out. */
  readonly zero: unknown;
  /**
   * Throws `ShapeError`. Undefined: left out of the answer, as zero values are. "loose": fields that are not known are passed over, as
   * in what a newer Consul wrote.
   */
  read(json: Json, path: string, fields?: Strictness): unknown;
}

export type Strictness = 'strict' | 'loose';

/** Says what does not fit, one line for each. */
export class ShapeError extends Error {
  readonly faults: readonly string[];

  constructor(faults: readonly string[]) {
    super(faults.join('\n'));
    this.faults = faults;
  }
}

function unfit(json: Json, type: string, path: string): ShapeError {
  const got = Array.isArray(json)
    ? '[]interface {}'
    : json instanceof Map
      ? 'map[string]interface {}'
      : typeof json;
  return new ShapeError([`'${path}' expected type '${type}', got unconvertible type '${got}'`]);
}

export const text: Shape = {
  zero: undefined,
  read(json, path) {
    if (json === true) return '1';
    if (json === false) return '0';
    if (json !== null && typeof json === 'object') throw unfit(json, 'string', path);
    return json === null || json === '' ? undefined : String(json);
  },
};

export const flag: Shape = {
  zero: undefined,
  read(json, path) {
    if (json === true || json === 'true' || json === '1') return true;
    if (typeof json === 'number' || typeof json === 'bigint') return Number(json) !== 0 || undefined;
    if (json === null || json === false || json === '' || json === 'false' || json === '0') return undefined;
    throw unfit(json, 'bool', path);
  },
};

export const amount: Shape = {
  zero: undefined,
  read(json, path) {
    const value = typeof json === 'string' && json !== '' ? Number(json) : json;
    if (typeof value === 'boolean') return value ? 1 : undefined;
    if (value === null || value === '') return undefined;
    if (typeof value === 'object' || Number.isNaN(Number(value))) throw unfit(json, 'int', path);
    return Number(value) || undefined;
  },
};

/** A duration, written as "10s" or as nanoseconds; answered as written by Go. */
export const period: Shape = {
  zero: undefined,
  read(json, path) {
    if (json === null || json === '' || json === 0) return undefined;
    if (typeof json === 'number' || typeof json === 'bigint') return formatDuration(Number(json) / 1e6);
    if (typeof json !== 'string') throw unfit(json, 'time.Duration', path);
    const ms = parseDuration(json);
    if (ms === undefined) throw new ShapeError([`error decoding '${path}': ${durationError(json)}`]);
    return ms === 0 ? undefined : formatDuration(ms);
  },
};

/** A duration, read as `period`; answered in nanoseconds, as Go writes one that has no form of its own. */
export const nanoseconds: Shape = {
  zero: undefined,
  read(json, path) {
    const text = period.read(json, path);
    return typeof text === 'string' ? Math.round((parseDuration(text) ?? 0) * 1e6) : undefined;
  },
};

/** Any JSON; the options of a proxy. */
export const anything: Shape = { zero: undefined, read: plain };

function plain(json: Json): unknown {
  if (Array.isArray(json)) return json.map(plain);
  if (json instanceof Map) return Object.fromEntries([...json].map(([name, value]) => [name, plain(value)]));
  return typeof json === 'bigint' ? Number(json) : json;
}

export function listOf(of: Shape): Shape {
  return {
    zero: undefined,
    read(json, path, fields) {
      if (json === null || json === '') return undefined;
      const items = Array.isArray(json) ? json : [json];
      if (items.length === 0) return undefined;
      return items.map((item, i) => of.read(item, `${path}[${i}]`, fields) ?? zeroOf(of, item));
    },
  };
}

/** An item of a list or of a map stands there also when it is a zero value. */
function zeroOf(of: Shape, json: Json): unknown {
  if (of.zero !== undefined) return of.zero;
  if (of === text) return '';
  if (of === flag) return false;
  return of === amount ? 0 : json;
}

export function mapOf(of: Shape): Shape {
  return {
    zero: undefined,
    read(json, path, fields) {
      if (json === null || (Array.isArray(json) && json.length === 0)) return undefined;
      const map = Array.isArray(json) && json.length === 1 ? (json[0] as Json) : json;
      if (!(map instanceof Map)) throw unfit(json, 'map', path);
      if (map.size === 0) return undefined;
      const pairs = [...map].map(([name, value]) => [
        name,
        of.read(value, `${path}[${name}]`, fields) ?? zeroOf(of, value),
      ]);
      return Object.fromEntries(pairs.sort(([a], [b]) => ((a as string) < (b as string) ? -1 : 1)));
    },
  };
}

/** Stands in the answer also when it is missing: as `zero`. */
export function always(of: Shape, zero: unknown): Shape {
  return { zero, read: (json, path, fields) => of.read(json, path, fields) ?? zero };
}

/** An object that is left out when it is missing (a pointer in Go). */
export function optional(of: Shape): Shape {
  return {
    zero: undefined,
    read: (json, path, fields) => (json === null ? undefined : of.read(json, path, fields)),
  };
}

/** An object with these fields; unknown ones are faults unless it is read loosely. It stands in the answer also when it is missing. */
export function struct(fields: Readonly<Record<string, Shape>>): Shape {
  const names = new Map(Object.keys(fields).map((name) => [bare(name), name]));
  const zero = Object.fromEntries(
    Object.entries(fields).flatMap(([name, of]) => (of.zero === undefined ? [] : [[name, of.zero]])),
  );
  return {
    zero,
    read(json, path, strictness) {
      if (json === null) return zero;
      const map = Array.isArray(json) && json.length === 1 ? (json[0] as Json) : json;
      if (!(map instanceof Map)) throw unfit(json, 'struct', path);
      const known = new Map<string, unknown>();
      const faults: string[] = [];
      for (const [key, value] of map) {
        const name = names.get(bare(key));
        const place = path === '' ? key : `${path}.${key}`;
        if (name === undefined) {
          if (strictness === 'loose') continue;
          const enterprise = bare(key).endsWith('namespace');
          const more = enterprise ? ', namespaces are a consul enterprise feature' : '';
          faults.push(`invalid config key ${JSON.stringify(place)}${more}`);
          continue;
        }
        try {
          known.set(name, (fields[name] as Shape).read(value, place, strictness));
        } catch (error) {
          if (!(error instanceof ShapeError)) throw error;
          faults.push(...error.faults);
        }
      }
      if (faults.length > 0) throw new ShapeError(faults);
      // In the order of the fields, whatever order they came in.
      return Object.fromEntries(
        Object.entries(fields).flatMap(([name, of]) => {
          const value = known.get(name) ?? of.zero;
          return value === undefined ? [] : [[name, value]];
        }),
      );
    },
  };
}

/** How keys are compared. */
function bare(key: string): string {
  return key.replaceAll('_', '').toLowerCase();
}
