/** A group that is spread over nodes, as any of them shows it and passes on what is asked of it. */
import { randomUUID } from 'node:crypto';
import type { Catalog } from '../../catalog/catalog.ts';
import { MusterError } from '../../errors.ts';
import type { Clock } from '../../lib/clock.ts';
import type { Store } from '../../store/store.ts';
import type { AutoscaleSpec } from '../autoscale/spec.ts';
import { byName, isTaking, ownHealth } from '../crew.ts';
import { History } from '../history.ts';
import type { Surroundings } from '../surroundings.ts';
import type { GroupControl, GroupView, ManagedInstance } from '../view.ts';
import { placedView } from './placed-crew.ts';
import { type Answer, putRow, Rows, rowNames, type Wish } from './rows.ts';

/** So long it is waited for the node that looks after the group; ms. */
const PATIENCE = 8_000;
/** How often it is looked whether a point of the history is due, ms. */
const LOOK = 1_000;

export class PlacedGroup implements GroupControl {
  readonly name: string;
  readonly #store: Store;
  readonly #surroundings: Surroundings;
  readonly #clock: Clock;
  readonly #rows: Rows;
  readonly #history: History;
  #cancel = () => {};

  constructor(name: string, store: Store, surroundings: Surroundings, clock: Clock) {
    this.name = name;
    this.#store = store;
    this.#surroundings = surroundings;
    this.#clock = clock;
    this.#rows = new Rows(store.catalog, name);
    this.#history = new History(surroundings);
    this.#record();
  }

  view(): GroupView {
    const plan = this.#rows.plan();
    const instances = this.#instances();
    return {
      name: this.name,
      driver: plan?.spec.driver ?? '',
      service: plan?.spec.service ?? null,
      controller: plan?.controller ?? '',
      nodes: this.#rows
        .hosts()
        .map(([, { node }]) => node)
        .sort(),
      size: plan?.kept.size ?? 0,
      ready: instances.filter(({ ready }) => ready).length,
      edition: plan?.kept.rollout.current.number ?? 0,
      rollout: plan?.kept.rollout.state ?? { mode: 'idle', since: 0 },
      autoscale: plan?.autoscale ?? null,
      decision: plan?.decision ?? null,
      decisions: plan?.decisions ?? [],
      held: plan?.held ?? '',
      history: this.#history.points,
      instances,
    };
  }

  policy(): AutoscaleSpec | undefined {
    return this.#rows.plan()?.spec.autoscale;
  }

  async scale(size: number): Promise<number> {
    return (await this.#ask('scale', size)).size;
  }

  async roll(): Promise<void> {
    await this.#ask('roll');
  }

  async pause(): Promise<boolean> {
    return (await this.#ask('pause')).done;
  }

  async resume(): Promise<boolean> {
    return (await this.#ask('resume')).done;
  }

  async rollBack(): Promise<boolean> {
    return (await this.#ask('rollBack')).done;
  }

  stop(): void {
    this.#cancel();
  }

  #instances(): ManagedInstance[] {
    const isChecked = this.#rows.plan()?.spec.service !== undefined;
    return this.#rows
      .assignments()
      .map((row) => {
        const view = placedView(`${this.name}-${row.number}`, row, this.#rows);
        const { edition, leaving } = row;
        const health = this.#surroundings.health(view) ?? (isChecked ? null : ownHealth(view));
        const ready = !leaving && view.state.mode === 'running' && isTaking(health ?? undefined);
        return { ...view, edition, leaving, health, ready };
      })
      .sort(byName);
  }

  #record(): void {
    this.#cancel = this.#clock.after(LOOK, () => this.#record());
    const now = this.#clock.now();
    const plan = this.#rows.plan();
    if (plan !== undefined && this.#history.isDue(now))
      this.#history.record(
        now,
        plan.kept.size,
        this.#instances().filter(({ leaving }) => !leaving),
        plan.spec.autoscale?.signal,
      );
  }

  /** Throws `group.failed` when nobody looks after the group. */
  async #ask(what: Wish['what'], size = 0): Promise<Answer> {
    const wish: Wish = { id: randomUUID(), what, size };
    const isAnswered = () => this.#rows.answer()?.id === wish.id;
    const answered = changeOf(this.#store.catalog, isAnswered);
    try {
      await this.#store.write((tx) => putRow(tx, rowNames.wish(this.name), wish));
      const patience = new Promise((resolve) => this.#clock.after(PATIENCE, () => resolve(undefined)));
      await Promise.race([answered.happened, patience]);
    } finally {
      answered.cancel();
    }
    const answer = this.#rows.answer();
    if (answer?.id === wish.id) return answer;
    // It is not to be done at some later time.
    await this.#store.write((tx) => {
      if (new Rows(tx, this.name).wish()?.id === wish.id) tx.delete('settings', rowNames.wish(this.name));
    });
    throw new MusterError(
      'group.failed',
      `no node looks after the group ${this.name} at present: try again in a few seconds, and see that an agent that has it in its configuration is alive`,
    );
  }
}

function changeOf(catalog: Catalog, holds: () => boolean): { happened: Promise<void>; cancel: () => void } {
  let cancel = () => {};
  const happened = new Promise<void>((resolve) => {
    cancel = catalog.feed.subscribe(({ changes }) => {
      if (changes.some(({ table }) => table === 'settings') && holds()) resolve();
    });
  });
  return { happened, cancel };
}
