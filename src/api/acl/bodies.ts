import type { NodeIdentityRule, ServiceIdentity } from '../../catalog/rows.ts';
import { NANOSECONDS_PER_MS, parseDuration } from '../../lib/duration.ts';
import {
  anything,
  boolean,
  type Decoded,
  type Description,
  durationError,
  list,
  object,
  optional,
  string,
  uint64,
} from '../decode.ts';

const LINK = object({ ID: string, Name: string }, { name: 'ACLTokenPolicyLink' });

/** What tokens and roles have in common. */
export const GRANTS = {
  Policies: list(LINK),
  ServiceIdentities: list(
    object({ ServiceName: string, Datacenters: list(string) }, { name: 'ACLServiceIdentity' }),
  ),
  NodeIdentities: list(object({ NodeName: string, Datacenter: string }, { name: 'ACLNodeIdentity' })),
} as const;

/** What requests carry along because answers have it; it is of no account. */
export const CARRIED = {
  Hash: anything,
  CreateIndex: uint64,
  ModifyIndex: uint64,
  Namespace: string,
} as const;

/** A duration in ms, as Go's JSON has it here: as text or in nanoseconds. */
export const ttl: Description<number> = {
  zero: () => 0,
  schema: {
    oneOf: [
      { type: 'string', examples: ['30m'] },
      { type: 'integer', description: 'nanoseconds' },
    ],
  },
  read(json, _place, refuse) {
    if (typeof json === 'number' || typeof json === 'bigint') return Number(json) / NANOSECONDS_PER_MS;
    const ms = typeof json === 'string' ? parseDuration(json) : undefined;
    if (ms === undefined) refuse(durationError(String(json)));
    return ms ?? 0;
  },
};

/** A time as RFC 3339 has it, in ms since the epoch. */
export const time: Description<number> = {
  zero: () => 0,
  schema: { type: 'string', format: 'date-time' },
  read(json, _place, refuse) {
    const ms = typeof json === 'string' ? Date.parse(json) : Number.NaN;
    if (Number.isNaN(ms)) refuse(`parsing time ${JSON.stringify(String(json))} as RFC 3339: cannot parse`);
    return Number.isNaN(ms) ? 0 : ms;
  },
};

export const TOKEN = object(
  {
    AccessorID: string,
    SecretID: string,
    Description: string,
    ...GRANTS,
    Roles: list(object({ ID: string, Name: string }, { name: 'ACLTokenRoleLink' })),
    Local: boolean,
    Type: string,
    Rules: string,
    AuthMethod: string,
    Legacy: boolean,
    ExpirationTime: optional(time),
    ExpirationTTL: ttl,
    CreateTime: optional(time),
    ...CARRIED,
  },
  { name: 'ACLToken' },
);

/** Links and identities as the commands take them. */
export function grantsOf(body: Decoded<typeof TOKEN> | RoleGrants): {
  policies: { id: string; name: string }[];
  serviceIdentities: ServiceIdentity[];
  nodeIdentities: NodeIdentityRule[];
} {
  return {
    policies: linksOf(body.Policies),
    serviceIdentities: (body.ServiceIdentities ?? []).map(({ ServiceName, Datacenters }) => ({
      serviceName: ServiceName,
      datacenters: Datacenters ?? [],
    })),
    nodeIdentities: (body.NodeIdentities ?? []).map(({ NodeName, Datacenter }) => ({
      nodeName: NodeName,
      datacenter: Datacenter,
    })),
  };
}

type RoleGrants = { [F in keyof typeof GRANTS]: Decoded<(typeof GRANTS)[F]> };

export function linksOf(links: readonly { ID: string; Name: string }[] | null) {
  return (links ?? []).map(({ ID, Name }) => ({ id: ID, name: Name }));
}
