/** Two groups of instances, one of which stands in for the other: zones, arms of a canary. */
import type { Balancer, Target } from './balancer.ts';
import { partOf } from './hash.ts';

/** Asks `first` unless `spills` says otherwise, and the other group when the one asked has nobody who is well and has room. */
export class Tiers implements Balancer {
  readonly byKey: boolean;
  readonly #first: Balancer;
  readonly #second: Balancer;
  readonly #spills: (key: number | undefined) => boolean;

  constructor(first: Balancer, second: Balancer, spills: (key: number | undefined) => boolean = () => false) {
    this.byKey = first.byKey === true || second.byKey === true;
    this.#first = first;
    this.#second = second;
    this.#spills = spills;
  }

  next(tried: readonly Target[], key?: number): Target | undefined {
    const isOver = this.#spills(key);
    const wanted = (isOver ? this.#second : this.#first).next(tried, key);
    if (wanted !== undefined && wanted.state.ejectedUntil === 0) return wanted;
    const other = (isOver ? this.#first : this.#second).next(tried, key);
    return other !== undefined && (wanted === undefined || other.state.ejectedUntil === 0) ? other : wanted;
  }
}

/**
 * A zone keeps all of its traffic while so many parts of what it is meant to have are well: below five sevenths the rest could not
 * carry it.
 */
const SPARE = 1.4;

/** Part of the traffic that stays in a zone of which `well` is left of `meant` (sums of weights). */
export function staying(well: number, meant: number): number {
  return meant <= 0 ? 0 : Math.min(1, (well / meant) * SPARE);
}

/** How long (ms) the sums of a zone hold. */
const LOOK = 100;

export interface SpillOptions {
  /** Of the own zone. */
  readonly targets: readonly Target[];
  /** Sum of the weights that the zone has when all of it is healthy. */
  readonly meant: number;
  readonly random: () => number;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}

/** Says of a request whether another zone gets it, since too little of the own one is well. The same client goes the same way. */
export function spilling({
  targets,
  meant,
  random,
  now,
}: SpillOptions): (key: number | undefined) => boolean {
  let part = 1;
  let looked = Number.NEGATIVE_INFINITY;
  return (key) => {
    const at = now();
    if (at - looked >= LOOK) {
      looked = at;
      let well = 0;
      for (const { state, weight } of targets) if (state.ejectedUntil === 0) well += weight;
      part = staying(well, meant);
    }
    if (part === 1) return false;
    return (key === undefined ? random() : partOf(key, SPILL)) >= part;
  };
}

/** So that those who go to another zone are not those who are cold, or in the canary. */
const SPILL = 0x5bd1e995;
