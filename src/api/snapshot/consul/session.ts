import type { Session } from '../../../catalog/rows.ts';
import type { Packable } from '../../../lib/msgpack-write.ts';
import { Fields } from './fields.ts';
import { indexes, nanoseconds, type RecordKind } from './kind.ts';

export const session: RecordKind = {
  name: 'Session',
  take(value, into) {
    const record = new Fields(value);
    if (into.isElsewhere(record)) return;
    into.put('sessions', {
      id: record.needed('ID'),
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

export function sessionRecord(row: Session): Packable {
  return {
    ID: row.id,
    Name: row.name,
    Node: row.node,
    LockDelay: nanoseconds(row.lockDelay),
    Behavior: row.behavior,
    TTL: row.ttl,
    NodeChecks: row.nodeChecks,
    ServiceChecks: row.serviceChecks.map(({ id, namespace }) => ({ ID: id, Namespace: namespace })),
    Checks: row.checks,
    ...indexes(row),
  };
}
