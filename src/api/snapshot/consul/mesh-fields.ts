import type { Packed } from '../../../lib/msgpack.ts';
import type { Json } from '../../json/parse.ts';
import { jsonOf } from './fields.ts';

/** Fields that Consul keeps for itself and never shows. */
const HIDDEN: ReadonlySet<string> = new Set(['CentrallyConfigured', 'IngressHosts']);
/** What users wrote for their proxies: there a zero means something. */
const OPAQUE = 'Config';

/** What `Proxy` or `Connect` of a service says, as Consul would answer it: without zero values. */
export function meshFields(value: Packed | undefined): unknown {
  return said(jsonOf(value ?? null));
}

function said(json: Json): unknown {
  if (Array.isArray(json)) return json.map(said);
  if (!(json instanceof Map)) return json;
  return Object.fromEntries(
    [...json].flatMap(([name, one]) => {
      if (HIDDEN.has(name)) return [];
      const value = name === OPAQUE ? plain(one) : said(one);
      return isZero(value) ? [] : [[name, value]];
    }),
  );
}

function plain(json: Json): unknown {
  if (Array.isArray(json)) return json.map(plain);
  return json instanceof Map ? Object.fromEntries([...json].map(([name, one]) => [name, plain(one)])) : json;
}

function isZero(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return !value;
  return Object.keys(value).length === 0;
}
