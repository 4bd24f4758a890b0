/** The instances of a group on many nodes, as the node sees them that looks after the group. */
import { randomUUID } from 'node:crypto';
import type { Catalog } from '../../catalog/catalog.ts';
import { MEMBER_CHECK } from '../../catalog/rows.ts';
import type { Transaction } from '../../catalog/transaction.ts';
import { membersOf } from '../../cluster/liveness.ts';
import { messageOf } from '../../errors.ts';
import type { Clock } from '../../lib/clock.ts';
import { Gather } from '../../lib/gather.ts';
import type { Logger } from '../../lib/log.ts';
import { Crew, type CrewInstance, type Member } from '../crew.ts';
import type { InstanceView } from '../instance.ts';
import type { Edition } from '../rollout.ts';
import type { Surroundings } from '../surroundings.ts';
import type { Election } from './election.ts';
import { place } from './place.ts';
import { type Assignment, concernsGroups, type Host, putRow, Rows, rowNames } from './rows.ts';

export interface PlacedCrewOptions {
  readonly group: string;
  readonly catalog: Catalog;
  readonly rows: Rows;
  readonly election: Election;
  readonly surroundings: Surroundings;
  /** Metadata that a node has to have. */
  readonly nodeMeta: Readonly<Record<string, string>>;
  /** What a node is given up after that is silent, ms. */
  readonly grace: number;
  readonly clock: Clock;
  readonly logger: Logger;
}

interface Adding {
  readonly edition: Edition;
  resolve(): void;
  reject(error: unknown): void;
}

class PlacedInstance implements CrewInstance {
  readonly name: string;
  row: Assignment;
  readonly #rows: Rows;

  constructor(group: string, row: Assignment, rows: Rows) {
    this.name = `${group}-${row.number}`;
    this.row = row;
    this.#rows = rows;
  }

  get id(): string {
    return this.row.id;
  }

  get edition(): number {
    return this.row.edition;
  }

  get addedAt(): number {
    return this.row.addedAt;
  }

  get leaving(): boolean {
    return this.row.leaving;
  }

  view(): InstanceView {
    return placedView(this.name, this.row, this.#rows);
  }
}

/** An instance by what its node says of it; stopped until that has said anything. */
export function placedView(name: string, row: Assignment, rows: Rows): InstanceView {
  const { id, node, nodeName } = row;
  const { port, ...said } = rows.report(node)[id] ?? {
    state: { mode: 'stopped' as const, since: row.addedAt },
    ports: {},
    restarts: 0,
  };
  const cpuSeconds = rows.counts().find(([from]) => from === node)?.[1].cpu[id];
  return { name, id, port, ...said, node: nodeName, cpuSeconds };
}

export class PlacedCrew extends Crew<PlacedInstance> {
  readonly #options: PlacedCrewOptions;
  readonly #adding = new Gather<Adding>((wanted) => this.#addAll(wanted));
  /** Since when nodes are silent, by their ids. */
  readonly #silentSince = new Map<string, number>();
  #said = '';

  constructor(options: PlacedCrewOptions) {
    super(options.surroundings);
    this.#options = options;
    this.#read();
  }

  override observe(now: number, isChecked: boolean): void {
    this.#read();
    const alive = this.#alive();
    for (const { node } of this.#options.rows.assignments()) {
      if (alive.has(node)) this.#silentSince.delete(node);
      else if (!this.#silentSince.has(node)) this.#silentSince.set(node, now);
    }
    super.observe(now, isChecked);
    const lost: PlacedInstance[] = [];
    for (const member of this.all) {
      const since = this.#silentSince.get(member.instance.row.node);
      if (since === undefined) continue;
      // It is the node that is missed: that is not for healing to mend.
      member.readySince = undefined;
      member.failingSince = undefined;
      if (now - since >= this.#options.grace) lost.push(member.instance);
    }
    if (lost.length > 0) this.#giveUp(lost);
  }

  override add(edition: Edition): Promise<void> {
    return new Promise((resolve, reject) => this.#adding.add({ edition, resolve, reject }));
  }

  /** Nothing is to be done: what an earlier controller assigned stands in the catalog. */
  override async adopt(): Promise<void> {}

  override leave({ instance }: Member<PlacedInstance>): void {
    if (instance.row.leaving) return;
    instance.row = { ...instance.row, leaving: true };
    const { group, election } = this.#options;
    const { row } = instance;
    election
      .write((tx) => {
        if (isStill(tx, group, row)) putRow(tx, rowNames.assignment(group, row.number), row);
      })
      .catch((error: unknown) => {
        // Not decided then: it is looked at again.
        instance.row = { ...instance.row, leaving: false };
        this.#say(`${instance.name} cannot be told to go: ${messageOf(error)}`);
      });
  }

  override release(): void {}

  /** Whoever takes the group out of the last configuration takes it off all nodes. */
  override async stop(): Promise<void> {}

  override kill(): void {}

  override subscribe(listener: () => void): () => void {
    return this.#options.catalog.feed.subscribe(({ changes }) => {
      const isNews = changes.some(({ table, key }) =>
        table === 'settings'
          ? concernsGroups(key) && !key.includes('/counts/')
          : table === 'checks' && isSign(key),
      );
      if (isNews) listener();
    });
  }

  /** As the catalog has it, keeping what is known of each. */
  #read(): void {
    const { group, rows } = this.#options;
    const known = new Map(this.all.map((member) => [member.instance.id, member]));
    this.all = rows.assignments().map((row) => {
      const member = known.get(row.id);
      if (member === undefined)
        return {
          instance: new PlacedInstance(group, row, rows),
          readySince: undefined,
          failingSince: undefined,
        };
      // What was decided here a moment ago is on its way.
      member.instance.row = { ...row, leaving: row.leaving || member.instance.row.leaving };
      return member;
    });
  }

  /** Those who may get instances: their agents run, have the metadata, and were not silent a moment ago. */
  #hosts(): [id: string, host: Host][] {
    const { rows, nodeMeta } = this.#options;
    const alive = this.#alive();
    return rows
      .hosts()
      .filter(([id, { meta }]) =>
        alive.has(id) ? Object.entries(nodeMeta).every(([name, value]) => meta[name] === value) : false,
      );
  }

  /** Ids of nodes. */
  #alive(): Set<string> {
    const members = membersOf(this.#options.catalog).filter(({ status }) => status === 'passing');
    return new Set(members.map(({ id }) => id));
  }

  async #addAll(wanted: readonly Adding[]): Promise<void> {
    const { group, election, clock } = this.#options;
    const hosts = this.#hosts();
    const places = hosts.map(([id, { zone }]) => ({ id, zone }));
    try {
      if (places.length > 0)
        await election.write((tx) => {
          const assignments = new Rows(tx, group).assignments();
          for (const { edition } of wanted) {
            const present = assignments.filter(({ leaving }) => !leaving);
            const node = place(
              places,
              present.map((one) => one.node),
            ) as string;
            const numbers = new Set(assignments.map((one) => one.number));
            let number = 1;
            while (numbers.has(number)) number++;
            const nodeName = hosts.find(([id]) => id === node)?.[1].node ?? '';
            const row: Assignment = {
              number,
              id: randomUUID(),
              edition: edition.number,
              node,
              nodeName,
              addedAt: clock.now(),
              leaving: false,
            };
            assignments.push(row);
            putRow(tx, rowNames.assignment(group, number), row);
          }
        });
    } catch (error) {
      for (const { reject } of wanted) reject(error);
      return;
    }
    this.#say(places.length === 0 ? 'no node takes its instances: none that is alive and fits has it' : '');
    this.#read();
    for (const { resolve } of wanted) resolve();
  }

  /** Of nodes that are gone: others are started elsewhere for them. */
  #giveUp(lost: readonly PlacedInstance[]): void {
    const { group, election, logger } = this.#options;
    const ids = new Set(lost.map(({ id }) => id));
    this.all = this.all.filter(({ instance }) => !ids.has(instance.id));
    for (const { name, row } of lost) logger.warn(`${name} is given up: its node ${row.nodeName} is silent`);
    election
      .write((tx) => {
        for (const { row } of lost)
          if (isStill(tx, group, row)) tx.delete('settings', rowNames.assignment(group, row.number));
      })
      .catch((error: unknown) =>
        logger.warn(`what a silent node runs cannot be given up: ${messageOf(error)}`),
      );
  }

  #say(what: string): void {
    if (what !== '' && what !== this.#said) this.#options.logger.warn(what);
    this.#said = what;
  }
}

/** Whether the row under this number is of the same instance. */
function isStill(tx: Transaction, group: string, { number, id }: Assignment): boolean {
  return new Rows(tx, group).assignments().some((row) => row.number === number && row.id === id);
}

function isSign(check: string): boolean {
  return check.endsWith(MEMBER_CHECK.toLowerCase()) || check.endsWith(MEMBER_CHECK);
}
