/** Answers of the HTTP API as the values of dependencies. */
import type {
  CatalogNode,
  KvPair,
  NodeEntry,
  ServiceEntry,
  HealthCheck as WireCheck,
} from '../../client/index.ts';
import type { Dependency, HealthFilter } from '../dependencies/dependency.ts';
import {
  checkList,
  HealthCheck,
  HealthService,
  KeyPair,
  listOf,
  Node,
  NodeService,
  NodeWithServices,
  ServiceAddress,
  ServiceSnippet,
  stringMap,
  tagList,
  Weights,
} from '../dependencies/values.ts';
import {
  fromBytes,
  fromJson,
  Later,
  mapOf,
  Scalar,
  STRING,
  STRINGS,
  typed,
  UINT64,
  type Value,
} from '../language/index.ts';

export type AggregatedState = 'passing' | 'warning' | 'critical' | 'maintenance';

/** The worst of the checks decides; maintenance is worse than everything. */
export function stateOf(checks: readonly { CheckID: string; Status: string }[]): AggregatedState {
  let worst: AggregatedState = 'passing';
  for (const { CheckID, Status } of checks) {
    if (CheckID === '_node_maintenance' || CheckID.startsWith('_service_maintenance:')) return 'maintenance';
    if (Status === 'critical') worst = 'critical';
    else if (Status === 'warning' && worst === 'passing') worst = 'warning';
  }
  return worst;
}

export const accepts = (filters: readonly HealthFilter[], state: AggregatedState): boolean =>
  filters.includes('any') || filters.includes(state);

const uint = (value: number | bigint | undefined): Value => new Scalar(UINT64, BigInt(value ?? 0));

const addresses = (
  all: Readonly<Record<string, { Address: string; Port: number }>> | null | undefined,
): Value =>
  typed(
    mapOf(STRING, ServiceAddress.type),
    new Map<Value, Value>(
      Object.entries(all ?? {}).map(([name, { Address, Port }]) => [
        name,
        new ServiceAddress({ Address, Port: BigInt(Port) }),
      ]),
    ),
  );

function checkValue(check: WireCheck): Value {
  return new HealthCheck({
    Node: check.Node,
    CheckID: check.CheckID,
    Name: check.Name,
    Status: check.Status,
    Notes: check.Notes ?? '',
    Output: check.Output ?? '',
    ServiceID: check.ServiceID ?? '',
    ServiceName: check.ServiceName ?? '',
    ServiceTags: typed(STRINGS, [...(check.ServiceTags ?? [])]),
    Type: check.Type ?? '',
    Definition: fromJson(check.Definition ?? {}),
    CreateIndex: uint(check.CreateIndex),
    ModifyIndex: uint(check.ModifyIndex),
  });
}

export function instanceValue(
  { Node: node, Service: service, Checks: checks }: ServiceEntry,
  state: AggregatedState,
): Value {
  return new HealthService({
    Node: node.Node,
    NodeID: node.ID ?? '',
    NodeAddress: node.Address,
    NodeTaggedAddresses: new Later(() => stringMap(node.TaggedAddresses)),
    NodeMeta: new Later(() => stringMap(node.Meta)),
    ServiceMeta: new Later(() => stringMap(service.Meta)),
    Address: service.Address === '' || service.Address === undefined ? node.Address : service.Address,
    ServiceTaggedAddresses: new Later(() => addresses(service.TaggedAddresses)),
    ID: service.ID,
    Name: service.Service,
    Tags: tagList(service.Tags),
    Checks: new Later(() => checkList(checks.map(checkValue))),
    Status: state,
    Port: BigInt(service.Port ?? 0),
    Weights: new Later(
      () =>
        new Weights({
          Passing: BigInt(service.Weights?.Passing ?? 1),
          Warning: BigInt(service.Weights?.Warning ?? 1),
        }),
    ),
  });
}

function nodeValue(node: NodeEntry): Value {
  return new Node({
    ID: node.ID ?? '',
    Node: node.Node,
    Address: node.Address,
    Datacenter: node.Datacenter ?? '',
    TaggedAddresses: stringMap(node.TaggedAddresses),
    Meta: stringMap(node.Meta),
  });
}

const order = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

function servicesOf(dependency: Dependency & { kind: 'service' }, entries: readonly ServiceEntry[]): Value {
  const kept = entries
    .map((entry) => ({ entry, state: stateOf(entry.Checks) }))
    .filter(({ state }) => accepts(dependency.filters, state));
  if (dependency.near === '')
    kept.sort(
      ({ entry: a }, { entry: b }) => order(a.Node.Node, b.Node.Node) || order(a.Service.ID, b.Service.ID),
    );
  return listOf(
    HealthService,
    kept.map(({ entry, state }) => instanceValue(entry, state)),
  );
}

function nodeWithServices(answer: CatalogNode | null): Value {
  if (answer === null || answer === undefined)
    return new NodeWithServices({ Node: null, Services: listOf(NodeService, []) });
  const services = Object.values(answer.Services ?? {}).sort(
    (a, b) => order(a.Service, b.Service) || order(a.ID, b.ID),
  );
  return new NodeWithServices({
    Node: nodeValue(answer.Node),
    Services: listOf(
      NodeService,
      services.map(
        (service) =>
          new NodeService({
            ID: service.ID,
            Service: service.Service,
            Tags: tagList(service.Tags),
            Meta: stringMap(service.Meta),
            Port: BigInt(service.Port ?? 0),
            Address: service.Address ?? '',
            EnableTagOverride: service.EnableTagOverride === true,
          }),
      ),
    ),
  });
}

type WirePair = Omit<KvPair, 'Value'> & { Value: string | null };

const textOf = (value: string | null): string => fromBytes(Buffer.from(value ?? '', 'base64'));

export function pairValue(prefix: string, path: string, value: string, pair: Partial<WirePair>): Value {
  const rest = path.startsWith(prefix) ? path.slice(prefix.length) : path;
  return new KeyPair({
    Path: path,
    Key: rest.replace(/^\/+/, ''),
    Value: value,
    CreateIndex: uint(pair.CreateIndex),
    ModifyIndex: uint(pair.ModifyIndex),
    LockIndex: uint(pair.LockIndex),
    Flags: uint(pair.Flags),
    Session: pair.Session ?? '',
  });
}

/** The value of a dependency out of the answer to it; undefined for a key that has to be there and is not. */
export function dependencyValue(dependency: Dependency, answer: unknown): Value | undefined {
  switch (dependency.kind) {
    case 'service':
      return servicesOf(dependency, (answer ?? []) as ServiceEntry[]);
    case 'services': {
      const services = Object.entries((answer ?? {}) as Record<string, string[]>);
      services.sort(([a], [b]) => order(a, b));
      return listOf(
        ServiceSnippet,
        services.map(([Name, tags]) => new ServiceSnippet({ Name, Tags: tagList(tags) })),
      );
    }
    case 'nodes': {
      const nodes = [...((answer ?? []) as NodeEntry[])];
      if (dependency.near === '') nodes.sort((a, b) => order(a.Node, b.Node) || order(a.Address, b.Address));
      return listOf(Node, nodes.map(nodeValue));
    }
    case 'node':
      return nodeWithServices(answer as CatalogNode | null);
    case 'datacenters':
      return typed(STRINGS, [...((answer ?? []) as string[])].sort());
    case 'key': {
      const pair = ((answer ?? []) as WirePair[])[0];
      if (pair === undefined) return dependency.mustExist ? undefined : null;
      return textOf(pair.Value);
    }
    case 'pairs': {
      const { prefix } = dependency;
      return listOf(
        KeyPair,
        ((answer ?? []) as WirePair[]).map((pair) => pairValue(prefix, pair.Key, textOf(pair.Value), pair)),
      );
    }
    case 'file':
      return answer;
  }
}
