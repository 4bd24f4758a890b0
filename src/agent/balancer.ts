import { type Admin, startAdmin } from '../api/admin/admin.ts';
import { FABIO_SETTINGS } from '../api/admin/fabio.ts';
import type { TrafficSource } from '../api/muster/traffic.ts';
import type { Catalog } from '../catalog/catalog.ts';
import { followCatalog } from '../discovery/catalog.ts';
import { isMusterError, messageOf } from '../errors.ts';
import { formatHostPort, type HostPort, parseHostPort } from '../lib/host-port.ts';
import type { Logger } from '../lib/log.ts';
import { CounterReader, SLOTS } from '../proxy/counters.ts';
import { ProxyFleet } from '../proxy/fleet.ts';
import { type Router, startRouter } from '../route/router.ts';
import { VERSION } from '../version.ts';
import { type Config, DEFAULT_BALANCER } from './config/schema.ts';
import { trafficOf } from './traffic.ts';

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
  const log = logger.child('balancer');
  const counters = new CounterReader();
  const fleets: ProxyFleet[] = [];
  const slots = {
    capacity: SLOTS,
    isIdle: (slot: number) => counters.isIdle(slot),
    onAssign: (slot: number) => counters.clear(slot),
  };
  const router = startRouter({
    discover: (listener) => followCatalog({ catalog }, listener),
    publish: (delta) => {
      for (const fleet of fleets) fleet.publish(delta);
    },
    slots,
    log,
    tagPrefix: config.tagPrefix,
    strategy: config.strategy,
    // Its clients hear "none of web's instances is healthy" rather than "no such route".
    whenNoneHealthy: 'unavailable',
  });
  const applied = new Map<ProxyFleet, number>();
  const stopAll = async (patience: number) => {
    await Promise.all(fleets.map((fleet) => fleet.stop(patience)));
  };

  let admin: Admin | undefined;
  try {
    for (const address of config.listen ?? DEFAULT_BALANCER.listen) {
      const { host, port } = parseHostPort(address) as HostPort;
      const fleet: ProxyFleet = new ProxyFleet(
        {
          host,
          port,
          log,
          snapshot: () => router.snapshot(),
          limits: config.limits,
          onApplied: (version) => {
            applied.set(fleet, version);
            if (applied.size === fleets.length) router.settled(Math.min(...applied.values()));
          },
        },
        counters,
      );
      // Before it listens: what is published meanwhile reaches its workers behind the snapshot.
      fleets.push(fleet);
      await fleet.listen();
    }
    admin = await startAdmin({
      router,
      log,
      address: parseHostPort(config.admin ?? DEFAULT_BALANCER.admin) as HostPort,
      version: VERSION,
      settings: () => ({
        ...FABIO_SETTINGS,
        strategy: config.strategy,
        tagPrefix: config.tagPrefix,
      }),
    }).catch((error: unknown) => {
      if (config.admin !== undefined || !isMusterError(error, 'listen.in_use')) throw error;
      log.warn(`going on without the balancer's admin API: ${messageOf(error)}`);
      return undefined;
    });
  } catch (error) {
    router.stop();
    await stopAll(0);
    throw error;
  }

  const listeners = fleets.map(({ address }) => formatHostPort(address.host, address.port));
  let stopping: Promise<void> | undefined;
  return {
    addresses: {
      listeners,
      admin: admin && formatHostPort(admin.address.host, admin.address.port),
    },
    router,
    traffic: trafficOf({
      catalog,
      router,
      counters,
      listeners,
      ejections: () => fleets.flatMap((fleet) => fleet.ejections()),
    }),
    drain: stopAll,
    stop() {
      stopping ??= (async () => {
        router.stop();
        await Promise.all([stopAll(0), admin?.stop()]);
      })();
      return stopping;
    },
  };
}
