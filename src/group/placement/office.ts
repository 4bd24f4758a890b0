/** What the node does that looks after a group which is spread over nodes: decides, publishes what it decided, and answers. */
import type { Catalog } from '../../catalog/catalog.ts';
import { messageOf } from '../../errors.ts';
import { pause } from '../../lib/clock.ts';
import { type ControllerDeps, GroupController } from '../controller.ts';
import type { KeptGroup } from '../disk.ts';
import type { ManagedSpec } from '../spec.ts';
import type { Surroundings } from '../surroundings.ts';
import type { Election } from './election.ts';
import { PlacedCrew } from './placed-crew.ts';
import { type Answer, type Plan, putRow, Rows, rowNames, type Wish } from './rows.ts';

/** How often it is looked whether there is something to publish or to answer, ms. */
const LOOK = 1_000;
/** Decisions of the autoscaler that others see. */
const DECISIONS = 10;

export interface OfficeOptions {
  readonly spec: ManagedSpec;
  /** Name of this node. */
  readonly node: string;
  readonly catalog: Catalog;
  readonly surroundings: Surroundings;
  readonly deps: ControllerDeps;
}

export class Office {
  readonly #options: OfficeOptions;
  readonly #election: Election;
  readonly #rows: Rows;
  #spec: ManagedSpec;
  #controller: GroupController | undefined;
  #kept: KeptGroup | undefined;
  #unsubscribe = () => {};
  #cancel = () => {};
  #isBusy = false;
  #ended = false;
  readonly #started: Promise<void>;

  constructor(options: OfficeOptions, election: Election) {
    this.#options = options;
    this.#election = election;
    this.#spec = options.spec;
    this.#rows = new Rows(options.catalog, options.spec.name);
    this.#started = this.#start();
  }

  reconfigure(spec: ManagedSpec): void {
    this.#spec = spec;
    this.#controller?.reconfigure(spec);
  }

  /** Another node goes on from what was published. */
  async resign(): Promise<void> {
    this.#ended = true;
    this.#cancel();
    this.#unsubscribe();
    await this.#started;
    await this.#controller?.release();
  }

  async #start(): Promise<void> {
    const { catalog, deps } = this.#options;
    const { name } = this.#spec;
    while (this.#controller === undefined && !this.#ended) {
      try {
        this.#controller = await this.#takeOver();
      } catch (error) {
        // It is no less elected for that, and nobody else will do it.
        deps.logger.error(`cannot take over yet: ${messageOf(error)}`);
        await pause(deps.clock, LOOK);
      }
    }
    if (this.#ended) return;
    this.#unsubscribe = catalog.feed.subscribe(({ changes }) => {
      if (changes.some(({ table, key }) => table === 'settings' && key === rowNames.wish(name)))
        void this.#look();
    });
    void this.#look();
  }

  #takeOver(): Promise<GroupController> {
    const { catalog, surroundings, deps } = this.#options;
    const { name, placement } = this.#spec;
    return GroupController.start(
      this.#spec,
      {
        ...deps,
        keep: undefined,
        decisions: {
          put: async (row) => {
            if (row.kind !== 'group') return;
            this.#kept = row;
            await this.#publish();
          },
          remove: async () => {},
        },
        crew: (seen) =>
          new PlacedCrew({
            group: name,
            catalog,
            rows: this.#rows,
            election: this.#election,
            surroundings: seen,
            nodeMeta: placement?.nodeMeta ?? {},
            grace: placement?.grace ?? 0,
            clock: deps.clock,
            logger: deps.logger,
          }),
      },
      surroundings,
      { group: this.#rows.plan()?.kept, instances: [] },
    );
  }

  async #look(): Promise<void> {
    if (this.#isBusy || this.#ended) return;
    this.#isBusy = true;
    this.#cancel();
    try {
      await this.#answer();
      await this.#publish();
    } catch (error) {
      this.#options.deps.logger.debug(`nothing could be published: ${messageOf(error)}`);
    }
    this.#isBusy = false;
    if (!this.#ended) this.#cancel = this.#options.deps.clock.after(LOOK, () => void this.#look());
  }

  async #answer(): Promise<void> {
    const wish = this.#rows.wish();
    const controller = this.#controller;
    if (wish === undefined || controller === undefined || wish.id === this.#rows.answer()?.id) return;
    const done = fulfil(controller, wish);
    const answer: Answer = { id: wish.id, size: controller.view().size, done };
    await this.#publish();
    await this.#election.write((tx) => putRow(tx, rowNames.answer(this.#spec.name), answer));
  }

  async #publish(): Promise<void> {
    if (this.#kept === undefined) return;
    const view = this.#controller?.view();
    const plan: Plan = {
      controller: this.#options.node,
      spec: this.#spec,
      kept: view === undefined ? this.#kept : { ...this.#kept, size: view.size },
      decision: view?.decision ?? null,
      decisions: view?.decisions.slice(0, DECISIONS) ?? [],
      held: view?.held ?? '',
      autoscale: view?.autoscale ?? null,
    };
    const name = rowNames.plan(this.#spec.name);
    if (JSON.stringify(plan) === JSON.stringify(this.#rows.plan())) return;
    await this.#election.write((tx) => putRow(tx, name, plan));
  }
}

function fulfil(controller: GroupController, { what, size }: Wish): boolean {
  switch (what) {
    case 'scale':
      controller.scale(size);
      return true;
    case 'roll':
      controller.roll();
      return true;
    case 'pause':
      return controller.pause();
    case 'resume':
      return controller.resume();
    case 'rollBack':
      return controller.rollBack();
  }
}
