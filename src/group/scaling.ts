/** Chooses the size of a group: reads its signals at the autoscaler's interval and keeps what was decided. */
import type { Clock } from '../lib/clock.ts';
import type { Logger } from '../lib/log.ts';
import type { Autoscaler, Decision } from './autoscale/autoscaler.ts';
import { createAutoscaler } from './autoscale/spec.ts';
import type { Member } from './crew.ts';
import { Meters } from './meters.ts';
import { Metrics } from './metrics/metrics.ts';
import type { ManagedSpec } from './spec.ts';
import type { Surroundings } from './surroundings.ts';

/** Decisions that changed the size and are kept to be shown. */
const DECISIONS = 50;

export interface ScalingDeps {
  readonly surroundings: Surroundings;
  readonly clock: Clock;
  readonly logger: Logger;
}

export class Scaling {
  readonly #deps: ScalingDeps;
  #spec: ManagedSpec['autoscale'];
  #autoscaler: Autoscaler | undefined;
  #metrics: Metrics | undefined;
  #meters: Meters;
  #decideAt = 0;
  #decision: Decision | undefined;
  #decisions: Decision[] = [];

  constructor(spec: ManagedSpec, deps: ScalingDeps) {
    this.#deps = deps;
    this.#meters = new Meters(deps.surroundings);
    this.configure(spec);
  }

  /** The last one. */
  get decision(): Decision | undefined {
    return this.#decision;
  }

  /** Those that changed the size, oldest first. */
  get decisions(): readonly Decision[] {
    return this.#decisions;
  }

  /** Begins anew, as a group is described now; without `autoscale` its size stays. */
  configure({ name, autoscale }: ManagedSpec): void {
    const { surroundings, clock, logger } = this.#deps;
    this.#spec = autoscale;
    this.#autoscaler = autoscale && createAutoscaler(autoscale);
    this.#decideAt = clock.now() + (autoscale?.interval ?? 0);
    this.#metrics =
      autoscale &&
      new Metrics({
        group: name,
        sources: autoscale.signal.flatMap(({ source }) => source ?? []),
        every: Math.ceil(autoscale.interval / 2),
        surroundings,
        clock,
        logger,
      });
    this.#meters = new Meters(surroundings, this.#metrics);
  }

  /** A size that an earlier run chose: made smaller no sooner than the stabilization window ends. */
  remember(size: number): void {
    this.#autoscaler?.remember(this.#deps.clock.now(), size);
  }

  /** A size that somebody asked for, which may be smaller than what was needed lately. */
  hold(size: number): void {
    this.#autoscaler?.hold(this.#deps.clock.now(), size);
  }

  /** An instance goes. */
  forget(id: string): void {
    this.#meters.forget(id);
  }

  /** How large a group of `size` is to be. */
  choose(size: number, present: readonly Member[]): number {
    const { clock, logger } = this.#deps;
    const now = clock.now();
    if (this.#spec === undefined || this.#autoscaler === undefined) return size;
    const views = present.map(({ instance }) => instance.view());
    this.#metrics?.look(views);
    if (now < this.#decideAt) return size;
    this.#decideAt = now + this.#spec.interval;
    const decision = this.#autoscaler.decide({
      now,
      size,
      instances: present.map(({ instance, readySince }) => ({
        startedAt: instance.addedAt,
        ready: readySince !== undefined,
      })),
      readings: this.#meters.read(now, views, this.#spec.signal),
    });
    this.#decision = decision;
    if (decision.size === size) return size;
    logger.info(`size ${size} → ${decision.size}: ${decision.reason}`);
    this.#decisions = [...this.#decisions, decision].slice(-DECISIONS);
    return decision.size;
  }
}
