import { isIPv6 } from 'node:net';
import { type Backend, BackendPattern, instanceOf } from './backend.ts';
import type { DiscoveredInstance, Discovery, InstanceListener } from './instance.ts';

/** A place with what an instance may be besides. */
export type StaticUpstream = Backend & Partial<Pick<DiscoveredInstance, 'service' | 'tags' | 'zone'>>;

export interface StaticDiscoveryOptions {
  readonly upstreams: readonly StaticUpstream[];
  /** What messages call it; for upstreams that do not say it themselves, as with the next one. */
  readonly service: string;
  /** As a registered service's, e.g. the tag that makes its route. */
  readonly tags: readonly string[];
}

const pattern = new BackendPattern();

/** "10.0.0.1:80", "10.0.0.1:80 weight=3", see `BACKEND_PATTERN`. Undefined when there is no host and port, as in a URL. */
export function parseStaticUpstream(text: string): Backend | undefined {
  const backend = pattern.read(text);
  return backend !== undefined && mayBeHost(backend.host) ? backend : undefined;
}

/** The expression takes all that has no blanks, "http://10.0.0.1" too, which could only fail later, and at every request. */
function mayBeHost(text: string): boolean {
  return !text.includes('/') && (!text.includes(':') || isIPv6(text));
}

/** Instances that are named beforehand, all of one service. They get traffic until it fails: nothing here checks them. */
export function followStatic(
  { upstreams, service, tags }: StaticDiscoveryOptions,
  listener: InstanceListener,
): Discovery {
  const instances = new Map<string, DiscoveredInstance>();
  for (const upstream of upstreams) {
    const { service: name = service, tags: own = tags } = upstream;
    const instance = { ...instanceOf(upstream, 'static', name), tags: own };
    instances.set(instance.id, instance);
  }
  if (instances.size > 0)
    listener([...instances.values()].map((after) => ({ id: after.id, before: undefined, after })));
  return { instances: () => instances.values(), resync() {}, stop() {} };
}
