/** Services of the catalog as TCP and UDP services. */
import type { Catalog } from '../../catalog/catalog.ts';
import { fold } from '../../catalog/tables.ts';
import { followCatalog } from '../../discovery/catalog.ts';
import type { DiscoveredInstance, Discovery, InstanceListener } from '../../discovery/instance.ts';
import { formatHostPort, parseHostPort } from '../../lib/host-port.ts';
import type { Logger } from '../../lib/log.ts';
import { parseAccessRule } from '../../proxy/access.ts';
import type { BalancedServiceConfig } from '../config/tcp-services.ts';
import { L4Front } from './front.ts';
import type { L4Plan } from './plan.ts';

/** Throws `listen.*`; nothing is left running then. Undefined when there is no such service. */
export async function startServices(
  services: readonly BalancedServiceConfig[],
  catalog: Catalog,
  log: Logger,
): Promise<{ front: L4Front; addresses: readonly string[] } | undefined> {
  if (services.length === 0) return undefined;
  const front = await L4Front.start({ log });
  try {
    const addresses: string[] = [];
    for (const service of services) {
      const { address } = await front.open(planOf(service, catalog));
      addresses.push(formatHostPort(address.host, address.port));
    }
    return { front, addresses };
  } catch (error) {
    await front.stop();
    throw error;
  }
}

function planOf(config: BalancedServiceConfig, catalog: Catalog): L4Plan {
  const { name, address, protocol, tag, strategy, access, accessDefault, idleTimeout } = config;
  const allowOthers = accessDefault === 'allow';
  const rules = access.flatMap((rule) => parseAccessRule(rule) ?? []);
  const most = config.maxConnections;
  const idle = idleTimeout === undefined ? {} : { clientIdleTimeout: idleTimeout };
  return {
    name: `${name} at ${address}`,
    listen: parseHostPort(address)!,
    listener:
      protocol === 'udp'
        ? {
            protocol,
            access: { rules, allowOthers },
            limits: {
              ...idle,
              maxResponses: config.maxResponses,
              ...(most > 0 ? { maxSessions: most } : {}),
            },
          }
        : {
            protocol,
            access: { rules, allowOthers },
            acceptProxy: config.acceptProxy,
            sendProxy: config.sendProxy,
            limits: {
              connectTimeout: config.connectTimeout,
              ...idle,
              ...(idleTimeout === undefined ? {} : { upstreamIdleTimeout: idleTimeout }),
              ...(most > 0 ? { maxConnections: most } : {}),
            },
          },
    strategy,
    isWeighted: true,
    discover: (listener) => followService(catalog, { name, tag }, listener),
  };
}

/** The instances of one service, with a tag unless that is "". Names of services are compared as the catalog does. */
export function followService(
  catalog: Catalog,
  { name, tag }: { name: string; tag: string },
  listener: InstanceListener,
): Discovery {
  const wanted = fold(name);
  const mine = (instance: DiscoveredInstance | undefined) =>
    instance !== undefined &&
    fold(instance.service) === wanted &&
    instance.port > 0 &&
    (tag === '' || instance.tags.includes(tag))
      ? instance
      : undefined;
  const all = followCatalog({ catalog }, (changes) => {
    const ours = changes
      .map(({ id, before, after }) => ({ id, before: mine(before), after: mine(after) }))
      .filter(({ before, after }) => before !== undefined || after !== undefined);
    if (ours.length > 0) listener(ours);
  });
  return {
    *instances() {
      for (const instance of all.instances()) if (mine(instance) !== undefined) yield instance;
    },
    resync: () => all.resync(),
    stop: () => all.stop(),
  };
}
