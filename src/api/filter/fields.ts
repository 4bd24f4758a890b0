/** What can be filtered: the fields of the JSON that a list answers, by Consul's names. */
export type FieldType =
  | { readonly kind: 'string' | 'int' | 'bool' }
  | { readonly kind: 'list' | 'map'; readonly of: FieldType }
  | { readonly kind: 'struct'; readonly fields: Readonly<Record<string, FieldType>> };

export type StructType = FieldType & { kind: 'struct' };

const STRING: FieldType = { kind: 'string' };
const INT: FieldType = { kind: 'int' };
const BOOL: FieldType = { kind: 'bool' };
const STRINGS: FieldType = { kind: 'list', of: STRING };
const STRING_MAP: FieldType = { kind: 'map', of: STRING };

function struct(fields: Record<string, FieldType>): StructType {
  return { kind: 'struct', fields };
}

const ADDRESSES: FieldType = { kind: 'map', of: struct({ Address: STRING, Port: INT }) };
const WEIGHTS = struct({ Passing: INT, Warning: INT });
const CONNECT = struct({ Native: BOOL });
const PROXY = struct({
  DestinationServiceName: STRING,
  DestinationServiceID: STRING,
  LocalServiceAddress: STRING,
  LocalServicePort: INT,
  Mode: STRING,
});

export const NODE_FIELDS = struct({
  ID: STRING,
  Node: STRING,
  Address: STRING,
  Datacenter: STRING,
  TaggedAddresses: STRING_MAP,
  Meta: STRING_MAP,
});

export const SERVICE_FIELDS = struct({
  Kind: STRING,
  ID: STRING,
  Service: STRING,
  Tags: STRINGS,
  Address: STRING,
  TaggedAddresses: ADDRESSES,
  Meta: STRING_MAP,
  Port: INT,
  SocketPath: STRING,
  Weights: WEIGHTS,
  EnableTagOverride: BOOL,
  Proxy: PROXY,
  Connect: CONNECT,
});

export const SERVICE_NODE_FIELDS = struct({
  ID: STRING,
  Node: STRING,
  Address: STRING,
  Datacenter: STRING,
  TaggedAddresses: STRING_MAP,
  NodeMeta: STRING_MAP,
  ServiceKind: STRING,
  ServiceID: STRING,
  ServiceName: STRING,
  ServiceTags: STRINGS,
  ServiceAddress: STRING,
  ServiceTaggedAddresses: ADDRESSES,
  ServiceWeights: WEIGHTS,
  ServiceMeta: STRING_MAP,
  ServicePort: INT,
  ServiceSocketPath: STRING,
  ServiceEnableTagOverride: BOOL,
  ServiceProxy: PROXY,
  ServiceConnect: CONNECT,
});

export const CHECK_FIELDS = struct({
  Node: STRING,
  CheckID: STRING,
  Name: STRING,
  Status: STRING,
  Notes: STRING,
  Output: STRING,
  ServiceID: STRING,
  ServiceName: STRING,
  ServiceTags: STRINGS,
  Type: STRING,
  Interval: STRING,
  Timeout: STRING,
  ExposedPort: INT,
});

/** An entry of `/v1/health/service`. */
export const ENTRY_FIELDS = struct({
  Node: NODE_FIELDS,
  Service: SERVICE_FIELDS,
  Checks: { kind: 'list', of: CHECK_FIELDS },
});

/** A service of the agent, which knows its datacenter and a hash besides. */
export const AGENT_SERVICE_FIELDS = struct({
  ...SERVICE_FIELDS.fields,
  ContentHash: STRING,
  Datacenter: STRING,
});

/** A service in the overview for user interfaces. */
export const SERVICE_SUMMARY_FIELDS = struct({
  Kind: STRING,
  Name: STRING,
  Datacenter: STRING,
  Tags: STRINGS,
  Nodes: STRINGS,
  ExternalSources: STRINGS,
  InstanceCount: INT,
  ChecksPassing: INT,
  ChecksWarning: INT,
  ChecksCritical: INT,
});
