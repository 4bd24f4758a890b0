import type { Session } from '../../../catalog/rows.ts';
import type { Packable } from '../../../lib/msgpack-write.ts';
import { sessionWire } from '../../wire/session.ts';
import { Fields } from './fields.ts';
import type { RecordKind } from './kind.ts';

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

/** Consul's struct has the names that its JSON has; lists of checks of before 1.7 are no part of that. */
export function sessionRecord(row: Session): Packable {
  return { ...sessionWire(row), Checks: row.checks };
}
