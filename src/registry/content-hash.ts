import { createHash } from 'node:crypto';
import type { LocalService } from './local.ts';

/** 16 hex digits that change when anything in the service's definition does; the same after a restart. */
export function contentHash({ source: _source, ...service }: LocalService): string {
  return createHash('sha256').update(JSON.stringify(service, sorted)).digest('hex').slice(0, 16);
}

/** Objects with their keys in order: two ways to write the same metadata are the same content. */
function sorted(_key: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)));
}
