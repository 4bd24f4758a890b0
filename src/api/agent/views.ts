import type { LocalCheck, LocalService } from '../../registry/local.ts';
import { proxyWire } from '../wire/service.ts';

/** A service of this agent on the wire. */
export function agentService(service: LocalService, datacenter: string, contentHash?: string): object {
  const { taggedAddresses, weights } = service;
  return {
    ...(service.kind === '' ? {} : { Kind: service.kind }),
    ID: service.id,
    Service: service.name,
    Tags: service.tags,
    Meta: service.meta ?? {},
    Port: service.port,
    Address: service.address,
    ...(service.socketPath === '' ? {} : { SocketPath: service.socketPath }),
    ...(taggedAddresses === null
      ? {}
      : {
          TaggedAddresses: Object.fromEntries(
            Object.entries(taggedAddresses).map(([tag, { address, port }]) => [
              tag,
              { Address: address, Port: port },
            ]),
          ),
        }),
    Weights: { Passing: weights.passing, Warning: weights.warning },
    EnableTagOverride: service.enableTagOverride,
    ...(service.mesh !== undefined && service.kind !== '' ? { Proxy: proxyWire(service) } : {}),
    ...(service.mesh?.connect.Native === true ? { Connect: { Native: true } } : {}),
    ...(contentHash === undefined ? {} : { ContentHash: contentHash }),
    Datacenter: datacenter,
  };
}

/** A check of this agent on the wire. It has no place in the catalog's order: its indexes are 0. */
export function agentCheck(check: LocalCheck, node: string): object {
  return {
    ...common(check, node),
    Type: check.type,
    Interval: check.interval,
    Timeout: check.timeout,
    ExposedPort: 0,
    Definition: {},
    CreateIndex: 0,
    ModifyIndex: 0,
  };
}

/** The same inside the answers about the health of a service, where Consul shows an empty definition in full. */
export function agentHealthCheck(check: LocalCheck, node: string): object {
  return {
    ...common(check, node),
    Type: '',
    Definition: {
      Interval: '0s',
      Timeout: '0s',
      DeregisterCriticalServiceAfter: '0s',
      HTTP: '',
      Header: null,
      Method: '',
      Body: '',
      TLSServerName: '',
      TLSSkipVerify: false,
      TCP: '',
      GRPC: '',
      GRPCUseTLS: false,
    },
    CreateIndex: 0,
    ModifyIndex: 0,
  };
}

function common(check: LocalCheck, node: string) {
  return {
    Node: node,
    CheckID: check.id,
    Name: check.name,
    Status: check.status,
    Notes: check.notes,
    Output: check.output,
    ServiceID: check.serviceId,
    ServiceName: check.serviceName,
    ServiceTags: check.serviceTags,
  };
}
