import { isIPv4 } from 'node:net';
import type { ServiceAddress } from '../catalog/rows.ts';
import { kindOf } from '../health/kinds.ts';
import { formatDuration } from '../lib/duration.ts';
import { isIPv6 } from '../lib/ip.ts';
import type { CheckDefinition, ServiceDefinition, Source } from './definition.ts';
import type { LocalCheck, LocalService } from './local.ts';

/** The service that a definition describes. Its address, when it is one, is also there under its family's tags. */
export function serviceOf(definition: ServiceDefinition, source: Source): LocalService {
  const { id, name, mesh } = definition;
  const tagged = { ...definition.taggedAddresses, ...familyAddresses(definition) };
  return {
    id: id === '' ? name : id,
    name,
    kind: definition.kind,
    tags: definition.tags,
    address: definition.address,
    port: definition.port,
    socketPath: definition.socketPath,
    taggedAddresses: Object.keys(tagged).length === 0 ? null : tagged,
    meta: definition.meta,
    weights: definition.weights,
    enableTagOverride: definition.enableTagOverride,
    ...(mesh === undefined ? {} : { mesh }),
    source,
  };
}

function familyAddresses({
  address,
  port,
  taggedAddresses: given,
}: ServiceDefinition): Record<string, ServiceAddress> {
  const family = isIPv4(address) ? 'ipv4' : isIPv6(address) ? 'ipv6' : undefined;
  const own: Record<string, ServiceAddress> = {};
  if (family === undefined) return own;
  for (const tag of [`lan_${family}`, `wan_${family}`]) own[tag] = given[tag] ?? { address, port };
  return own;
}

/** The checks inside a service definition. Those without an ID get the service's, numbered if there are several. */
export function serviceChecksOf(
  { checks }: ServiceDefinition,
  service: LocalService,
  source: Source,
): LocalCheck[] {
  return checks.map(({ id, name, notes, status, spec }, at) => ({
    id: id !== '' ? id : `service:${service.id}${checks.length > 1 ? `:${at + 1}` : ''}`,
    name: name !== '' ? name : `Service '${service.name}' check`,
    status: status === '' ? 'critical' : status,
    notes,
    output: '',
    serviceId: service.id,
    serviceName: service.name,
    serviceTags: service.tags,
    type: kindOf(spec) ?? '',
    // As in Consul, only checks that are registered on their own show these.
    interval: '',
    timeout: '',
    spec,
    source,
  }));
}

/** A check that is registered on its own, of `service` or of the node. */
export function checkOf(
  { id, name, notes, status, spec }: CheckDefinition,
  service: LocalService | undefined,
  source: Source,
): LocalCheck {
  return {
    id: id === '' ? name : id,
    name,
    status: status === '' ? 'critical' : status,
    notes,
    output: '',
    serviceId: service?.id ?? '',
    serviceName: service?.name ?? '',
    serviceTags: service?.tags ?? [],
    // As in Consul, a check from the configuration does not say its type.
    type: source === 'config' ? '' : (kindOf(spec) ?? ''),
    interval: formatDuration(spec.interval),
    timeout: formatDuration(spec.timeout),
    spec,
    source,
  };
}

/** The check that stands for maintenance, of `service` or of the node. */
export function maintenanceOf(id: string, service: LocalService | undefined, reason: string): LocalCheck {
  const what = service === undefined ? 'node' : 'service';
  return {
    id,
    name: service === undefined ? 'Node Maintenance Mode' : 'Service Maintenance Mode',
    status: 'critical',
    notes:
      reason === ''
        ? `Maintenance mode is enabled for this ${what}, but no reason was provided. This is a default message.`
        : reason,
    output: '',
    serviceId: service?.id ?? '',
    serviceName: service?.name ?? '',
    serviceTags: service?.tags ?? [],
    type: 'maintenance',
    interval: '',
    timeout: '',
    spec: null,
    source: 'api',
  };
}
