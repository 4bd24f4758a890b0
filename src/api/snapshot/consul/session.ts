import { Fields } from './fields.ts';
import type { RecordKind } from './kind.ts';

export const session: RecordKind = {
  name: 'Session',
  take(value, into) {
    const record = new Fields(value);
    if (into.isElsewhere(record)) return;
    into.put('sessions', {
      id: record.needed('ID').toLowerCase(),
      name: record.text('Name'),
      node: record.needed('Node'),
      nodeChecks: record.texts('NodeChecks') ?? [],
      checks: record.texts('Checks') ?? [],
      serviceChecks: record
        .structs('ServiceChecks')
        .map((check) => ({ id: check.text('ID'), namespace: check.text('Namespace') })),
      behavior: record.text('Behavior') === 'delete' ? 'delete' : 'release',
      ttl: record.text('TTL'),
      lockDelay: record.duration('LockDelay'),
    });
  },
};
