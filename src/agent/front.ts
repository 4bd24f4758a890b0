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
  let started: ProxyFleet | undefined;
  const router = startRouter({
    discover,
    // A static list publishes at once, before there is a fleet, whose workers begin with the snapshot.
    publish: (delta) => started?.publish(delta),
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
  // Before it listens: what is published meanwhile reaches its workers behind the snapshot.
  const fleet: ProxyFleet = new ProxyFleet(
    {
      listeners: listen.map(({ host, port }, index) => ({
        id: `http-${index}`,
        protocol: 'http',
        host,
        port,
      })),
      log,
      snapshot: () => router.snapshot(),
      limits,
      onApplied: (version) => router.settled(version),
      ...(worker === undefined ? {} : { worker }),
    },
    counters,
  );

  started = fleet;
  let admin: Admin | undefined;
  try {
    await fleet.listen();
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
    await fleet.stop();
    throw error;
  }

  let stopping: Promise<void> | undefined;
  return {
    listeners: [...fleet.addresses.values()].map(({ host, port }) => formatHostPort(host, port)),
    admin: admin && formatHostPort(admin.address.host, admin.address.port),
    router,
    counters,
    ejections: () => fleet.ejections(),
    drain: (patience) => fleet.stop(patience),
    stop() {
      stopping ??= (async () => {
        router.stop();
        await Promise.all([fleet.stop(), admin?.stop()]);
      })();
      return stopping;
    },
  };
}
