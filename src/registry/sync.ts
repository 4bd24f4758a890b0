import { deregisterNode } from '../catalog/commands/register.ts';
import type { Change } from '../catalog/feed.ts';
import type { StringMap } from '../catalog/rows.ts';
import { fold, nodeKey, serviceKey } from '../catalog/tables.ts';
import type { Transaction } from '../catalog/transaction.ts';
import { isMusterError, messageOf } from '../errors.ts';
import type { Cancel, Schedule } from '../health/schedule.ts';
import { type BackoffPolicy, backoffDelay } from '../lib/backoff.ts';
import type { Logger } from '../lib/log.ts';
import { isSame } from '../lib/same.ts';
import type { Store } from '../store/store.ts';
import { bringInLine, type InLineOptions, type Truth } from './bring-in-line.ts';
import type { LocalCheck, LocalService, LocalState } from './local.ts';
import { type LocalNode, memberRows, nodeRow } from './node.ts';

/** How often everything is compared, in ms (Consul's interval for small clusters), spread by a quarter. */
const RECONCILE_INTERVAL = 60_000;
/** After somebody else changed an entry of ours: long enough to gather all of a change made in steps. */
const DOUBT_DELAY = 5_000;
/** How long a change of output alone may wait until the catalog has it, in ms: Consul's `check_update_interval`. */
const CHECK_UPDATE_INTERVAL = 300_000;
/** After the store refused a write. */
const RETRY: BackoffPolicy = { base: 500, max: 60_000 };
/** While those who keep the truth are away: they come back, and must learn at once what is here. */
const RETRY_AWAY: BackoffPolicy = { base: 500, max: 3_000 };

export interface SyncOptions {
  store: Store;
  local: LocalState;
  node: LocalNode;
  schedule: Schedule;
  /** In [0, 1). */
  random: () => number;
  logger: Logger;
  reconcileInterval?: number | undefined;
  checkUpdateInterval?: number | undefined;
}

/**
 * Writes the local truth through to the catalog: what changed at once, everything at the start and again and again,
 * so that no lost write and no interference lasts.
 */
export class Sync {
  readonly #options: SyncOptions;
  #node: LocalNode;
  readonly #members: ReturnType<typeof memberRows>;
  /** IDs that somebody else changed in the catalog. */
  #doubtful = { services: new Set<string>(), checks: new Set<string>() };
  /** Checks whose output the catalog does not have yet. */
  readonly #late = new Map<string, Cancel>();
  #doubt: Cancel | undefined;
  #next: Cancel = () => {};
  #unsubscribe: () => void = () => {};
  #failures = 0;
  #stopped = false;
  #isLeaving = false;

  constructor(options: SyncOptions) {
    this.#options = options;
    this.#node = options.node;
    this.#members = memberRows(options.node);
  }

  /** Who this node is. */
  get node(): LocalNode {
    return this.#node;
  }

  /** The node has this metadata from now on, in the catalog too: what cannot be written there now is tried again. */
  async describe(meta: StringMap): Promise<void> {
    if (isSame(meta, this.#node.meta ?? {})) return;
    this.#node = { ...this.#node, meta };
    await this.reconcile().catch(() => {});
  }

  /** Reconciles a first time, then watches and repeats. Rejects when this node cannot be registered. */
  async start(): Promise<void> {
    let isAway = false;
    try {
      await this.reconcile();
    } catch (error) {
      // Those who keep the truth may be away: what is registered here is written to them when they are back.
      if (this.#options.store.remote === undefined) throw error;
      isAway = true;
    }
    if (this.#stopped) return;
    this.#unsubscribe = this.#options.store.catalog.feed.subscribe(({ changes }) => {
      for (const change of changes) this.#look(change);
    });
    // After a failure the next attempt is set already, and soon.
    if (!isAway) this.#arm();
  }

  stop(): void {
    this.#stopped = true;
    this.#unsubscribe();
    this.#next();
    this.#doubt?.();
    for (const cancel of this.#late.values()) cancel();
    this.#late.clear();
  }

  /** Writes these entries through, whether they are there or gone. Resolves once that is durable. */
  async push(services: Iterable<string>, checks: Iterable<string>, keepOverrides = false): Promise<void> {
    const { store, local } = this.#options;
    const checkIds = [...checks];
    for (const id of checkIds) this.#onTime(id);
    const serviceIds = [...services];
    const truth = () => {
      const owned = checkIds.map((id) => [id, this.#check(id)] as const);
      const needed = owned.flatMap(([, check]) => (check && local.service(check.serviceId)) ?? []);
      return {
        node: nodeRow(this.#node),
        services: new Map(serviceIds.map((id) => [id, this.#service(id)])),
        checks: new Map(owned),
        needed: new Map(needed.map((service) => [service.id, service])),
      };
    };
    try {
      await this.#write(truth, { whole: false, keepOverrides });
    } catch (error) {
      // It is kept here, and written when those who keep the truth are back, as in Consul.
      if (store.remote === undefined || !isMusterError(error, 'store.no_leader')) throw error;
    }
  }

  /** Writes the output of a check some minutes from now, unless the check is written through before. */
  pushOutputLater(id: string): void {
    if (this.#stopped || this.#late.has(id)) return;
    const { schedule, random, checkUpdateInterval = CHECK_UPDATE_INTERVAL } = this.#options;
    const wait = checkUpdateInterval * (0.5 + random());
    this.#late.set(
      id,
      schedule.after(wait, () => void this.push([], [id]).catch(() => {})),
    );
  }

  /** Compares everything that the catalog says of this node with the truth. */
  async reconcile(): Promise<void> {
    const { local } = this.#options;
    const truth = () => ({
      node: nodeRow(this.#node),
      services: byId([...this.#members.services, ...local.services()]),
      checks: byId([...this.#members.checks, ...local.checks()]),
    });
    await this.#write(truth, { whole: true, keepOverrides: true });
    this.#failures = 0;
  }

  /** Takes this node with all that is on it out of the catalog, unless the name is another node's. */
  async leave(before: (tx: Transaction) => void = () => {}): Promise<void> {
    this.stop();
    this.#isLeaving = true;
    const { id, name } = this.#node;
    await this.#options.store.write((tx) => {
      const known = tx.get('nodes', nodeKey(name));
      if (known !== undefined && known.id !== id) return;
      before(tx);
      deregisterNode(tx, name);
    });
  }

  /**
   * `truth` as it is when the store comes to it, which in a cluster is later and may be more than once: what was true when the write was
   * asked for may have been overtaken by a write that was quicker.
   */
  async #write(truth: () => Truth, how: InLineOptions): Promise<void> {
    try {
      await this.#options.store.write((tx) => {
        // One that was on its way would bring back what leaves.
        if (!this.#isLeaving) bringInLine(tx, truth(), how);
      });
    } catch (error) {
      if (!this.#stopped && !isMusterError(error, 'store.closed')) {
        // An election, or servers that are away: nothing is wrong here, and it is written once they are back. They may be away for long.
        const isAway = isMusterError(error, 'store.no_leader');
        const level = !isAway ? 'error' : this.#failures === 0 ? 'warn' : 'debug';
        this.#options.logger[level]('could not write to the catalog, trying again', {
          error: messageOf(error),
        });
        const policy = this.#options.store.remote === undefined ? RETRY : RETRY_AWAY;
        this.#arm(backoffDelay(policy, this.#failures++, this.#options.random()));
      }
      throw error;
    }
  }

  #onTime(id: string): void {
    this.#late.get(id)?.();
    this.#late.delete(id);
  }

  #arm(wait?: number): void {
    const { schedule, random, reconcileInterval = RECONCILE_INTERVAL } = this.#options;
    if (this.#stopped) return;
    this.#next();
    this.#next = schedule.after(wait ?? reconcileInterval * (1 + random() / 4), () => {
      this.#arm();
      // A failure is logged and arms the next attempt.
      void this.reconcile().catch(() => {});
    });
  }

  #service(id: string): LocalService | undefined {
    return this.#members.services.find((own) => own.id === id) ?? this.#options.local.service(id);
  }

  #check(id: string): LocalCheck | undefined {
    return this.#members.checks.find((own) => own.id === id) ?? this.#options.local.check(id);
  }

  /** Follows tags that may be changed from outside; anything else that differs from the truth is a doubt. */
  #look(change: Change): void {
    const { node, local } = this.#options;
    if (change.table === 'nodes' && change.key === nodeKey(node.name)) {
      if (change.after === undefined) this.#doubtAll();
      return;
    }
    if (change.table !== 'services' && change.table !== 'checks') return;
    const { id, node: at } = change.after ?? change.before ?? { id: '', node: '' };
    if (fold(at) !== fold(node.name) || change.key !== serviceKey(node.name, id)) return;
    if (change.table === 'checks') {
      const check = this.#check(id);
      if (check === undefined) return;
      if (change.after?.status !== check.status || change.after.serviceId !== check.serviceId)
        this.#suspect('checks', id);
      return;
    }
    const service = this.#service(id);
    if (service === undefined) return;
    const { after } = change;
    if (after !== undefined && service.enableTagOverride && local.service(id) !== undefined)
      local.putService({ ...service, tags: after.tags });
    if (after?.name !== service.name || after.port !== service.port || after.address !== service.address)
      this.#suspect('services', id);
    else if (!service.enableTagOverride && after.tags.join('\0') !== service.tags.join('\0'))
      this.#suspect('services', id);
  }

  #suspect(table: 'services' | 'checks', id: string): void {
    this.#doubtful[table].add(id);
    if (table === 'services')
      for (const check of this.#options.local.checksOf(id)) this.#doubtful.checks.add(check.id);
    this.#doubt ??= this.#options.schedule.after(DOUBT_DELAY, () => {
      const { services, checks } = this.#doubtful;
      this.#doubt = undefined;
      this.#doubtful = { services: new Set(), checks: new Set() };
      void this.push(services, checks, true).catch(() => {});
    });
  }

  /** The node itself was taken away, with all that was on it. */
  #doubtAll(): void {
    this.#arm(DOUBT_DELAY);
  }
}

function byId<Row extends { id: string }>(rows: readonly Row[]): Map<string, Row> {
  return new Map(rows.map((row) => [row.id, row]));
}
