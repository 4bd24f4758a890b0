/** What the functions of the catalog answer: structs with the fields (and the names of types) that consul-template has. */
import {
  ANY,
  BOOL,
  INT,
  mapOf,
  named,
  STRING,
  STRING_MAP,
  STRINGS,
  sliceOf,
  structType,
  typed,
  UINT64,
  type Value,
} from '../language/index.ts';

const TAGS = named('dependency.ServiceTags', STRINGS);

export const ServiceAddress = structType('api.ServiceAddress', { Address: STRING, Port: INT }, {}, [], true);
export const Weights = structType('api.AgentWeights', { Passing: INT, Warning: INT }, {}, [], true);

export const HealthCheck = structType('api.HealthCheck', {
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
  Definition: ANY,
  CreateIndex: UINT64,
  ModifyIndex: UINT64,
});

const CHECKS = named('api.HealthChecks', sliceOf(HealthCheck.type));

export const HealthService = structType(
  'dependency.HealthService',
  {
    Node: STRING,
    NodeID: STRING,
    NodeAddress: STRING,
    NodeTaggedAddresses: STRING_MAP,
    NodeMeta: STRING_MAP,
    ServiceMeta: STRING_MAP,
    Address: STRING,
    ServiceTaggedAddresses: mapOf(STRING, ServiceAddress.type),
    ID: STRING,
    Name: STRING,
    Tags: TAGS,
    Checks: CHECKS,
    Status: STRING,
    Port: INT,
    Weights: Weights.type,
  },
  {},
  ['NodeTaggedAddresses', 'NodeMeta', 'ServiceMeta', 'ServiceTaggedAddresses', 'Checks', 'Weights'],
);

export const Node = structType('dependency.Node', {
  ID: STRING,
  Node: STRING,
  Address: STRING,
  Datacenter: STRING,
  TaggedAddresses: STRING_MAP,
  Meta: STRING_MAP,
});

export const NodeService = structType('dependency.CatalogNodeService', {
  ID: STRING,
  Service: STRING,
  Tags: TAGS,
  Meta: STRING_MAP,
  Port: INT,
  Address: STRING,
  EnableTagOverride: BOOL,
});

export const NodeWithServices = structType('dependency.CatalogNode', {
  Node: Node.type,
  Services: sliceOf(NodeService.type),
});

export const ServiceSnippet = structType('dependency.CatalogSnippet', { Name: STRING, Tags: TAGS });

export const KeyPair = structType('dependency.KeyPair', {
  Path: STRING,
  Key: STRING,
  Value: STRING,
  CreateIndex: UINT64,
  ModifyIndex: UINT64,
  LockIndex: UINT64,
  Flags: UINT64,
  Session: STRING,
});

const EMPTY_MAP = typed(STRING_MAP, new Map<Value, Value>());
const EMPTY_TAGS = typed(TAGS, [] as Value[]);

/** Go's `map[string]string`. An empty one is shared: nobody changes them. */
export function stringMap(values: Readonly<Record<string, string>> | null | undefined): Map<Value, Value> {
  const entries = values === null || values === undefined ? [] : Object.entries(values);
  return entries.length === 0 ? EMPTY_MAP : typed(STRING_MAP, new Map<Value, Value>(entries));
}

/** Tags in order, as consul-template hands them out. */
export function tagList(tags: readonly string[] | null | undefined): Value[] {
  return tags === null || tags === undefined || tags.length === 0
    ? EMPTY_TAGS
    : typed(TAGS, [...tags].sort());
}

export function checkList(checks: Value[]): Value[] {
  return typed(CHECKS, checks);
}

export const listOf = (type: { readonly type: Parameters<typeof sliceOf>[0] }, values: Value[]): Value[] =>
  typed(sliceOf(type.type), values);
