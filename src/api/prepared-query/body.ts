import type { PreparedQuery, QueriedService } from '../../catalog/rows.ts';
import type { Draft } from '../../catalog/transaction.ts';
import { NANOSECONDS_PER_MS, parseDuration } from '../../lib/duration.ts';
import { metadataFault } from '../agent/metadata.ts';
import {
  boolean,
  type Decoded,
  durationError,
  integer,
  list,
  object,
  record,
  string,
  uint64,
} from '../decode.ts';
import { HttpError } from '../http-error.ts';

/** What stands in the place of a token for those who may not see it. */
const HIDDEN_TOKEN = '<hidden>';

export const BODY = object(
  {
    ID: string,
    Name: string,
    Session: string,
    Token: string,
    Template: object(
      { Type: string, Regexp: string, RemoveEmptyTags: boolean },
      { name: 'QueryTemplateOptions' },
    ),
    Service: object(
      {
        Service: string,
        Failover: object(
          { NearestN: integer, Datacenters: list(string) },
          { name: 'QueryDatacenterOptions' },
        ),
        OnlyPassing: boolean,
        IgnoreCheckIDs: list(string),
        Near: string,
        Tags: list(string),
        NodeMeta: record(string),
        ServiceMeta: record(string),
        Connect: boolean,
      },
      { name: 'ServiceQuery' },
    ),
    DNS: object({ TTL: string }, { name: 'QueryDNSOptions' }),
    // Whoever changes a query sends back what was answered; these two mean nothing.
    CreateIndex: uint64,
    ModifyIndex: uint64,
  },
  { name: 'PreparedQuery' },
);

/** The query of a body. Throws 500 in Consul's words where it cannot be one, whatever the catalog has. */
export function draftOf(id: string, body: Decoded<typeof BODY>): Draft<PreparedQuery> {
  const fault = faultOf(body);
  if (fault !== undefined) throw new HttpError(500, `Invalid prepared query: ${fault}`);
  const { Name, Session, Token, Template, Service, DNS } = body;
  return {
    id,
    name: Name,
    session: Session,
    token: Token,
    template: { type: Template.Type, regexp: Template.Regexp, removeEmptyTags: Template.RemoveEmptyTags },
    service: serviceOf(Service),
    dns: { ttl: DNS.TTL },
  };
}

function serviceOf(service: Decoded<typeof BODY>['Service']): QueriedService {
  return {
    service: service.Service,
    failover: { nearestN: service.Failover.NearestN, datacenters: service.Failover.Datacenters },
    onlyPassing: service.OnlyPassing,
    ignoreCheckIds: service.IgnoreCheckIDs,
    near: service.Near,
    tags: service.Tags,
    nodeMeta: service.NodeMeta,
    serviceMeta: service.ServiceMeta,
    connect: service.Connect,
  };
}

function faultOf({ Name, Session, Token, Template, Service, DNS }: Decoded<typeof BODY>): string | undefined {
  if (Name === '' && Template.Type === '' && Session === '') return 'Must be bound to a session';
  if (Token === HIDDEN_TOKEN)
    return `Bad Token '${Token}', it looks like a query definition with a redacted token was submitted`;
  if (Service.Service === '') return 'Must provide a Service name to query';
  if (Service.Failover.NearestN < 0) return `Bad NearestN '${Service.Failover.NearestN}', must be >= 0`;
  const metadata = metadataFault(Service.NodeMeta ?? {}, { allowReserved: true });
  if (metadata !== undefined) return metadata;
  if (DNS.TTL === '') return undefined;
  const ttl = parseDuration(DNS.TTL);
  if (ttl === undefined) return `Bad DNS TTL '${DNS.TTL}': ${durationError(DNS.TTL)}`;
  return ttl < 0 ? `DNS TTL '${Math.round(ttl * NANOSECONDS_PER_MS)}', must be >=0` : undefined;
}
