import type { Node, Service, ServiceAddress } from '../../catalog/rows.ts';

/** What a service without a mesh has in the places of the mesh. */
const NO_PROXY = { Mode: '', MeshGateway: {}, Expose: {} };
const NO_CONNECT = {};

export function proxyWire({ mesh }: Pick<Service, 'mesh'>): object {
  return mesh === undefined ? NO_PROXY : { ...NO_PROXY, ...mesh.proxy };
}

/** Consul's JSON of an instance as part of a node or of a health entry. */
export function serviceWire(service: Service) {
  return {
    ...(service.kind === '' ? {} : { Kind: service.kind }),
    ID: service.id,
    Service: service.name,
    Tags: service.tags,
    Address: service.address,
    ...(isEmpty(service.taggedAddresses)
      ? {}
      : { TaggedAddresses: taggedAddressesWire(service.taggedAddresses) }),
    Meta: service.meta,
    ...(service.port === 0 ? {} : { Port: service.port }),
    ...(service.socketPath === '' ? {} : { SocketPath: service.socketPath }),
    Weights: weightsWire(service),
    EnableTagOverride: service.enableTagOverride,
    Proxy: proxyWire(service),
    Connect: service.mesh?.connect ?? NO_CONNECT,
    CreateIndex: service.createIndex,
    ModifyIndex: service.modifyIndex,
  };
}

export type ServiceWire = ReturnType<typeof serviceWire>;

/** Consul's JSON of an instance in the answer about its service: the node's fields and its own in one object. */
export function serviceNodeWire(node: Node, service: Service) {
  return {
    ID: node.id,
    Node: node.name,
    Address: node.address,
    Datacenter: node.datacenter,
    TaggedAddresses: node.taggedAddresses,
    NodeMeta: node.meta,
    ServiceKind: service.kind,
    ServiceID: service.id,
    ServiceName: service.name,
    ServiceTags: service.tags,
    ServiceAddress: service.address,
    ...(isEmpty(service.taggedAddresses)
      ? {}
      : { ServiceTaggedAddresses: taggedAddressesWire(service.taggedAddresses) }),
    ServiceWeights: weightsWire(service),
    ServiceMeta: service.meta ?? {},
    ServicePort: service.port,
    ServiceSocketPath: service.socketPath,
    ServiceEnableTagOverride: service.enableTagOverride,
    ServiceProxy: proxyWire(service),
    ServiceConnect: service.mesh?.connect ?? NO_CONNECT,
    CreateIndex: service.createIndex,
    ModifyIndex: service.modifyIndex,
  };
}

function weightsWire({ weights }: Pick<Service, 'weights'>) {
  return { Passing: weights.passing, Warning: weights.warning };
}

function taggedAddressesWire(
  addresses: Readonly<Record<string, ServiceAddress>> | null,
): Record<string, { Address: string; Port: number }> {
  const sorted = Object.entries(addresses ?? {}).sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(
    sorted.map(([name, { address, port }]) => [name, { Address: address, Port: port }]),
  );
}

function isEmpty(map: object | null): boolean {
  return map === null || Object.keys(map).length === 0;
}
