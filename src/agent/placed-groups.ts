/** Groups that are spread over the agents of a cluster: looked after by one of them, run by many, shown by all. */
import type { Catalog } from '../catalog/catalog.ts';
import { MusterError, messageOf } from '../errors.ts';
import type { ControllerDeps } from '../group/controller.ts';
import type { KeptInstance } from '../group/disk.ts';
import { Group } from '../group/group.ts';
import { type Election, startElection } from '../group/placement/election.ts';
import { Office } from '../group/placement/office.ts';
import { PlacedGroup } from '../group/placement/placed-group.ts';
import { concernsGroups, type Host, putRow, Rows, removeGroup, rowNames } from '../group/placement/rows.ts';
import { Runner } from '../group/placement/runner.ts';
import { type Surroundings, sumOf } from '../group/surroundings.ts';
import type { GroupControl } from '../group/view.ts';
import type { Clock } from '../lib/clock.ts';
import type { Logger } from '../lib/log.ts';
import type { LocalNode } from '../registry/node.ts';
import type { Store } from '../store/store.ts';
import type { Config } from './config/schema.ts';

type GroupConfig = Config['group'][number];

/** How often it is looked when nothing calls for it, ms. */
const LOOK = 2_000;
/** So old may be what other nodes tell of their balancers, ms. */
const HEARSAY = 2_500;

export interface PlacedGroupsOptions {
  readonly store: Store;
  readonly node: LocalNode;
  /** This agent runs instances of any group, not only of those in its configuration. */
  readonly runsAny: boolean;
  readonly depsOf: (group: Pick<GroupConfig, 'name' | 'onExit'>) => ControllerDeps;
  /** What a group needs of this agent. */
  readonly surroundingsOf: (group: GroupConfig) => Surroundings;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** In a group's configuration, with an election to take part in. */
interface Candidacy {
  spec: GroupConfig;
  election: Election;
  office: Office | undefined;
}

export class PlacedGroups {
  readonly #options: PlacedGroupsOptions;
  readonly #catalog: Catalog;
  readonly #candidacies = new Map<string, Candidacy>();
  readonly #runners = new Map<string, Runner>();
  readonly #shown = new Map<string, PlacedGroup>();
  /** As groups were described last: what they registered is taken back when they are no more. */
  readonly #described = new Map<string, GroupConfig>();
  readonly #unsubscribe: () => void;
  #cancel = () => {};
  #isLooking = false;
  #stopped = false;

  /** Starts nothing yet: `reload` says which groups the configuration has. */
  constructor(options: PlacedGroupsOptions) {
    this.#options = options;
    this.#catalog = options.store.catalog;
    this.#unsubscribe = this.#catalog.feed.subscribe(({ changes }) => {
      const isNews = changes.some(
        ({ table, key, before, after }) =>
          table === 'settings' && concernsGroups(key) && (before === undefined || after === undefined),
      );
      if (isNews) void this.#look();
    });
  }

  /** Takes over the instances of a group that an earlier run of this agent left. */
  adopt(name: string, left: readonly KeptInstance[]): Promise<void> {
    return this.#run(name, left);
  }

  /** Every group of the cluster that is known here. */
  list(): GroupControl[] {
    return [...this.#shown.values()];
  }

  /** Takes part in looking after these. */
  async reload(groups: readonly GroupConfig[]): Promise<void> {
    const names = new Set(groups.map(({ name }) => name));
    for (const [name, candidacy] of this.#candidacies) {
      if (names.has(name)) continue;
      this.#candidacies.delete(name);
      await candidacy.election.stop();
    }
    for (const spec of groups) {
      const known = this.#candidacies.get(spec.name);
      if (known === undefined) this.#stand(spec);
      else {
        known.spec = spec;
        known.office?.reconfigure(spec);
      }
    }
    await this.#look();
  }

  /** Whether an instance with this id runs on this node. */
  isHere(id: string): boolean {
    return [...this.#runners.values()].some((runner) => runner.has(id));
  }

  async stop(): Promise<void> {
    if (this.#stopped) return;
    this.#stopped = true;
    this.#cancel();
    this.#unsubscribe();
    for (const group of this.#shown.values()) group.stop();
    await Promise.all([...this.#candidacies.values()].map(({ election }) => election.stop()));
    await Promise.all(
      [...this.#runners].map(([name, runner]) => runner.stop(this.#depsOf(name).keep !== undefined)),
    );
  }

  kill(): void {
    for (const [name, runner] of this.#runners) if (this.#depsOf(name).keep === undefined) runner.kill();
  }

  #stand(spec: GroupConfig): void {
    const { store, node, clock, logger, depsOf } = this.#options;
    const { name } = spec;
    const election = startElection({
      store,
      node: node.name,
      key: `muster/groups/${name}/controller`,
      clock,
      logger: logger.child(`group ${name}`),
      elected: (won) => {
        const candidacy = this.#candidacies.get(name);
        const office = new Office(
          {
            spec: candidacy?.spec ?? spec,
            node: node.name,
            catalog: this.#catalog,
            surroundings: this.#surroundingsOf(name),
            deps: depsOf(spec),
          },
          won,
        );
        if (candidacy !== undefined) candidacy.office = office;
        return async () => {
          if (candidacy?.office === office) candidacy.office = undefined;
          await office.resign();
        };
      },
    });
    this.#candidacies.set(name, { spec, election, office: undefined });
  }

  async #look(): Promise<void> {
    if (this.#isLooking || this.#stopped) return;
    this.#isLooking = true;
    this.#cancel();
    try {
      await this.#volunteer();
      const names = Rows.groupsIn(this.#catalog);
      for (const name of names) {
        if (!this.#shown.has(name))
          this.#shown.set(
            name,
            new PlacedGroup(name, this.#options.store, this.#surroundingsOf(name), this.#options.clock),
          );
        if (this.#mayRun(name)) await this.#run(name, []);
      }
      await this.#endWhatIsOver(new Set(names));
    } catch (error) {
      this.#options.logger.debug(`groups of the cluster: ${messageOf(error)}`);
    }
    this.#isLooking = false;
    if (!this.#stopped) this.#cancel = this.#options.clock.after(LOOK, () => void this.#look());
  }

  /** Tells the others that this node takes instances, unless it has said so. What it was the last to have is ended everywhere. */
  async #volunteer(): Promise<void> {
    const { node, store, runsAny } = this.#options;
    const groups = [...(runsAny ? ['*'] : []), ...[...this.#candidacies.keys()].sort()];
    const name = rowNames.host(node.id);
    const meta = node.meta ?? {};
    const host: Host = { node: node.name, zone: meta.zone ?? '', meta, groups };
    const known = this.#catalog.get('settings', name)?.value.json;
    if (groups.length === 0 ? known === undefined : known === JSON.stringify(host)) return;
    await store.write((tx) => {
      const dropped = Rows.host(tx, node.id)?.groups.filter((one) => !groups.includes(one)) ?? [];
      if (groups.length === 0) tx.delete('settings', name);
      else putRow(tx, name, host);
      for (const group of dropped) if (!new Rows(tx, group).isDescribed()) removeGroup(tx, group);
    });
  }

  #mayRun(name: string): boolean {
    return this.#options.runsAny || this.#candidacies.has(name);
  }

  async #run(name: string, kept: readonly KeptInstance[]): Promise<void> {
    if (this.#runners.has(name)) return;
    const { store, node, clock, logger } = this.#options;
    const runner = new Runner({
      name,
      node: node.id,
      store,
      group: new Group(name, this.#depsOf(name)),
      surroundings: this.#surroundingsOf(name),
      ownTraffic: (instance) => this.#ownOf(name)?.traffic(instance),
      clock,
      logger: logger.child(`group ${name}`),
    });
    this.#runners.set(name, runner);
    await runner.start(kept);
  }

  async #endWhatIsOver(names: ReadonlySet<string>): Promise<void> {
    for (const [name, runner] of this.#runners) {
      if (names.has(name) || !runner.isIdle) continue;
      this.#runners.delete(name);
      await runner.stop(false);
    }
    for (const [name, group] of this.#shown) {
      if (names.has(name) || this.#runners.has(name)) continue;
      this.#shown.delete(name);
      this.#described.delete(name);
      group.stop();
    }
  }

  /** What was published last counts: its node looks after the group. */
  #specOf(name: string): GroupConfig | undefined {
    const published = new Rows(this.#catalog, name).plan()?.spec as GroupConfig | undefined;
    const spec = published ?? this.#candidacies.get(name)?.spec;
    if (spec !== undefined) this.#described.set(name, spec);
    return spec ?? this.#described.get(name);
  }

  #depsOf(name: string): ControllerDeps {
    return this.#options.depsOf({ name, onExit: this.#specOf(name)?.onExit });
  }

  #ownOf(name: string): Surroundings | undefined {
    const spec = this.#specOf(name);
    return spec && this.#options.surroundingsOf(spec);
  }

  /** As the group is described at each moment; traffic is what all balancers of the cluster counted. */
  #surroundingsOf(name: string): Surroundings {
    const rows = new Rows(this.#catalog, name);
    const own = () => this.#ownOf(name);
    const lacking = () =>
      Promise.reject(new MusterError('group.failed', 'nobody has described the group yet'));
    return {
      hearsay: HEARSAY,
      health: (instance) => own()?.health(instance),
      traffic: ({ id }) => sumOf(rows.counts().flatMap(([, { traffic }]) => traffic[id] ?? [])),
      keyValue: (key) => own()?.keyValue(key),
      meta: (instance, key) => own()?.meta(instance, key),
      register: (instance) => own()?.register(instance) ?? lacking(),
      withdraw: async (instance) => own()?.withdraw(instance),
      forget: async (instance) => own()?.forget(instance),
      subscribe: (listener) =>
        this.#catalog.feed.subscribe(({ services }) => {
          const service = this.#specOf(name)?.service;
          if (service !== undefined && services.has(service.toLowerCase())) listener();
        }),
    };
  }
}
