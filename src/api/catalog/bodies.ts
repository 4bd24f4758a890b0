import type { Registration } from '../../catalog/commands/register.ts';
import type { CheckDefinition, CheckStatus, Service } from '../../catalog/rows.ts';
import { metadataFault } from '../agent/metadata.ts';
import { weightsFault } from '../agent/weights.ts';
import {
  anything,
  boolean,
  type Decoded,
  duration,
  integer,
  list,
  object,
  optional,
  record,
  string,
  uint64,
} from '../decode.ts';
import { meshOf } from '../mesh.ts';

/** Fields that answers have and that requests may send back. */
const INDEXES = { CreateIndex: uint64, ModifyIndex: uint64 };

export const SERVICE_BODY = object(
  {
    Kind: string,
    ID: string,
    Service: string,
    Tags: list(string),
    Address: string,
    TaggedAddresses: record(object({ Address: string, Port: integer }, { name: 'ServiceAddress' })),
    Meta: record(string),
    Port: integer,
    SocketPath: string,
    Weights: optional(object({ Passing: integer, Warning: integer }, { name: 'Weights' })),
    EnableTagOverride: boolean,
    // Fields of the mesh are kept and have no meaning here.
    Proxy: anything,
    Connect: anything,
    ...INDEXES,
  },
  { name: 'NodeService' },
);

const DEFINITION_BODY = object(
  {
    HTTP: string,
    TLSServerName: string,
    TLSSkipVerify: boolean,
    Header: record(list(string)),
    Method: string,
    Body: string,
    TCP: string,
    Interval: duration,
    IntervalDuration: duration,
    Timeout: duration,
    TimeoutDuration: duration,
    DeregisterCriticalServiceAfter: duration,
    DeregisterCriticalServiceAfterDuration: duration,
    ScriptArgs: list(string),
    DockerContainerID: string,
    Shell: string,
    GRPC: string,
    GRPCUseTLS: boolean,
    AliasNode: string,
    AliasService: string,
    TTL: duration,
    H2PING: string,
  },
  { name: 'HealthCheckDefinition' },
);

export const CHECK_BODY = object(
  {
    Node: string,
    CheckID: string,
    Name: string,
    Status: string,
    Notes: string,
    Output: string,
    ServiceID: string,
    ServiceName: string,
    ServiceTags: list(string),
    Type: string,
    Interval: string,
    Timeout: string,
    ExposedPort: integer,
    Definition: DEFINITION_BODY,
    ...INDEXES,
  },
  { name: 'HealthCheck' },
);

type ServiceDraft = NonNullable<Registration['service']>;
type CheckDraft = NonNullable<Registration['checks']>[number];

/** An instance as it was sent; without an ID it has its name for one. */
export function serviceDraft(body: Decoded<typeof SERVICE_BODY>): ServiceDraft {
  return {
    id: body.ID === '' ? body.Service : body.ID,
    name: body.Service,
    kind: body.Kind,
    tags: body.Tags ?? [],
    address: body.Address,
    taggedAddresses: taggedAddressesOf(body.TaggedAddresses),
    meta: body.Meta,
    port: body.Port,
    socketPath: body.SocketPath,
    weights: weightsOf(body.Weights),
    enableTagOverride: body.EnableTagOverride,
    ...meshOf(body),
  };
}

/** What is wrong with the metadata of an instance, in Consul's words. */
export function serviceMetaFault({ id, meta }: ServiceDraft, node: string): string | undefined {
  const fault = metadataFault(meta ?? {});
  return fault && `Invalid Service Meta for node ${node} and serviceID ${id}: ${fault}`;
}

/** Weights that DNS could not use are not refused here, as they are by an agent: Consul's catalog takes one for each then. */
function weightsOf(given: Decoded<typeof SERVICE_BODY>['Weights']): Service['weights'] {
  const isUsable = given !== undefined && weightsFault(given.Passing, given.Warning) === undefined;
  return isUsable ? { passing: given.Passing, warning: given.Warning } : { passing: 1, warning: 1 };
}

function taggedAddressesOf(
  addresses: Decoded<typeof SERVICE_BODY>['TaggedAddresses'],
): Service['taggedAddresses'] {
  if (addresses === null) return null;
  return Object.fromEntries(
    Object.entries(addresses).map(([name, { Address, Port }]) => [name, { address: Address, port: Port }]),
  );
}

/** A check as it was sent; without an ID it has its name for one, without a status it is critical. */
export function checkDraft(body: Decoded<typeof CHECK_BODY>): CheckDraft {
  return {
    id: body.CheckID === '' ? body.Name : body.CheckID,
    name: body.Name,
    status: statusOf(body.Status),
    notes: body.Notes,
    output: body.Output,
    serviceId: body.ServiceID,
    type: body.Type,
    interval: body.Interval,
    timeout: body.Timeout,
    definition: definitionOf(body.Definition),
  };
}

/** What is neither passing nor warning gets no traffic. */
function statusOf(text: string): CheckStatus {
  return text === 'passing' || text === 'warning' ? text : 'critical';
}

function definitionOf(body: Decoded<typeof DEFINITION_BODY>): CheckDefinition {
  const header = body.Header as Record<string, string[]> | null;
  return {
    ...(body.HTTP === '' ? {} : { http: body.HTTP }),
    ...(body.Method === '' ? {} : { method: body.Method }),
    ...(header === null ? {} : { header }),
    ...(body.Body === '' ? {} : { body: body.Body }),
    ...(body.TLSServerName === '' ? {} : { tlsServerName: body.TLSServerName }),
    ...(body.TLSSkipVerify ? { tlsSkipVerify: true } : {}),
    ...(body.TCP === '' ? {} : { tcp: body.TCP }),
    ...nonZero('interval', body.Interval || body.IntervalDuration),
    ...nonZero('timeout', body.Timeout || body.TimeoutDuration),
    ...nonZero(
      'deregisterCriticalServiceAfter',
      body.DeregisterCriticalServiceAfter || body.DeregisterCriticalServiceAfterDuration,
    ),
  };
}

function nonZero<Name extends string>(name: Name, ms: number): { [N in Name]?: number } {
  return (ms === 0 ? {} : { [name]: ms }) as { [N in Name]?: number };
}
