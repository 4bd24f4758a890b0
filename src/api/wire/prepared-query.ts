import type { PreparedQuery } from '../../catalog/rows.ts';

/** Consul's JSON of a prepared query. Lists and maps that were not given are null, as Go writes them. */
export function preparedQueryWire({ service, template, ...query }: PreparedQuery) {
  return {
    ID: query.id,
    Name: query.name,
    Session: query.session,
    Token: query.token,
    Template: {
      Type: template.type,
      Regexp: template.regexp,
      RemoveEmptyTags: template.removeEmptyTags,
    },
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
    CreateIndex: query.createIndex,
    ModifyIndex: query.modifyIndex,
  };
}
