import type { PreparedQuery } from '../../../catalog/rows.ts';
import type { Packable } from '../../../lib/msgpack-write.ts';
import { preparedQueryWire } from '../../wire/prepared-query.ts';
import { Fields } from './fields.ts';
import type { RecordKind } from './kind.ts';

export const preparedQuery: RecordKind = {
  name: 'PreparedQuery',
  take(value, into) {
    const record = new Fields(value);
    const template = record.struct('Template');
    const service = record.struct('Service');
    if (into.isElsewhere(service)) return;
    const failover = service.struct('Failover');
    into.put('queries', {
      id: record.needed('ID'),
      name: record.text('Name'),
      session: record.text('Session'),
      token: record.text('Token'),
      template: {
        type: template.text('Type'),
        regexp: template.text('Regexp'),
        removeEmptyTags: template.flag('RemoveEmptyTags'),
      },
      service: {
        service: service.text('Service'),
        failover: { nearestN: failover.whole('NearestN'), datacenters: failover.texts('Datacenters') },
        onlyPassing: service.flag('OnlyPassing'),
        ignoreCheckIds: service.texts('IgnoreCheckIDs'),
        near: service.text('Near'),
        tags: service.texts('Tags'),
        nodeMeta: service.textMap('NodeMeta'),
        serviceMeta: service.textMap('ServiceMeta'),
        connect: service.flag('Connect'),
      },
      dns: { ttl: record.struct('DNS').text('TTL') },
    });
  },
};

/** Consul's struct has the names that its JSON has. */
export function preparedQueryRecord(query: PreparedQuery): Packable {
  return preparedQueryWire(query);
}
