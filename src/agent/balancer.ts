import type { TrafficSource } from '../api/muster/traffic.ts';
import type { Catalog } from '../catalog/catalog.ts';
import { followCatalog } from '../discovery/catalog.ts';
import { isMusterError, messageOf } from '../errors.ts';
import type { Traffic } from '../group/surroundings.ts';
import { type HostPort, parseHostPort } from '../lib/host-port.ts';
import type { Logger } from '../lib/log.ts';
import type { Router } from '../route/router.ts';
import { type Config, DEFAULT_BALANCER } from './config/schema.ts';
import { startFront } from './front.ts';
import { instanceTraffic, trafficOf } from './traffic.ts';

export interface BalancerOptions {
  config: Config['balancer'];
  catalog: Catalog;
  logger: Logger;
}

/** The balancer of an agent: routes from the catalog, the proxy's workers, the admin API. */
export interface Balancer {
  /** `admin` is undefined when its default address was taken. */
  readonly addresses: { readonly listeners: readonly string[]; readonly admin: string | undefined };
  readonly router: Router;
  readonly traffic: TrafficSource;
  /** What was counted of an instance, by discovery's id for it; undefined when no route leads to it. */
  trafficOf(id: string): Traffic | undefined;
  /** Takes no new connections and lets requests in flight end, for at most `patience` ms. Idempotent. */
  drain(patience: number): Promise<void>;
  /** Idempotent. */
  stop(): Promise<void>;
}

/**
 * Throws `listen.*`; nothing is left running then. Addresses that were not configured are given up when they are taken,
 * with a warning, so that several agents run on one machine: undefined, then, or a balancer without its admin API.
 */
export async function startBalancer(options: BalancerOptions): Promise<Balancer | undefined> {
  const { listen, admin } = options.config;
  try {
    return await build(options);
  } catch (error) {
    if (listen !== undefined || admin !== undefined || !isMusterError(error, 'listen.in_use')) throw error;
    options.logger
      .child('balancer')
      .warn(
        `going on without the balancer: ${messageOf(error)} \`balancer.listen\` (-balancer-listen) says where.`,
      );
    return undefined;
  }
}

async function build({ config, catalog, logger }: BalancerOptions): Promise<Balancer> {
  const { listen = DEFAULT_BALANCER.listen, limits, strategy, tagPrefix } = config;
  const front = await startFront({
    discover: (listener) => followCatalog({ catalog }, listener),
    listen: listen.map((address) => parseHostPort(address) as HostPort),
    admin: parseHostPort(config.admin ?? DEFAULT_BALANCER.admin) as HostPort,
    mayLackAdmin: config.admin === undefined,
    limits,
    strategy,
    tagPrefix,
    log: logger.child('balancer'),
  });
  const { listeners, admin, router, counters } = front;
  return {
    addresses: { listeners, admin },
    router,
    traffic: trafficOf({ catalog, router, counters, listeners, ejections: () => front.ejections() }),
    trafficOf: instanceTraffic({ router, counters }),
    drain: (patience) => front.drain(patience),
    stop: () => front.stop(),
  };
}
