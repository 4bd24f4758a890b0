import type { Outcome } from '../health/kind.ts';
import type { Cancel, Schedule } from '../health/schedule.ts';
import { type Clock, steady } from '../lib/clock.ts';
import type { Logger } from '../lib/log.ts';
import { capacityOf, EMPTY_LEVEL, type FloodPolicy, type Level, takeOne, waitForOne } from './flood.ts';
import type { LocalCheck, LocalState } from './local.ts';

/** Shortest pause before held-back checks are looked at again, in ms. */
const LEAST_WAIT = 1_000;

/** In front of the output of a check that is held back. */
const HELD_BACK = 'failing, but held back, as too much of this node failed at once: ';

export interface FloodGateOptions {
  policy: FloodPolicy;
  local: LocalState;
  schedule: Schedule;
  clock: Clock;
  logger: Logger;
  /** A check that was held back is still failing and may be critical now. */
  onRelease: (id: string, outcome: Outcome) => void;
}

/**
 * Stands between what checks find out and what is believed of it. An instance that becomes critical while too many do
 * keeps its status; when there is room again and it still fails, it is let through, first come, first served. What is
 * said explicitly (maintenance, a heartbeat that says "fail", taking something away) does not come by here.
 */
export class FloodGate {
  readonly #options: FloodGateOptions;
  /** What would be critical, by check. */
  readonly #held = new Map<string, Outcome>();
  #level: Level = EMPTY_LEVEL;
  #next: Cancel | undefined;
  #warnedAt = Number.NEGATIVE_INFINITY;

  constructor(options: FloodGateOptions) {
    this.#options = { ...options, clock: steady(options.clock) };
  }

  /** How many checks are held back. */
  get heldBack(): number {
    return this.#held.size;
  }

  /** What to believe of a result: the result itself, or that all is as before. */
  admit(check: LocalCheck, outcome: Outcome): Outcome {
    const { id, status } = check;
    if (outcome.status !== 'critical' || status === 'critical') {
      this.forget(id);
      return outcome;
    }
    // Behind those that wait already.
    const mayPass = this.#isOut(check) || (this.#held.size === 0 && this.#take());
    if (mayPass) {
      this.forget(id);
      return outcome;
    }
    if (this.#held.size === 0) this.#begin();
    this.#held.set(id, outcome);
    return { status, output: `${HELD_BACK}${outcome.output}` };
  }

  /** The check is gone, or its owner has said how it is. */
  forget(id: string): void {
    if (this.#held.delete(id) && this.#held.size === 0) this.#end();
  }

  stop(): void {
    this.#next?.();
    this.#next = undefined;
    this.#held.clear();
  }

  get #instances(): number {
    return this.#options.local.serviceCount;
  }

  #take(): boolean {
    const next = takeOne(this.#level, this.#options.policy, this.#instances, this.#options.clock.now());
    if (next === undefined) return false;
    this.#level = next;
    return true;
  }

  /** An instance that is critical already is none the worse for one more check. */
  #isOut({ id, serviceId }: LocalCheck): boolean {
    if (serviceId === '') return false;
    return this.#options.local
      .checksOf(serviceId)
      .some((other) => other.id !== id && other.status === 'critical');
  }

  #begin(): void {
    const { policy, logger, clock } = this.#options;
    this.#arm();
    // Where the limit is only just reached, checks come and go: one warning is enough.
    if (clock.now() - this.#warnedAt < policy.interval) return;
    this.#warnedAt = clock.now();
    logger.warn(
      'too many instances of this node became critical at once: the others keep their state for now. Look for what they have in common, such as the network of this node',
      {
        instances: this.#instances,
        allowed: capacityOf(policy, this.#instances),
        within: `${policy.interval / 1000}s`,
        setting: 'health.flood_share',
      },
    );
  }

  #end(): void {
    this.#next?.();
    this.#next = undefined;
    this.#options.logger.info('no check is held back any more');
  }

  #arm(): void {
    const { schedule, clock, policy } = this.#options;
    const wait = waitForOne(this.#level, policy, this.#instances, clock.now());
    this.#next = schedule.after(Math.max(LEAST_WAIT, wait), () => this.#release());
  }

  #release(): void {
    const { local, onRelease } = this.#options;
    for (const [id, outcome] of this.#held) {
      const check = local.check(id);
      if (check !== undefined && !this.#isOut(check) && !this.#take()) break;
      this.#held.delete(id);
      if (check !== undefined) onRelease(id, outcome);
    }
    if (this.#held.size === 0) this.#end();
    else this.#arm();
  }
}
