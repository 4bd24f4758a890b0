/** Numbers that both policies need. */
import type { Proposal } from './observation.ts';

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

/** A figure for a sentence: three significant digits. */
export function figure(value: number): string {
  return value.toLocaleString('en-US', { maximumSignificantDigits: 3 });
}
