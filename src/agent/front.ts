import { type Admin, startAdmin } from '../api/admin/admin.ts';
import { FABIO_SETTINGS } from '../api/admin/fabio.ts';
import type { StrategyName } from '../balance/strategies.ts';
import type { Discovery, InstanceListener } from '../discovery/instance.ts';
import { isMusterError, messageOf } from '../errors.ts';
import { formatHostPort, type HostPort } from '../lib/host-port.ts';
import type { Logger } from '../lib/log.ts';
import { CounterReader, SLOTS } from '../proxy/counters.ts';
import type { Ejection } from '../proxy/ejector.ts';
import { ProxyFleet } from '../proxy/fleet.ts';
import type { ProxyLimits } from '../proxy/limits.ts';
import { type Router, startRouter } from '../route/router.ts';
import { VERSION } from '../version.ts';

export interface FrontOptions {
  readonly discover: (listener: InstanceListener) => Discovery;
  readonly listen: readonly HostPort[];
  /** Undefined: no admin API. */
  readonly admin: HostPort | undefined;
  /** Go on without the admin API, with a warning, when its address is taken. */
  readonly mayLackAdmin: boolean;
  readonly limits: Partial<ProxyLimits>;
  readonly strategy: StrategyName;
  readonly tagPrefix: string;
  readonly log: Logger;
  /** The bundled worker of the proxy; default: beside the bundle this runs from. */
  readonly worker?: URL;
}

/** Routes from wherever instances are learned, the proxy's workers on every listener, the admin API. */
export interface Front {
  readonly listeners: readonly string[];
  readonly admin: string | undefined;
  readonly router: Router;
  readonly counters: CounterReader;
  ejections(): readonly Ejection[];
  /** Takes no new connections and lets requests in flight end, for at most `patience` ms. Idempotent. */
  drain(patience: number): Promise<void>;
  /** Idempotent. */
  stop(): Promise<void>;
}

/** Throws `listen.*`; nothing is left running then. */
export async function startFront(options: FrontOptions): Promise<Front> {
  const { discover, listen, limits, strategy, tagPrefix, log, worker } = options;
  const counters = new CounterReader();
  const fleets: ProxyFleet[] = [];
  const router = startRouter({
    discover,
    publish: (delta) => {
      for (const fleet of fleets) fleet.publish(delta);
    },
    slots: {
      capacity: SLOTS,
      isIdle: (slot) => counters.isIdle(slot),
      onAssign: (slot) => counters.clear(slot),
    },
    log,
    tagPrefix,
    strategy,
    // Its clients hear "none of web's instances is healthy" rather than "no such route".
    whenNoneHealthy: 'unavailable',
  });
  const applied = new Map<ProxyFleet, number>();
  const stopAll = async (patience: number) => {
    await Promise.all(fleets.map((fleet) => fleet.stop(patience)));
  };

  let admin: Admin | undefined;
  try {
    for (const { host, port } of listen) {
      const fleet: ProxyFleet = new ProxyFleet(
        {
          host,
          port,
          log,
          snapshot: () => router.snapshot(),
          limits,
          onApplied: (version) => {
            applied.set(fleet, version);
            if (applied.size === fleets.length) router.settled(Math.min(...applied.values()));
          },
          ...(worker === undefined ? {} : { worker }),
        },
        counters,
      );
      // Before it listens: what is published meanwhile reaches its workers behind the snapshot.
      fleets.push(fleet);
      await fleet.listen();
    }
    if (options.admin !== undefined) {
      const settings = { ...FABIO_SETTINGS, strategy, tagPrefix };
      admin = await startAdmin({
        router,
        log,
        address: options.admin,
        version: VERSION,
        settings: () => settings,
      }).catch((error: unknown) => {
        if (!options.mayLackAdmin || !isMusterError(error, 'listen.in_use')) throw error;
        log.warn(`going on without the balancer's admin API: ${messageOf(error)}`);
        return undefined;
      });
    }
  } catch (error) {
    router.stop();
    await stopAll(0);
    throw error;
  }

  let stopping: Promise<void> | undefined;
  return {
    listeners: fleets.map(({ address }) => formatHostPort(address.host, address.port)),
    admin: admin && formatHostPort(admin.address.host, admin.address.port),
    router,
    counters,
    ejections: () => fleets.flatMap((fleet) => fleet.ejections()),
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
