import { Fields } from './fields.ts';
import type { RecordKind } from './kind.ts';

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
      session: record.text('Session').toLowerCase(),
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
