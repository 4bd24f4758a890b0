import type { KvEntry, KvTombstone } from '../../../catalog/rows.ts';
import type { Packable } from '../../../lib/msgpack-write.ts';
import { Fields } from './fields.ts';
import { indexes, type RecordKind } from './kind.ts';

export const kv: RecordKind = {
  name: 'KVS',
  take(value, into) {
    const record = new Fields(value);
    if (into.isElsewhere(record)) return;
    into.put('kv', {
      key: record.needed('Key'),
      // A copy of its own: a window into the whole snapshot would keep that in memory.
      value: new Uint8Array(record.bytes('Value')),
      flags: record.uint64('Flags'),
      lockIndex: record.whole('LockIndex'),
      session: record.text('Session'),
    });
  },
};

/** A deleted key: Consul writes it as a key without a value. When that was it does not say. */
export const tombstone: RecordKind = {
  name: 'Tombstone',
  take(value, into) {
    const record = new Fields(value);
    if (into.isElsewhere(record)) return;
    into.put('tombstones', { key: record.needed('Key'), deletedAt: into.now });
  },
};

export function kvRecord(entry: KvEntry): Packable {
  const { key, value, flags, lockIndex, session } = entry;
  return {
    LockIndex: lockIndex,
    Key: key,
    Flags: flags,
    // Without one Consul has nil, which its answers show.
    Value: value.length === 0 ? null : value,
    Session: session,
    ...indexes(entry),
  };
}

export function tombstoneRecord(deleted: KvTombstone): Packable {
  return { Key: deleted.key, ...indexes(deleted) };
}
