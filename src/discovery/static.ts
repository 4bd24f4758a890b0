import { formatHostPort, type HostPort, parseHostPort } from '../lib/host-port.ts';
import type { DiscoveredInstance, Discovery, InstanceListener } from './instance.ts';

export interface StaticUpstream extends HostPort {
  /** Share of the traffic relative to the others; 0 means none. */
  readonly weight: number;
}

export interface StaticDiscoveryOptions {
  readonly upstreams: readonly StaticUpstream[];
  /** What messages call it. */
  readonly service: string;
  /** As a registered service's, e.g. the tag that makes its route. */
  readonly tags: readonly string[];
}

const WEIGHTED = /^(\S+)(?:\s+weight=(\d{1,6}))?$/;

/** "10.0.0.1:80" or "10.0.0.1:80 weight=3"; without a weight it is 1. Undefined when there is no host and port. */
export function parseStaticUpstream(text: string): StaticUpstream | undefined {
  const [, address = '', weight = '1'] = WEIGHTED.exec(text.trim()) ?? [];
  const place = parseHostPort(address);
  if (place === undefined || place.host === '' || place.port === 0) return undefined;
  return { ...place, weight: Number(weight) };
}

/** Instances that are named beforehand, all of one service. They get traffic until it fails: nothing checks them. */
export function followStatic(
  { upstreams, service, tags }: StaticDiscoveryOptions,
  listener: InstanceListener,
): Discovery {
  const instances = new Map<string, DiscoveredInstance>();
  for (const { host, port, weight } of upstreams) {
    const serviceId = formatHostPort(host, port);
    const id = `static/${serviceId}`;
    const rest = { service, tags, host, port, weight, meta: null, datacenter: '', out: '' };
    instances.set(id, { id, node: 'static', serviceId, ...rest });
  }
  if (instances.size > 0)
    listener([...instances.values()].map((after) => ({ id: after.id, before: undefined, after })));
  return { instances: () => instances.values(), resync() {}, stop() {} };
}
