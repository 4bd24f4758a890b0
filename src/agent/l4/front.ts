import type { Catalog } from '../../catalog/catalog.ts';
import { MusterError } from '../../errors.ts';
import { type Clock, systemClock } from '../../lib/clock.ts';
import type { Logger } from '../../lib/log.ts';
import type { Sockets } from '../../lib/sockets.ts';
import { Certificates } from '../../proxy/certificates/certificates.ts';
import { CounterReader, SLOTS } from '../../proxy/counters.ts';
import type { Ejection } from '../../proxy/ejector.ts';
import type { Farewell } from '../../proxy/farewell.ts';
import { ProxyFleet } from '../../proxy/fleet.ts';
import type { ListenAddress, ListenerSpec } from '../../proxy/listener-spec.ts';
import { PoolKeeper } from '../../route/pool-keeper.ts';
import type { RouteDelta } from '../../route/spec.ts';
import type { L4Plan } from './plan.ts';
import { L4Service } from './service.ts';

export interface L4FrontOptions {
  readonly log: Logger;
  /** Clients at a time, per worker, over all services; default: the proxy's. */
  readonly maxConnections?: number;
  /** For certificates in our own key/value store. */
  readonly catalog?: Catalog | undefined;
  readonly clock?: Clock;
  /** In [0, 1). */
  readonly random?: () => number;
  /** The bundled worker of the proxy; default: beside the bundle this runs from. */
  readonly worker?: URL;
  /** Those of the process. */
  readonly sockets?: Sockets | undefined;
}

/** Limits of clients and of bytes are those of a whole service, and a UDP port is one worker's alone. */
const WORKERS = 1;

interface Opened {
  readonly service: L4Service;
  readonly certificates: Certificates | undefined;
  readonly address: ListenAddress;
}

/** How long (ms) a service waits for its certificates, so that its first clients find them. */
const CERTIFICATES_WAIT = 2_000;
const NO_ROUTES: RouteDelta = { version: 0, changed: [], patched: [], removed: [] };

/** TCP, TLS and UDP services over one fleet of workers. Services can be opened and closed while it runs. */
export class L4Front {
  readonly counters = new CounterReader();
  readonly #options: L4FrontOptions;
  readonly #keeper: PoolKeeper;
  readonly #fleet: ProxyFleet;
  readonly #services = new Map<string, Opened>();
  readonly #opening = new Set<string>();

  private constructor(options: L4FrontOptions) {
    this.#options = options;
    const { log, maxConnections, worker, sockets } = options;
    this.#keeper = new PoolKeeper({
      publish: (delta) => this.#fleet.publishPools(delta),
      slots: {
        capacity: SLOTS,
        isIdle: (slot) => this.counters.isIdle(slot),
        onAssign: (slot) => this.counters.clear(slot),
      },
    });
    this.#fleet = new ProxyFleet(
      {
        listeners: [],
        log,
        snapshot: () => NO_ROUTES,
        pools: () => this.#keeper.snapshot(),
        onPoolsApplied: (version) => this.#keeper.settled(version),
        workers: WORKERS,
        limits: maxConnections === undefined ? {} : { maxConnections },
        sockets,
        ...(worker === undefined ? {} : { worker }),
      },
      this.counters,
    );
  }

  static async start(options: L4FrontOptions): Promise<L4Front> {
    const front = new L4Front(options);
    await front.#fleet.listen();
    return front;
  }

  /** Which road to the kernel TCP in clear text takes. */
  get transport(): string {
    return this.#fleet.carriage.transport;
  }

  get services(): ReadonlyMap<string, Opened> {
    return this.#services;
  }

  /** Instances that get no traffic because the traffic failed. */
  ejections(): readonly Ejection[] {
    return this.#fleet.ejections();
  }

  /** Follows the service's instances, then listens. Throws `listen.*`, `config.invalid`; nothing is left running then. */
  async open(plan: L4Plan): Promise<Opened> {
    const { name, listen, listener, tls } = plan;
    if (this.#services.has(name) || this.#opening.has(name))
      throw new MusterError('config.invalid', `Server with this name already exists: ${name}`);
    this.#opening.add(name);
    const { log, clock = systemClock, random = Math.random } = this.#options;
    const service = new L4Service(plan, {
      keeper: this.#keeper,
      counters: this.counters,
      clock,
      random,
      log: log.child(name),
    });
    const certificates =
      tls === undefined
        ? undefined
        : new Certificates({
            stores: new Map([[name, tls.sources]]),
            catalog: this.#options.catalog,
            clock,
            log: log.child(name),
            publish: (store, spec) => this.#fleet.setCertificates(store, spec),
          });
    try {
      await certificates?.ready(CERTIFICATES_WAIT);
      const spec: ListenerSpec = {
        ...listener,
        id: name,
        ...listen,
        pool: name,
        slot: service.slot,
        ...(tls === undefined ? {} : { tls: { ...tls.settings, store: name } }),
      };
      const opened = { service, certificates, address: await this.#fleet.open(spec) };
      this.#services.set(name, opened);
      return opened;
    } catch (error) {
      certificates?.stop();
      service.stop();
      throw error;
    } finally {
      this.#opening.delete(name);
    }
  }

  /** Takes no more clients of the service; those it has may go on for at most `patience` ms. False: there is no such service. */
  close(name: string, patience = 0): boolean {
    const opened = this.#services.get(name);
    if (opened === undefined) return false;
    this.#services.delete(name);
    this.#fleet.close(name, patience);
    opened.certificates?.stop();
    opened.service.stop();
    return true;
  }

  /** Takes no more clients; waits for those there are, then ends the workers. Idempotent. */
  drain(farewell: Farewell): Promise<void> {
    return this.#fleet.stop(farewell);
  }

  /** Idempotent. */
  async stop(): Promise<void> {
    for (const { service, certificates } of this.#services.values()) {
      certificates?.stop();
      service.stop();
    }
    await this.#fleet.stop();
  }
}
