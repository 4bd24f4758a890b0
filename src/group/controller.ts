/**
 * Looks after a group: as many instances as are wanted, of the edition that is wanted, well, and none taken away before
 * its requests are done. Level-triggered: each look compares what is there with what is to be; nothing hangs on an event.
 */
import { messageOf } from '../errors.ts';
import type { Clock } from '../lib/clock.ts';
import type { Logger } from '../lib/log.ts';
import type { Autoscaler, Decision } from './autoscale/autoscaler.ts';
import { createAutoscaler } from './autoscale/spec.ts';
import { Group, type GroupDeps } from './group.ts';
import { heal } from './heal.ts';
import { type Member, Members } from './members.ts';
import { Meters } from './meters.ts';
import { plan } from './plan.ts';
import { type Edition, type Progress, Rollout } from './rollout.ts';
import type { ManagedSpec, Template } from './spec.ts';
import type { Surroundings } from './surroundings.ts';
import type { GroupControl, GroupPoint, GroupView } from './view.ts';

/** How often everything is looked at when nothing calls for it, in ms. */
const LOOK = 1_000;
/** Time between two points of a group's history, and how many there are: an hour. */
const POINT = 10_000;
const POINTS = 360;
/** Decisions that changed the size and are kept to be shown. */
const DECISIONS = 50;

export type ControllerDeps = GroupDeps & { clock: Clock };

export class GroupController implements GroupControl {
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #surroundings: Surroundings;
  readonly #group: Group;
  readonly #members: Members;
  readonly #meters: Meters;
  /** For the history: it looks at other times than the autoscaler. */
  readonly #recorder: Meters;
  #history: GroupPoint[] = [];
  readonly #rollout: Rollout;
  #spec: ManagedSpec;
  #size: number;
  #autoscaler: Autoscaler | undefined;
  #decideAt = 0;
  #decision: Decision | undefined;
  #decisions: Decision[] = [];
  /** When instances were replaced because they failed. */
  #healed: number[] = [];
  #held = '';
  #looking = false;
  #isCalled = false;
  #cancel: () => void = () => {};
  #unsubscribe: (() => void)[] = [];
  #stopping: Promise<void> | undefined;

  private constructor(spec: ManagedSpec, deps: ControllerDeps, surroundings: Surroundings) {
    this.#clock = deps.clock;
    this.#logger = deps.logger;
    this.#surroundings = surroundings;
    this.#group = new Group(spec.name, deps);
    this.#members = new Members(this.#group, surroundings, deps, () => this.#call());
    this.#meters = new Meters(surroundings);
    this.#recorder = new Meters(surroundings);
    this.#rollout = new Rollout(spec, deps.clock.now());
    this.#spec = spec;
    this.#size = sizeWithin(spec, spec.replicas);
    this.#takeAutoscaler();
  }

  /** With all its instances started. Throws `group.failed` when there are not enough free ports; nothing is left running then. */
  static async start(
    spec: ManagedSpec,
    deps: ControllerDeps,
    surroundings: Surroundings,
  ): Promise<GroupController> {
    const controller = new GroupController(spec, deps, surroundings);
    try {
      await controller.#add(controller.#rollout.current, controller.#size);
    } catch (error) {
      await controller.stop();
      throw error;
    }
    controller.#unsubscribe = [
      controller.#group.subscribe(() => controller.#call()),
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
      decision: this.#decision ?? null,
      decisions: this.#decisions.toReversed(),
      held: this.#held,
      history: this.#history,
      instances,
    };
  }

  /** Sets the size, within what the autoscaler may choose; that goes on from there. Answers with what it became. */
  scale(size: number): number {
    const before = this.#size;
    this.#size = sizeWithin(this.#spec, size);
    if (this.#size !== before) this.#logger.info(`size ${before} → ${this.#size}, asked for`);
    this.#call();
    return this.#size;
  }

  /** Replaces all instances, a few at a time. */
  roll(): void {
    this.#rollout.begin(this.#clock.now(), this.#spec, this.#progress());
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
    if (!isSame(spec.autoscale, before.autoscale)) this.#takeAutoscaler();
    this.scale(spec.replicas === before.replicas ? this.#size : spec.replicas);
    if (!isSame(templateOf(spec), templateOf(before))) this.roll();
  }

  /** Ends all instances, all at once: the balancer takes no more requests then. Idempotent. */
  stop(): Promise<void> {
    this.#stopping ??= (async () => {
      this.#cancel();
      for (const unsubscribe of this.#unsubscribe) unsubscribe();
      await this.#members.stop();
    })();
    return this.#stopping;
  }

  /** Kills all instances now; `stop()` then resolves soon. */
  kill(): void {
    this.#group.kill();
  }

  #takeAutoscaler(): void {
    const { autoscale } = this.#spec;
    this.#autoscaler = autoscale && createAutoscaler(autoscale);
    this.#decideAt = this.#clock.now() + (autoscale?.interval ?? 0);
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
      this.#heal();
      this.#autoscale();
      this.#told(this.#rollout.judge(this.#clock.now(), this.#size, this.#progress(), this.#spec.update));
      await this.#carryOut();
    } catch (error) {
      this.#logger.error(messageOf(error));
    }
    this.#looking = false;
    if (this.#stopping === undefined)
      this.#cancel = this.#clock.after(this.#isCalled ? 0 : LOOK, () => void this.#look());
  }

  #record(): void {
    const now = this.#clock.now();
    const last = this.#history.at(-1);
    if (last !== undefined && now - last.at < POINT) return;
    const present = this.#members.present();
    const views = present.map(({ instance }) => instance.view());
    const [reading] = this.#recorder.read(now, views, [{ kind: 'requests_per_second', target: 1 }]);
    const requests = (reading?.values ?? []).reduce<number>((sum, value) => sum + (value ?? 0), 0);
    const ready = present.filter(({ readySince }) => readySince !== undefined).length;
    this.#history = [...this.#history, { at: now, size: this.#size, ready, requests }].slice(-POINTS);
  }

  #heal(): void {
    const { heal: policy } = this.#spec;
    if (policy === undefined) return;
    const now = this.#clock.now();
    const present = this.#members.present();
    this.#healed = this.#healed.filter((at) => now - at < policy.window);
    const { replace, held } = heal(
      now,
      present.map(({ instance, startedAt, failingSince }) => ({ id: instance.id, startedAt, failingSince })),
      this.#healed,
      policy,
    );
    if (held !== '' && held !== this.#held) this.#logger.warn(held);
    this.#held = held;
    for (const member of present) {
      if (!replace.includes(member.instance.id)) continue;
      this.#healed.push(now);
      this.#logger.warn(`${member.instance.name} is replaced: its checks have failed for too long`);
      this.#leave(member);
    }
  }

  #autoscale(): void {
    const { autoscale } = this.#spec;
    const now = this.#clock.now();
    if (autoscale === undefined || this.#autoscaler === undefined || now < this.#decideAt) return;
    this.#decideAt = now + autoscale.interval;
    const present = this.#members.present();
    const views = present.map(({ instance }) => instance.view());
    const decision = this.#autoscaler.decide({
      now,
      size: this.#size,
      instances: present.map(({ startedAt, readySince }) => ({ startedAt, ready: readySince !== undefined })),
      readings: this.#meters.read(now, views, autoscale.signal),
    });
    this.#decision = decision;
    if (decision.size === this.#size) return;
    this.#logger.info(`size ${this.#size} → ${decision.size}: ${decision.reason}`);
    this.#size = decision.size;
    this.#decisions = [...this.#decisions, decision].slice(-DECISIONS);
  }

  async #carryOut(): Promise<void> {
    const present = this.#members.present();
    const { start, leave } = plan({
      now: this.#clock.now(),
      size: this.#size,
      instances: present.map(({ instance, edition, startedAt, readySince }) => ({
        id: instance.id,
        edition,
        startedAt,
        readySince,
      })),
      edition: this.#rollout.current.number,
      wanted: this.#rollout.wanted(this.#size, this.#progress(), this.#spec.update),
      policy: this.#spec.update,
    });
    for (const member of present) if (leave.includes(member.instance.id)) this.#leave(member);
    await this.#add(this.#rollout.current, start.current);
    await this.#add(this.#rollout.previous, start.previous);
  }

  async #add(edition: Edition, count: number): Promise<void> {
    for (let added = 0; added < count && this.#stopping === undefined; added++)
      await this.#members.add(edition);
  }

  #leave(member: Member): void {
    this.#meters.forget(member.instance.id);
    this.#recorder.forget(member.instance.id);
    this.#members.leave(member, this.#spec.drainTimeout);
  }

  #progress(): Progress[] {
    return this.#members.present().map(({ instance, edition, readySince }) => {
      const { requests = 0, errors = 0 } = this.#surroundings.traffic(instance.view()) ?? {};
      return { id: instance.id, edition, ready: readySince !== undefined, tally: { requests, errors } };
    });
  }
}

function sizeWithin({ autoscale }: ManagedSpec, size: number): number {
  return autoscale === undefined ? size : Math.min(autoscale.max, Math.max(autoscale.min, size));
}

/** What instances are made from: another one is another edition. */
function templateOf({ driver, command, cwd, env, ports, portRange }: Template) {
  return { driver, command, cwd, env, ports, portRange };
}

function isSame(one: unknown, other: unknown): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}
