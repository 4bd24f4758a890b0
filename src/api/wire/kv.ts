import type { KvEntry } from '../../catalog/rows.ts';

/** Consul's JSON of a key. An empty value is null there, as Go writes a nil slice. */
export function kvWire(entry: KvEntry, value: Uint8Array = entry.value) {
  return {
    LockIndex: entry.lockIndex,
    Key: entry.key,
    Flags: wireUint64(entry.flags),
    Value: value.length === 0 ? null : Buffer.from(value).toString('base64'),
    ...(entry.session === '' ? {} : { Session: entry.session }),
    CreateIndex: entry.createIndex,
    ModifyIndex: entry.modifyIndex,
  };
}

/** A number where JavaScript holds it exactly, so that answers without large flags take the fast encoder. */
function wireUint64(value: bigint): number | bigint {
  return value <= Number.MAX_SAFE_INTEGER ? Number(value) : value;
}
