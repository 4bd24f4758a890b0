/**
 * Looks after a group: as many instances as are wanted, of the edition that is wanted, well, and none taken away before
 * its requests are done. Level-triggered: each look compares what is there with what is to be; nothing hangs on an event.
 */
import { messageOf } from '../errors.ts';
import type { Clock } from '../lib/clock.ts';
import { inParallel } from '../lib/in-parallel.ts';
import type { Logger } from '../lib/log.ts';
import type { AutoscaleSpec } from './autoscale/spec.ts';
import type { Crew, Member } from './crew.ts';
import type { GroupDisk, KeptGroup, KeptInstance } from './disk.ts';
import { Group, type GroupDeps } from './group.ts';
import { Healing } from './healing.ts';
import { History } from './history.ts';
import { Members } from './members.ts';
import { plan } from './plan.ts';
import { type Edition, type Progress, Rollout } from './rollout.ts';
import { Scaling } from './scaling.ts';
import { type ManagedSpec, shapeOf, type Template, templateOf, updateOf } from './spec.ts';
import type { Surroundings } from './surroundings.ts';
import type { GroupView } from './view.ts';

/** How often everything is looked at when nothing calls for it, in ms. */
const LOOK = 1_000;
/** Instances that are being started at a time: registering one waits for the disk. */
const AT_ONCE = 16;

export interface ControllerDeps extends GroupDeps {
  clock: Clock;
  /** What cannot be started at once is tried again and again, and no error of `start`. */
  isPatient?: boolean;
  /** Where its decisions are kept for who looks after the group next; undefined: where its instances are. */
  decisions?: Pick<GroupDisk, 'put' | 'remove'>;
  /** Makes the group's instances; undefined: they run on this node. */
  crew?: (surroundings: Surroundings) => Crew;
}

/** What an earlier run of Muster left of a group. */
export interface Left {
  readonly group: KeptGroup | undefined;
  readonly instances: readonly KeptInstance[];
}

const NOTHING_LEFT: Left = { group: undefined, instances: [] };

export class GroupController {
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #surroundings: Surroundings;
  readonly #members: Crew;
  readonly #history: History;
  readonly #rollout: Rollout;
  readonly #scaling: Scaling;
  readonly #healing: Healing;
  #spec: ManagedSpec;
  #size: number;
  /** What went wrong at the last look: said once. */
  #trouble = '';
  #looking = false;
  #isCalled = false;
  #cancel: () => void = () => {};
  #unsubscribe: (() => void)[] = [];
  #stopping: Promise<void> | undefined;
  readonly #disk: ControllerDeps['decisions'];
  /** What is kept for a later run, as text. */
  #kept = '';
  #keeping: Promise<void> | undefined;

  private constructor(
    spec: ManagedSpec,
    deps: ControllerDeps,
    surroundings: Surroundings,
    kept: KeptGroup | undefined,
  ) {
    this.#disk = deps.decisions ?? deps.keep?.disk;
    this.#clock = deps.clock;
    this.#logger = deps.logger;
    this.#surroundings = surroundings;
    this.#members = deps.crew?.(surroundings) ?? new Members(new Group(spec.name, deps), surroundings, deps);
    this.#history = new History(surroundings);
    this.#rollout = new Rollout(templateOf(spec), deps.clock.now(), kept?.rollout);
    this.#rollout.amend(spec);
    this.#healing = new Healing(deps.logger);
    this.#spec = spec;
    // A size that was found or asked for stays, unless the configuration now says another.
    this.#size = sizeWithin(spec, kept?.replicas === spec.replicas ? kept.size : spec.replicas);
    this.#scaling = new Scaling(spec, { surroundings, clock: deps.clock, logger: deps.logger });
    // What it was chosen for is not known any more, so it counts as needed.
    if (kept !== undefined) this.#scaling.remember(this.#size);
  }

  /**
   * With all its instances started, or taken over from an earlier run. Throws `group.failed` when there are not enough free
   * ports; what was started is not left running then.
   */
  static async start(
    spec: ManagedSpec,
    deps: ControllerDeps,
    surroundings: Surroundings,
    { group, instances }: Left = NOTHING_LEFT,
  ): Promise<GroupController> {
    const controller = new GroupController(spec, deps, surroundings, group);
    const { current } = controller.#rollout;
    await controller.#remember();
    await controller.#members.adopt(instances, spec.drainTimeout);
    await controller.#members.describe(spec);
    if (group !== undefined) controller.#rollIfOther(group.shape ?? shapeOf(current.template));
    const missing = controller.#size - controller.#members.present().length;
    if (controller.#rollout.state.mode === 'idle') {
      try {
        await controller.#add(current, missing);
      } catch (error) {
        if (instances.length === 0 && deps.crew === undefined && deps.isPatient !== true) {
          await controller.stop();
          throw error;
        }
        // What runs, here or elsewhere, goes on; the rest is tried again and again.
        deps.logger.error(messageOf(error));
      }
    }
    controller.#unsubscribe = [
      controller.#members.subscribe(() => controller.#call()),
      surroundings.subscribe(() => controller.#call()),
    ];
    controller.#call();
    return controller;
  }

  get name(): string {
    return this.#spec.name;
  }

  view(): GroupView {
    const { name, driver, service, autoscale } = this.#spec;
    const instances = this.#members.views();
    return {
      name,
      driver,
      service: service ?? null,
      size: this.#size,
      ready: instances.filter(({ ready }) => ready).length,
      edition: this.#rollout.current.number,
      rollout: this.#rollout.state,
      autoscale:
        autoscale === undefined ? null : { min: autoscale.min, max: autoscale.max, mode: autoscale.mode },
      decision: this.#scaling.decision ?? null,
      decisions: this.#scaling.decisions.toReversed(),
      held: this.#healing.held,
      history: this.#history.points,
      instances,
    };
  }

  policy(): AutoscaleSpec | undefined {
    return this.#spec.autoscale;
  }

  /**
   * Sets the size, within what the autoscaler may choose; that makes it smaller no sooner than its stabilization window ends.
   * Answers with what it became.
   */
  scale(size: number): number {
    const before = this.#size;
    this.#size = sizeWithin(this.#spec, size);
    if (this.#size !== before) this.#logger.info(`size ${before} → ${this.#size}, asked for`);
    // Somebody knows what it is for: it is not taken back in the same breath.
    this.#scaling.hold(this.#size);
    this.#call();
    return this.#size;
  }

  /** Replaces all instances, a few at a time. */
  roll(): void {
    this.#rollout.begin(this.#clock.now(), templateOf(this.#spec), this.#progress());
    this.#logger.info(`rolling out edition ${this.#rollout.current.number}`);
    this.#call();
  }

  /** Holds a rollout where it is. False when none is under way. */
  pause(): boolean {
    return this.#told(this.#rollout.pause(this.#clock.now(), 'asked for'));
  }

  /** Goes on with a rollout that waits, to its end. False when none waits. */
  resume(): boolean {
    return this.#told(this.#rollout.resume(this.#clock.now()));
  }

  /** Takes a rollout back. False when none is under way. */
  rollBack(): boolean {
    return this.#told(this.#rollout.rollBack(this.#clock.now(), 'asked for'));
  }

  /** Takes over another description: what may change without new instances at once, the rest by a rollout. */
  reconfigure(spec: ManagedSpec): void {
    const before = this.#spec;
    this.#spec = spec;
    this.#rollout.amend(spec);
    void this.#members.describe(spec);
    const isScaledOtherwise = !isSame(spec.autoscale, before.autoscale);
    if (isScaledOtherwise) this.#scaling.configure(spec);
    const size = sizeWithin(spec, spec.replicas === before.replicas ? this.#size : spec.replicas);
    // The same size once more is nothing that anybody asked for.
    if (isScaledOtherwise || size !== this.#size) this.scale(size);
    this.#rollIfOther(shapeOf(before));
    this.#call();
  }

  /** When it was described otherwise `before`, and is not there already, or was a moment ago. */
  #rollIfOther(before: Partial<Template>): void {
    const shape = shapeOf(this.#spec);
    if (isSame(shape, before)) return;
    const { current, previous } = this.#rollout;
    if (isSame(shape, shapeOf(current.template))) return;
    const isTakenBack =
      isSame(shape, shapeOf(previous.template)) &&
      this.#rollout.rollBack(this.#clock.now(), 'it is described as before');
    if (!this.#told(isTakenBack)) this.roll();
  }

  /** Ends all instances, all at once: the balancer takes no more requests then. Idempotent. */
  stop(): Promise<void> {
    this.#stopping ??= (async () => {
      this.#rest();
      await this.#members.stop();
      await this.#disk?.remove({ kind: 'group', name: this.name });
    })();
    return this.#stopping;
  }

  /** Ends the group while others serve: its instances get no new requests, and finish what they have. Idempotent. */
  dissolve(): Promise<void> {
    this.#stopping ??= (async () => {
      this.#rest();
      await this.#members.dissolve(this.#spec.drainTimeout);
      await this.#disk?.remove({ kind: 'group', name: this.name });
    })();
    return this.#stopping;
  }

  /** Lets the instances run on for a later run of Muster, where they are kept for one; else ends them. Idempotent. */
  release(): Promise<void> {
    if (this.#disk === undefined) return this.stop();
    this.#stopping ??= (async () => {
      this.#rest();
      await this.#remember();
      this.#members.release();
    })();
    return this.#stopping;
  }

  #rest(): void {
    this.#cancel();
    for (const unsubscribe of this.#unsubscribe) unsubscribe();
  }

  /** Kills all instances that end with Muster now; `stop()` then resolves soon. */
  kill(): void {
    if (this.#disk === undefined) this.#members.kill();
  }

  /** Says what became of the rollout and looks at everything. */
  #told(changed: boolean): boolean {
    if (!changed) return false;
    const { state, current } = this.#rollout;
    if (state.mode === 'idle') this.#logger.info(`edition ${current.number} is rolled out`);
    else if (state.mode === 'rolling') this.#logger.info('the rollout goes on');
    else if (state.mode === 'paused') this.#logger.info(`the rollout waits: ${state.reason}`);
    else this.#logger.error(`back to edition ${current.number}: ${state.reason}`);
    this.#call();
    return true;
  }

  /** Looks soon; calls that come meanwhile become one. */
  #call(): void {
    if (this.#stopping !== undefined) return;
    this.#isCalled = true;
    if (this.#looking) return;
    this.#cancel();
    this.#cancel = this.#clock.after(0, () => void this.#look());
  }

  async #look(): Promise<void> {
    this.#looking = true;
    this.#isCalled = false;
    try {
      this.#members.observe(this.#clock.now(), this.#spec.service !== undefined);
      this.#record();
      for (const member of this.#healing.choose(this.#clock.now(), this.#members.present(), this.#spec.heal))
        this.#leave(member);
      this.#size = this.#scaling.choose(this.#size, this.#members.present());
      this.#told(this.#rollout.judge(this.#clock.now(), this.#size, this.#progress(), updateOf(this.#spec)));
      await this.#carryOut();
      await this.#remember();
      this.#trouble = '';
    } catch (error) {
      const trouble = messageOf(error);
      if (trouble !== this.#trouble) this.#logger.error(trouble);
      this.#trouble = trouble;
    }
    this.#looking = false;
    if (this.#stopping === undefined)
      this.#cancel = this.#clock.after(this.#isCalled ? 0 : LOOK, () => void this.#look());
  }

  /** Notes for a later run of Muster what is decided, when that is something else than before. */
  async #remember(): Promise<void> {
    if (this.#disk === undefined) return;
    const row: KeptGroup = {
      kind: 'group',
      name: this.name,
      size: this.#size,
      replicas: this.#spec.replicas,
      shape: shapeOf(this.#spec),
      rollout: this.#rollout.kept(),
    };
    const text = JSON.stringify(row);
    if (text !== this.#kept) {
      this.#kept = text;
      this.#keeping = this.#disk.put(row);
    }
    await this.#keeping;
  }

  #record(): void {
    const now = this.#clock.now();
    if (!this.#history.isDue(now)) return;
    this.#history.record(
      now,
      this.#size,
      this.#members.views().filter(({ leaving }) => !leaving),
      this.#spec.autoscale?.signal,
    );
  }

  async #carryOut(): Promise<void> {
    const present = this.#members.present();
    const update = updateOf(this.#spec);
    const { start, leave } = plan({
      now: this.#clock.now(),
      size: this.#size,
      instances: present.map(({ instance, readySince }) => ({
        id: instance.id,
        edition: instance.edition,
        startedAt: instance.addedAt,
        readySince,
      })),
      leaving: this.#members.leaving,
      edition: this.#rollout.current.number,
      wanted: this.#rollout.wanted(this.#size, this.#progress(), update),
      policy: update,
    });
    for (const member of present) if (leave.includes(member.instance.id)) this.#leave(member);
    await this.#add(this.#rollout.current, start.current);
    await this.#add(this.#rollout.previous, start.previous);
  }

  async #add(edition: Edition, count: number): Promise<void> {
    await inParallel(AT_ONCE, Array.from({ length: Math.max(0, count) }), async () => {
      if (this.#stopping === undefined) await this.#members.add(edition);
    });
  }

  #leave(member: Member): void {
    this.#scaling.forget(member.instance.id);
    this.#history.forget(member.instance.id);
    this.#members.leave(member, this.#spec.drainTimeout);
  }

  #progress(): Progress[] {
    return this.#members.present().map(({ instance, readySince }) => {
      const { requests = 0, errors = 0 } = this.#surroundings.traffic(instance.view()) ?? {};
      return {
        id: instance.id,
        edition: instance.edition,
        readySince,
        tally: { requests, errors },
      };
    });
  }
}

function sizeWithin({ autoscale }: ManagedSpec, size: number): number {
  return autoscale === undefined ? size : Math.min(autoscale.max, Math.max(autoscale.min, size));
}

function isSame(one: unknown, other: unknown): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}
