/** What an autoscaler is told each time it decides: numbers and times only, wherever they come from. */

/** One signal as it was read. */
export interface Reading {
  /** As configured: "cpu", "requests_per_second", … */
  readonly signal: string;
  /** What one instance is meant to carry, in the signal's own unit; above 0. */
  readonly target: number;
  /** What each instance carries, by the place of the instance in `Observation.instances`; undefined: not known. */
  readonly values: readonly (number | undefined)[];
  /** Of a number that is told for the group and not for each: that number, undefined: not known. `values` is empty then. */
  readonly ofGroup?: { readonly value: number | undefined };
  /** Below its target it says nothing: not that fewer would do. */
  readonly onlyGrows?: boolean;
}

export interface ObservedInstance {
  /** Since when it runs, ms since the epoch. */
  readonly startedAt: number;
  /** Its checks pass. */
  readonly ready: boolean;
}

export interface Observation {
  /** Milliseconds since the epoch. */
  readonly now: number;
  /** How many instances there are meant to be at present. */
  readonly size: number;
  readonly instances: readonly ObservedInstance[];
  readonly readings: readonly Reading[];
}

/** How many instances are wanted, and why in one sentence. */
export interface Proposal {
  readonly size: number;
  readonly reason: string;
}

/**
 * A way from readings to a size, not yet held to the group's bounds. It is asked at each decision, in the order of
 * time, and remembers what it saw; it reads no clock.
 */
export interface Policy {
  /** The group has this size for reasons that are not seen: until that is long ago it counts as needed. */
  remember(now: number, size: number): void;
  /** Somebody asked for this size, who knows better than what was seen before: that counts no more. */
  hold(now: number, size: number): void;
  propose(observation: Observation): Proposal;
}
