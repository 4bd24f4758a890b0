/**
 * What a node does for a group that is spread over nodes: runs the instances that are assigned to it, tells what becomes of
 * them and what its balancer counts. Level-triggered: each look compares what is assigned with what runs.
 */
import { messageOf } from '../../errors.ts';
import type { Clock } from '../../lib/clock.ts';
import type { Logger } from '../../lib/log.ts';
import type { Store } from '../../store/store.ts';
import { cpuReader } from '../cpu.ts';
import type { KeptInstance } from '../disk.ts';
import type { Group } from '../group.ts';
import { Members } from '../members.ts';
import type { Surroundings, Traffic } from '../surroundings.ts';
import { placedView } from './placed-crew.ts';
import {
  type Assignment,
  type Counts,
  concernsGroups,
  type Plan,
  putRow,
  type Report,
  Rows,
  rowNames,
} from './rows.ts';

/** How often it is looked when nothing calls for it, and how often counts are told when they changed; ms. */
const LOOK = 1_000;
/** Reports that follow each other closely are told as one; ms. */
const GATHER = 50;

export interface RunnerOptions {
  readonly name: string;
  /** Of this node. */
  readonly node: string;
  readonly store: Store;
  readonly group: Group;
  /** Of what runs here; its `traffic` is told to the others. */
  readonly surroundings: Surroundings;
  /** What its balancer alone counted. */
  readonly ownTraffic: Surroundings['traffic'];
  readonly clock: Clock;
  readonly logger: Logger;
}

export class Runner {
  readonly #options: RunnerOptions;
  readonly #rows: Rows;
  readonly #members: Members;
  readonly #unsubscribe: (() => void)[] = [];
  #cancel = () => {};
  #isLooking = false;
  #isCalled = false;
  #stopped = false;
  /** As text, what was told last. */
  #report = '';
  #counts = '';
  #countsAt = 0;
  #trouble = '';
  /** As text, what instances that are there took over last. */
  #described = '';
  /** How long they may take to leave, ms. */
  #patience = 0;

  constructor(options: RunnerOptions) {
    this.#options = options;
    const { store, name, group, surroundings } = options;
    this.#rows = new Rows(store.catalog, name);
    this.#members = new Members(group, surroundings, options);
  }

  /** `kept`: what an earlier run of this agent left. */
  async start(kept: readonly KeptInstance[]): Promise<void> {
    const { store, surroundings } = this.#options;
    this.#patience = this.#rows.plan()?.spec.drainTimeout ?? 0;
    await this.#members.adopt(kept, this.#patience);
    this.#unsubscribe.push(
      this.#members.subscribe(() => this.#call()),
      surroundings.subscribe(() => this.#call()),
      store.catalog.feed.subscribe(({ changes }) => {
        const isNews = changes.some(
          ({ table, key }) => table === 'settings' && concernsGroups(key) && !key.includes('/counts/'),
        );
        if (isNews) this.#call();
      }),
    );
    this.#call();
  }

  has(id: string): boolean {
    return this.#members.instances().some((instance) => instance.id === id);
  }

  /** Whether nothing of the group runs here. */
  get isIdle(): boolean {
    return this.#members.instances().length === 0;
  }

  /** Lets the instances run on, or ends them when they end with Muster. */
  async stop(isKept: boolean): Promise<void> {
    if (this.#stopped) return;
    this.#stopped = true;
    this.#cancel();
    for (const unsubscribe of this.#unsubscribe) unsubscribe();
    if (isKept) {
      this.#members.release();
      return;
    }
    await this.#members.stop();
    await this.#tell(true).catch(() => {
      // Nobody hears it: the node is missed then.
    });
  }

  kill(): void {
    this.#members.kill();
  }

  #call(): void {
    if (this.#stopped) return;
    this.#isCalled = true;
    if (this.#isLooking) return;
    this.#cancel();
    this.#cancel = this.#options.clock.after(GATHER, () => void this.#look());
  }

  async #look(): Promise<void> {
    this.#isLooking = true;
    this.#isCalled = false;
    try {
      await this.#follow();
      await this.#tell(false);
      this.#trouble = '';
    } catch (error) {
      const trouble = messageOf(error);
      if (trouble !== this.#trouble) this.#options.logger.warn(trouble);
      this.#trouble = trouble;
    }
    this.#isLooking = false;
    if (!this.#stopped)
      this.#cancel = this.#options.clock.after(this.#isCalled ? GATHER : LOOK, () => void this.#look());
  }

  async #follow(): Promise<void> {
    const { node, name, store, clock } = this.#options;
    const plan = this.#rows.plan();
    // Nothing is known yet, which is no evidence that nothing is to run.
    if (plan === undefined && !this.#isInContact()) return;
    await this.#describe(plan);
    const mine = new Map(
      this.#rows.assignments().flatMap((row) => (row.node === node ? [[row.id, row] as const] : [])),
    );
    this.#members.observe(clock.now(), plan?.spec.service !== undefined);
    const isCutOff = this.#isCutOff(plan);
    for (const member of this.#members.present()) {
      const row = mine.get(member.instance.id);
      if (row === undefined || row.leaving || isCutOff) this.#members.leave(member, this.#patience);
    }
    const here = new Set(this.#members.instances().map(({ id }) => id));
    const numbers = new Set(this.#members.instances().map(({ number }) => number));
    const gone: Assignment[] = [];
    for (const row of mine.values()) {
      if (row.leaving && !here.has(row.id)) gone.push(row);
      if (row.leaving || here.has(row.id) || isCutOff || this.#stopped) continue;
      // One of this name still ends here.
      if (numbers.has(row.number)) continue;
      const edition = editionOf(plan, row);
      if (edition !== undefined) await this.#members.add(edition, row);
    }
    if (gone.length > 0)
      await store.write((tx) => {
        const known = new Rows(tx, name).assignments();
        for (const { id, number } of gone)
          if (known.some((row) => row.id === id)) tx.delete('settings', rowNames.assignment(name, number));
      });
  }

  /** Of a group that is no more its last description holds. */
  async #describe(plan: Plan | undefined): Promise<void> {
    if (plan === undefined) return;
    this.#patience = plan.spec.drainTimeout;
    const described = JSON.stringify(plan.spec);
    if (described === this.#described) return;
    this.#described = described;
    await this.#members.describe(plan.spec);
  }

  #isInContact(): boolean {
    const { remote } = this.#options.store;
    return remote === undefined || (remote.contact().known && remote.contact().silence < LOOK);
  }

  /** It was agreed that instances are started elsewhere when this node is missed, and they are not to be there twice. */
  #isCutOff(plan: Plan | undefined): boolean {
    const { placement } = plan?.spec ?? {};
    const silence = this.#options.store.remote?.contact().silence ?? 0;
    return placement !== undefined && placement.cutOff === 'end' && silence >= placement.grace;
  }

  async #tell(isLast: boolean): Promise<void> {
    const { name, node, store, clock } = this.#options;
    const report: Record<string, Report[string]> = {};
    for (const instance of isLast ? [] : this.#members.instances()) {
      const { state, ports, port, restarts, health } = instance.view();
      report[instance.id] = { state, ports, port, restarts, ...(health === undefined ? {} : { health }) };
    }
    const reportText = JSON.stringify(report);
    const isQuiet = clock.now() - this.#countsAt < LOOK;
    const counts = isQuiet && !isLast ? undefined : this.#count();
    const countsText = counts === undefined ? this.#counts : JSON.stringify(counts);
    if (reportText === this.#report && countsText === this.#counts) return;
    await store.write((tx) => {
      // Of a group that is no more nothing is left, but for what still ends here.
      if (isLast && new Rows(tx, name).plan() === undefined) {
        tx.delete('settings', rowNames.report(name, node));
        tx.delete('settings', rowNames.counts(name, node));
        return;
      }
      putRow(tx, rowNames.report(name, node), report);
      if (counts !== undefined) putRow(tx, rowNames.counts(name, node), counts);
    });
    this.#report = reportText;
    this.#counts = countsText;
    if (counts !== undefined) this.#countsAt = clock.now();
  }

  #count(): Counts {
    const { name, ownTraffic } = this.#options;
    const traffic: Record<string, Traffic> = {};
    for (const row of this.#rows.assignments()) {
      const counted = ownTraffic(placedView(`${name}-${row.number}`, row, this.#rows));
      if (counted !== undefined) {
        const { requests, errors, inFlight, waited, connections } = counted;
        traffic[row.id] = { requests, errors, inFlight, waited, connections };
      }
    }
    const read = cpuReader();
    const cpu: Record<string, number> = {};
    for (const { id, state } of this.#members.instances().map((instance) => instance.view())) {
      const seconds = state.mode === 'running' && state.pid ? read(id, state.pid) : undefined;
      if (seconds !== undefined) cpu[id] = Math.round(seconds * 100) / 100;
    }
    return { traffic, cpu };
  }
}

function editionOf(plan: Plan | undefined, { edition }: Assignment) {
  const { current, previous } = plan?.kept.rollout ?? {};
  return [current, previous].find((one) => one?.number === edition);
}
