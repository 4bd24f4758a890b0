/** Numbers that both policies need. */
import type { Proposal, Reading } from './observation.ts';

/** Sums of floats stand a hair above a whole number at times; that hair is no reason for an instance more. */
const HAIR = 1e-9;

/** How many instances carry `total` when each is meant to carry `target`. */
export function instancesFor(total: number, target: number): number {
  return Math.max(0, Math.ceil(total / target - HAIR));
}

/** Of several signals the one that wants most decides. */
export function largest(proposals: readonly Proposal[]): Proposal | undefined {
  return proposals.reduce<Proposal | undefined>(
    (most, one) => (most === undefined || one.size > most.size ? one : most),
    undefined,
  );
}

/** A signal that tells only that it hurts is no measure of how many would do: it asks for twice as many at most. */
const MOST_GROWTH = 2;

/** What such a signal asks for; undefined: nothing, and how many there are is for others to say. */
export function growthFor({ signal, target, values }: Reading, size: number): Proposal | undefined {
  const known = values.filter((value) => value !== undefined);
  const mean = known.reduce((sum, value) => sum + value, 0) / Math.max(1, known.length);
  if (mean <= target) return undefined;
  const wanted = instancesFor(size * Math.min(MOST_GROWTH, mean / target), 1);
  return {
    size: Math.max(size + 1, wanted),
    reason: `${signal} is ${figure(mean)}, ${figure(target)} is meant`,
  };
}

// Made once: `toLocaleString` makes one each time, and was two thirds of a simulated day. Not before it is needed: it is 2 % of a start.
let threeDigits: Intl.NumberFormat | undefined;

/** A figure for a sentence: three significant digits. */
export function figure(value: number): string {
  threeDigits ??= new Intl.NumberFormat('en-US', { maximumSignificantDigits: 3 });
  return threeDigits.format(value);
}
