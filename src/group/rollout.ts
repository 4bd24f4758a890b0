/** From one edition of a group's template to the next: canaries, pauses, and the way back. */
import { isProven } from './plan.ts';
import type { Template, Update } from './spec.ts';
import { type Tally, verdict } from './verdict.ts';

export type RolloutState =
  | { readonly mode: 'idle'; readonly since: number }
  | { readonly mode: 'rolling'; readonly since: number }
  /** The canaries are in, or somebody stopped it: `resume` goes on. */
  | { readonly mode: 'paused'; readonly since: number; readonly reason: string }
  | { readonly mode: 'rolling-back'; readonly since: number; readonly reason: string };

/** A template under the number with which it came into use. */
export interface Edition {
  readonly number: number;
  readonly template: Template;
}

/** What of a rollout outlives Muster. */
export interface KeptRollout {
  readonly current: Edition;
  readonly previous: Edition;
  readonly editions: number;
  readonly state: RolloutState;
  readonly resumed: boolean;
}

/** One instance that is not leaving, as a rollout sees it. */
export interface Progress {
  readonly id: string;
  readonly edition: number;
  /** Since when its checks pass; undefined: they do not. */
  readonly readySince: number | undefined;
  /** What the balancer counted since it began. */
  readonly tally: Tally;
}

const NOTHING: Tally = { requests: 0, errors: 0 };

export class Rollout {
  #current: Edition;
  /** That which is gone back to. */
  #previous: Edition;
  #editions: number;
  #state: RolloutState;
  /** The canaries were looked at: it goes on to the end. */
  #resumed: boolean;
  /** What the instances had been asked when it began, by id. */
  #baseline = new Map<string, Tally>();

  constructor(template: Template, now: number, kept?: KeptRollout) {
    this.#current = kept?.current ?? { number: 1, template };
    this.#previous = kept?.previous ?? this.#current;
    this.#state = kept?.state ?? { mode: 'idle', since: now };
    this.#editions = kept?.editions ?? 1;
    this.#resumed = kept?.resumed ?? false;
  }

  /** Another run of Muster goes on from there; what the balancer counted begins anew with it. */
  kept(): KeptRollout {
    return {
      current: this.#current,
      previous: this.#previous,
      editions: this.#editions,
      state: this.#state,
      resumed: this.#resumed,
    };
  }

  get state(): RolloutState {
    return this.#state;
  }

  get current(): Edition {
    return this.#current;
  }

  get previous(): Edition {
    return this.#previous;
  }

  begin(now: number, template: Template, instances: readonly Progress[]): void {
    // What was being rolled out and is not proven is not what to go back to.
    if (this.#state.mode === 'idle') this.#previous = this.#current;
    this.#current = { number: ++this.#editions, template };
    this.#baseline = new Map(instances.map(({ id, tally }) => [id, tally]));
    this.#resumed = false;
    this.#state = { mode: 'rolling', since: now };
  }

  /** Takes over what of a description needs no new instances. */
  amend({ stopTimeout, restart }: Pick<Template, 'stopTimeout' | 'restart'>): void {
    const amended = ({ number, template }: Edition) => ({
      number,
      template: { ...template, stopTimeout, restart },
    });
    this.#current = amended(this.#current);
    this.#previous = amended(this.#previous);
  }

  /** False when nothing is under way that could be held. */
  pause(now: number, reason: string): boolean {
    if (this.#state.mode !== 'rolling') return false;
    this.#state = { mode: 'paused', since: now, reason };
    return true;
  }

  /** False when nothing waits. */
  resume(now: number): boolean {
    if (this.#state.mode !== 'paused') return false;
    this.#resumed = true;
    this.#state = { mode: 'rolling', since: now };
    return true;
  }

  /** False when nothing is under way that could be taken back. */
  rollBack(now: number, reason: string): boolean {
    if (this.#state.mode !== 'rolling' && this.#state.mode !== 'paused') return false;
    this.#current = this.#previous;
    this.#state = { mode: 'rolling-back', since: now, reason };
    return true;
  }

  /** How many instances of the current edition there are to be for now. */
  wanted(size: number, instances: readonly Progress[], update: Update): number {
    if (this.#state.mode === 'paused') {
      const { length } = this.#ofCurrent(instances);
      // In a group that becomes smaller they stay a share of it: nobody has looked at them.
      return update.canary > 0 && !this.#resumed ? Math.min(length, canaries(size, update)) : length;
    }
    return this.#waitsForCanaries(update) ? canaries(size, update) : size;
  }

  /** Looks how far it is, and whether it is to end, wait or be taken back. True when the state is another one. */
  judge(now: number, size: number, instances: readonly Progress[], update: Update): boolean {
    const { mode, since } = this.#state;
    if (mode === 'idle') return false;
    const current = this.#ofCurrent(instances);
    const proven = current.filter(({ readySince }) => isProven(readySince, now, update)).length;
    if (mode !== 'rolling-back') {
      const worse = verdict(
        this.#asked(current),
        this.#asked(instances.filter((one) => !current.includes(one))),
        update.rollback,
      );
      if (worse !== '') return this.rollBack(now, worse);
      const isNonePassing = current.every(({ readySince }) => readySince === undefined);
      const isLate = now - since > update.rollback.deadline;
      if (mode === 'rolling' && isNonePassing && isLate && size > 0)
        return this.rollBack(now, 'no new instance has come to pass in time');
    }
    if (mode === 'paused') return false;
    if (instances.length === size && current.length === size && proven === size) {
      this.#previous = this.#current;
      this.#state = { mode: 'idle', since: now };
      return true;
    }
    if (mode !== 'rolling' || !this.#waitsForCanaries(update) || proven < canaries(size, update))
      return false;
    return this.pause(now, `${proven} of ${size} are new; resume brings the others`);
  }

  #waitsForCanaries({ canary }: Update): boolean {
    return this.#state.mode === 'rolling' && canary > 0 && !this.#resumed;
  }

  #ofCurrent(instances: readonly Progress[]): Progress[] {
    return instances.filter(({ edition }) => edition === this.#current.number);
  }

  /** What these were asked since it began. */
  #asked(instances: readonly Progress[]): Tally {
    let requests = 0;
    let errors = 0;
    for (const { id, tally } of instances) {
      const before = this.#baseline.get(id) ?? NOTHING;
      requests += Math.max(0, tally.requests - before.requests);
      errors += Math.max(0, tally.errors - before.errors);
    }
    return { requests, errors };
  }
}

function canaries(size: number, { canary }: Update): number {
  return Math.min(size, Math.max(1, Math.ceil(canary * size)));
}
