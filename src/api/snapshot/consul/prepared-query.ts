import type { PreparedQuery } from '../../../catalog/rows.ts';
import type { Packable } from '../../../lib/msgpack-write.ts';
import { Fields } from './fields.ts';
import { indexes, type RecordKind } from './kind.ts';

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

export function preparedQueryRecord(query: PreparedQuery): Packable {
  const { template, service } = query;
  return {
    ID: query.id,
    Name: query.name,
    Session: query.session,
    Token: query.token,
    Template: { Type: template.type, Regexp: template.regexp, RemoveEmptyTags: template.removeEmptyTags },
    Service: {
      Service: service.service,
      Failover: { NearestN: service.failover.nearestN, Datacenters: service.failover.datacenters },
      OnlyPassing: service.onlyPassing,
      IgnoreCheckIDs: service.ignoreCheckIds,
      Near: service.near,
      Tags: service.tags,
      NodeMeta: service.nodeMeta,
      ServiceMeta: service.serviceMeta,
      Connect: service.connect,
    },
    DNS: { TTL: query.dns.ttl },
    ...indexes(query),
  };
}
