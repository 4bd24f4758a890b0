/** From readings to the size of a group: the policy's proposal, held to bounds, schedule and mode. */
import type { Observation, Policy } from './observation.ts';
import { leastAt, type ScheduleWindow } from './schedule.ts';

/** `only-out`: never smaller; `off`: says what it would do and does nothing. */
export const AUTOSCALE_MODES = ['on', 'only-out', 'off'] as const;
export type AutoscaleMode = (typeof AUTOSCALE_MODES)[number];

export interface AutoscalerOptions {
  readonly min: number;
  readonly max: number;
  readonly mode: AutoscaleMode;
  readonly schedule: readonly ScheduleWindow[];
  readonly policy: Policy;
}

export interface Decision {
  /** Milliseconds since the epoch. */
  readonly at: number;
  /** How large the group is to be. Within min and max unless the mode is `off`. */
  readonly size: number;
  /** How large it would be with mode `on`. */
  readonly recommended: number;
  /** One sentence. */
  readonly reason: string;
}

export class Autoscaler {
  readonly #options: AutoscalerOptions;

  constructor(options: AutoscalerOptions) {
    this.#options = options;
  }

  /** A size that an earlier run of the program chose: why is not known, so it counts as needed. */
  remember(now: number, size: number): void {
    this.#options.policy.remember(now, size);
  }

  /** A size that somebody asked for: it is kept for as long as the policy looks back, unless the load needs more. */
  hold(now: number, size: number): void {
    this.#options.policy.hold(now, size);
  }

  /** To be asked in the order of time. */
  decide(observation: Observation): Decision {
    const { min, max, mode, schedule, policy } = this.#options;
    const { now, size } = observation;
    const proposal = policy.propose(observation);
    const scheduled = leastAt(schedule, now);
    let recommended = proposal.size;
    let { reason } = proposal;
    if (recommended < scheduled) {
      recommended = scheduled;
      reason = `the schedule asks for ${scheduled} (${reason})`;
    }
    if (recommended < min) {
      recommended = min;
      reason = `not below the least size (${reason})`;
    } else if (recommended > max) {
      recommended = max;
      reason = `not above the largest size (${reason})`;
    }
    if (mode === 'off') return { at: now, size, recommended, reason: `switched off: ${reason}` };
    // Outside its bounds a group is brought back whatever the mode.
    const held = Math.min(max, Math.max(min, size));
    if (mode === 'only-out' && recommended < held)
      return { at: now, size: held, recommended, reason: `only ever grows: ${reason}` };
    return { at: now, size: recommended, recommended, reason };
  }
}
