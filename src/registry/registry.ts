import type { CheckStatus } from '../catalog/rows.ts';
import type { Transaction } from '../catalog/transaction.ts';
import { NODE_MAINTENANCE, SERVICE_MAINTENANCE } from '../catalog/views.ts';
import { Watches } from '../catalog/watches.ts';
import { messageOf } from '../errors.ts';
import type { Outcome } from '../health/kind.ts';
import { Schedule } from '../health/schedule.ts';
import {
  admitChecks,
  admitMore,
  DEFAULT_REGISTRY_LIMITS,
  noSuchService,
  type RegistryLimits,
  type ScriptsFrom,
} from './admit.ts';
import { Checker } from './checker.ts';
import { type Configured, configured, configuredBefore } from './configured.ts';
import type { CheckDefinition, ServiceDefinition, StaticDefinitions } from './definition.ts';
import { keepOf, type LocalDisk, noDisk } from './disk.ts';
import { DEFAULT_FLOOD_POLICY } from './flood.ts';
import { FloodGate } from './flood-gate.ts';
import { Heartbeats } from './heartbeats.ts';
import { type LocalCheck, type LocalService, LocalState } from './local.ts';
import { checkOf, maintenanceOf, serviceChecksOf, serviceOf } from './make.ts';
import type { LocalNode } from './node.ts';
import type { RegistryCounts, RegistryOptions } from './options.ts';
import { restore } from './restore.ts';
import { Sync } from './sync.ts';

/**
 * What this node registers: its services and checks. They are kept on disk, carried out, and written through to the
 * catalog; a write is acknowledged when both the disk and the catalog have it for good.
 */
export class Registry {
  readonly #options: RegistryOptions;
  readonly #limits: RegistryLimits;
  readonly #scripts: ScriptsFrom;
  readonly #local = new LocalState();
  readonly #disk: LocalDisk;
  readonly #schedule: Schedule;
  readonly #checker: Checker;
  readonly #sync: Sync;
  readonly #watches = new Watches();
  readonly #heartbeats: Heartbeats;
  readonly #gate: FloodGate;
  /** Checks that had no result yet: their first one is written through whatever it is, so that its output is seen. */
  readonly #untried = new Set<string>();
  #unsubscribe: () => void = () => {};
  #stopping: Promise<void> | undefined;

  /** Use `startRegistry`. */
  constructor(options: RegistryOptions) {
    const { store, node, clock, random, logger, disk = noDisk } = options;
    this.#options = options;
    this.#limits = { ...DEFAULT_REGISTRY_LIMITS, ...options.limits };
    this.#scripts = options.scripts ?? 'nobody';
    this.#disk = disk;
    this.#schedule = new Schedule(clock, (error) => logger.error(messageOf(error)));
    this.#heartbeats = new Heartbeats(this.#disk, this.#schedule, logger);
    const common = { local: this.#local, schedule: this.#schedule, random };
    this.#checker = new Checker({
      ...common,
      catalog: store.catalog,
      clock,
      outputMaxSize: this.#limits.outputMaxSize,
      discardOutput: this.#limits.discardOutput,
      onResult: (id, outcome) => this.#found(id, outcome),
      onCriticalTooLong: (check) => this.#takeDown(check),
    });
    this.#gate = new FloodGate({
      ...common,
      policy: options.flood ?? DEFAULT_FLOOD_POLICY,
      clock,
      logger,
      onRelease: (id, outcome) => void this.#result(id, outcome).catch(() => {}),
    });
    this.#sync = new Sync({
      ...common,
      store,
      node,
      logger,
      reconcileInterval: options.reconcileInterval,
      checkUpdateInterval: options.checkUpdateInterval,
    });
  }

  get node(): LocalNode {
    return this.#sync.node;
  }

  /** Loads what the disk kept, then the configuration, and brings the catalog in line. */
  async start(): Promise<void> {
    try {
      this.#restore();
      const made = this.#define(this.#options.definitions ?? { services: [], checks: [] }, new Map());
      // What was registered through the API under a name that the configuration has now must not come back.
      await this.#keep(ids(made.services), ids(made.checks));
      await this.#sync.start();
    } catch (error) {
      await this.stop();
      throw error;
    }
    this.#unsubscribe = this.#options.store.catalog.feed.subscribe(({ changes }) =>
      this.#checker.catalogChanged(changes),
    );
  }

  /** There is a catalog by now, of which there was none at the start. Resolves when it says what is true here, or that is being tried again. */
  async catalogCame(): Promise<void> {
    this.#checker.changed();
    await this.#sync.reconcile().catch(() => {});
  }

  /** Ends the checks; what is registered stays registered. */
  stop(): Promise<void> {
    this.#stopping ??= (async () => {
      this.#unsubscribe();
      this.#sync.stop();
      this.#checker.stopAll();
      this.#gate.stop();
      this.#schedule.clear();
      await this.#heartbeats.flush();
      await this.#disk.close();
    })();
    return this.#stopping;
  }

  /** Takes this node out of the catalog with all that is registered on it, after `before` in the same commit. The disk keeps the registrations. */
  async leave(before?: (tx: Transaction) => void): Promise<void> {
    this.#checker.stopAll();
    await this.#sync.leave(before);
  }

  /** In the order of their IDs. */
  services(): LocalService[] {
    return this.#local.services();
  }

  service(id: string): LocalService | undefined {
    return this.#local.service(id);
  }

  /** In the order of their IDs. */
  checks(): LocalCheck[] {
    return this.#local.checks();
  }

  check(id: string): LocalCheck | undefined {
    return this.#local.check(id);
  }

  /** Checks of a service; with "" those of the node. */
  checksOf(serviceId: string): LocalCheck[] {
    return this.#local.checksOf(serviceId);
  }

  get counts(): RegistryCounts {
    return {
      services: this.#local.serviceCount,
      checks: this.#local.checkCount,
      heldBack: this.#gate.heldBack,
      ...this.#checker.counts,
    };
  }

  /** Resolves true at the next change of a service's definition, false once `signal` is aborted. */
  serviceChange(id: string, signal: AbortSignal): Promise<boolean> {
    return this.#watches.wait({ topics: [id] }, signal);
  }

  /**
   * Registers a service with its checks, or replaces it; checks that it has already keep their state, and those that
   * are not in the definition stay unless `replaceExistingChecks`. Throws `request.rejected` in Consul's words.
   */
  async registerService(
    definition: ServiceDefinition,
    { replaceExistingChecks = false }: { replaceExistingChecks?: boolean } = {},
  ): Promise<void> {
    admitChecks(
      definition.checks.map(({ spec }) => spec),
      'api',
      this.#scripts,
    );
    const service = serviceOf(definition, 'api');
    const checks = serviceChecksOf(definition, service, 'api');
    const known = this.#local
      .checksOf(service.id)
      .filter((check) => !checks.some(({ id }) => id === check.id));
    admitMore(this.#local, this.#limits, service, checks);
    this.#putService(service);
    for (const check of checks) this.#putCheck(check);
    const dropped = replaceExistingChecks ? known : [];
    for (const { id } of dropped) this.#dropCheck(id);
    // Checks of an earlier registration follow the name of their service.
    const renamed = known.filter((check) => !replaceExistingChecks && check.serviceName !== service.name);
    for (const check of renamed) this.#local.putCheck({ ...check, serviceName: service.name });
    this.#checker.changed();
    await this.#acknowledge([service.id], ids([...checks, ...dropped, ...renamed]));
  }

  /** Takes a service and its checks away. False when there is none with this ID. */
  async deregisterService(id: string): Promise<boolean> {
    if (this.#local.service(id) === undefined) return false;
    const checks = this.#local.checksOf(id);
    for (const check of checks) this.#dropCheck(check.id);
    this.#local.deleteService(id);
    this.#watches.wake([id], []);
    this.#checker.changed();
    await this.#acknowledge([id], ids(checks));
    return true;
  }

  /** Registers a check, or replaces it and keeps its state. Throws `request.rejected` in Consul's words. */
  async registerCheck(definition: CheckDefinition): Promise<void> {
    admitChecks([definition.spec], 'api', this.#scripts);
    const check = checkOf(definition, this.#serviceOf(definition.serviceId), 'api');
    admitMore(this.#local, this.#limits, undefined, [check]);
    this.#putCheck(check);
    this.#checker.changed();
    await this.#acknowledge([], [check.id]);
  }

  /** Takes a check away. False when there is none with this ID. */
  async deregisterCheck(id: string): Promise<boolean> {
    if (this.#local.check(id) === undefined) return false;
    this.#dropCheck(id);
    this.#checker.changed();
    await this.#acknowledge([], [id]);
    return true;
  }

  /** A heartbeat. Resolves once a change of status is durable. False when there is no such TTL check. */
  async updateTtl(id: string, status: CheckStatus, output: string): Promise<boolean> {
    const before = this.#local.check(id);
    const state = this.#checker.tell(id, status, output);
    if (state === undefined) return false;
    this.#gate.forget(id);
    if (before?.status === status) {
      this.#heartbeats.keepLater(state);
      await this.#result(id, state);
    } else await Promise.all([this.#heartbeats.keep(state), this.#result(id, state)]);
    return true;
  }

  /**
   * Maintenance of a service, or with "" of the node: a critical check that nobody carries out. With `reason`
   * undefined it ends. False when there is no such service. What is in maintenance already keeps its reason.
   */
  async maintain(serviceId: string, reason: string | undefined): Promise<boolean> {
    const service = this.#local.service(serviceId);
    if (serviceId !== '' && service === undefined) return false;
    const id = serviceId === '' ? NODE_MAINTENANCE : `${SERVICE_MAINTENANCE}${serviceId}`;
    if (reason === undefined) await this.deregisterCheck(id);
    else if (this.#local.check(id) === undefined) {
      this.#putCheck(maintenanceOf(id, service, reason));
      this.#checker.changed();
      await this.#acknowledge([], [id]);
    }
    return true;
  }

  /** Replaces what the configuration defines, and the node's metadata; what was registered through the API stays as it is. */
  async reload(definitions: StaticDefinitions, meta = this.node.meta ?? {}): Promise<void> {
    await this.#sync.describe(meta);
    const before = new Map(this.#local.checks().map((check) => [check.id, check]));
    const gone = configuredBefore(this.#local);
    for (const { id } of gone.checks) this.#dropCheck(id);
    for (const { id } of gone.services) this.#local.deleteService(id);
    const made = this.#define(definitions, before);
    for (const { id } of gone.services) {
      // A service that is no longer configured takes along the checks that were added to it.
      if (this.#local.service(id) !== undefined) continue;
      const left = this.#local.checksOf(id);
      gone.checks.push(...left);
      for (const check of left) this.#dropCheck(check.id);
    }
    this.#watches.wake(ids([...gone.services, ...made.services]), []);
    this.#checker.changed();
    await this.#acknowledge(ids([...gone.services, ...made.services]), ids([...gone.checks, ...made.checks]));
  }

  #serviceOf(id: string): LocalService | undefined {
    const service = this.#local.service(id);
    if (id !== '' && service === undefined) throw noSuchService(id);
    return service;
  }

  #putService(service: LocalService): void {
    this.#local.putService(service);
    this.#watches.wake([service.id], []);
  }

  /** Puts a check in place and begins to carry it out. A check that was there hands on its state. */
  #putCheck(check: LocalCheck, before = this.#local.check(check.id), ttlLeft?: number): void {
    const kept = before === undefined ? check : { ...check, status: before.status, output: before.output };
    this.#local.putCheck(kept);
    if (before === undefined) this.#untried.add(check.id);
    this.#checker.start(kept, ttlLeft);
    if (before !== undefined) this.#checker.observe(kept);
  }

  #dropCheck(id: string): void {
    this.#local.deleteCheck(id);
    this.#checker.stop(id);
    this.#gate.forget(id);
    this.#heartbeats.forget(id);
    this.#untried.delete(id);
  }

  /** Resolves once disk and catalog have what is true of these IDs now. */
  async #acknowledge(services: readonly string[], checks: readonly string[]): Promise<void> {
    await Promise.all([this.#sync.push(services, checks), this.#keep(services, checks)]);
  }

  async #keep(services: readonly string[], checks: readonly string[]): Promise<void> {
    const keep = keepOf(this.#local, services, checks);
    if (keep.length > 0) await this.#disk.write(keep);
  }

  /** A check found something out, or its owner fell silent: believed unless too much of the node fails at once. */
  #found(id: string, outcome: Outcome): void {
    const check = this.#local.check(id);
    if (check === undefined || this.#stopping !== undefined) return;
    void this.#result(id, this.#gate.admit(check, outcome)).catch(() => {});
  }

  /** A check has a result. A change of status is written through at once, one of the output alone some time later. */
  async #result(id: string, { status, output }: Outcome): Promise<void> {
    const check = this.#local.check(id);
    if (check === undefined || this.#stopping !== undefined) return;
    const next: LocalCheck = { ...check, status, output };
    const first = this.#untried.delete(id);
    this.#checker.observe(next);
    if (check.status === status && check.output === output) return;
    this.#local.putCheck(next);
    this.#checker.changed();
    if (check.status === status && !first) {
      this.#sync.pushOutputLater(id);
      return;
    }
    if (check.status !== status) {
      this.#options.logger.info('check changed', { check: id, service: check.serviceId, status });
      this.#keepStatus(id);
    }
    await this.#sync.push([], [id]);
  }

  /** Where the catalog is elsewhere, a restart while those who have it are away finds the status on disk alone. */
  #keepStatus(id: string): void {
    const { store, logger } = this.#options;
    if (store.remote === undefined) return;
    this.#keep([], [id]).catch((error: unknown) =>
      logger.warn('could not keep the status of a check', { check: id, error: messageOf(error) }),
    );
  }

  #takeDown({ serviceId: service, id: check }: LocalCheck): void {
    const { logger } = this.#options;
    logger.warn('deregistering a service that was critical for too long', { service, check });
    void this.deregisterService(service).catch(() => {});
  }

  #restore(): void {
    const { clock, store, logger } = this.#options;
    const { services, checks, refused } = restore(this.#disk.load(), {
      catalog: store.catalog,
      node: this.node.name,
      now: clock.now(),
      scripts: this.#scripts,
      logger,
    });
    for (const service of services) this.#local.putService(service);
    for (const check of refused) this.#local.putCheck(check);
    for (const { check, ttlLeft } of checks) this.#putCheck(check, undefined, ttlLeft);
  }

  /** Puts the configuration's definitions in place. */
  #define(definitions: StaticDefinitions, before: ReadonlyMap<string, LocalCheck>): Configured {
    const { logger } = this.#options;
    const made = configured(definitions, this.#scripts, this.#local, logger);
    for (const service of made.services) this.#putService(service);
    for (const check of made.checks)
      this.#putCheck(check, before.get(check.id) ?? this.#local.check(check.id));
    return made;
  }
}

function ids(rows: readonly { id: string }[]): string[] {
  return rows.map(({ id }) => id);
}

/**
 * Starts the registry of this node: registers the node and all that is known of it. Throws `store.unusable` when the
 * directory cannot be used and `request.rejected` when the catalog knows another node of this name.
 */
export async function startRegistry(options: RegistryOptions): Promise<Registry> {
  const registry = new Registry(options);
  await registry.start();
  return registry;
}
