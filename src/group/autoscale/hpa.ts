/**
 * The arithmetic of Kubernetes' horizontal pod autoscaler (autoscaling/v2): a ratio with a tolerance, instances that do
 * not tell counted against the change, stabilization windows and rates for both directions.
 */
import { figure, growthFor, instancesFor, largest } from './arithmetic.ts';
import type { Observation, Policy, Proposal, Reading } from './observation.ts';
import { SlidingPeak } from './sliding-peak.ts';

/** At most so much in so long: `instances` more (or fewer), or `share` of what there was (1: as many again). */
export interface Rate {
  readonly instances?: number | undefined;
  readonly share?: number | undefined;
  /** Ms. */
  readonly period: number;
}

export interface Direction {
  /** The mildest proposal of the last so many ms counts. */
  readonly stabilization: number;
  /** None: not at all in this direction. */
  readonly rates: readonly Rate[];
  /** Which of several rates holds: the one that allows most, or least. */
  readonly select: 'max' | 'min';
}

export interface HpaOptions {
  /** How far the ratio may be from 1 before anything happens. */
  readonly tolerance: number;
  readonly out: Direction;
  readonly in: Direction;
}

/** The size changed by `by` at that time. */
interface Change {
  readonly at: number;
  readonly by: number;
}

export class Hpa implements Policy {
  readonly #options: HpaOptions;
  /** Highest proposal of the window for going down; of the negated ones for going up. */
  readonly #highest: SlidingPeak;
  readonly #lowest: SlidingPeak;
  #changes: Change[] = [];
  #before: { at: number; size: number } | undefined;

  constructor(options: HpaOptions) {
    this.#options = options;
    this.#highest = new SlidingPeak(options.in.stabilization);
    this.#lowest = new SlidingPeak(options.out.stabilization);
  }

  remember(now: number, size: number): void {
    this.#highest.push(now, size);
  }

  hold(now: number, size: number): void {
    this.#highest.clear();
    this.#lowest.clear();
    this.#lowest.push(now, -size);
    this.remember(now, size);
  }

  propose(observation: Observation): Proposal {
    const { now, size } = observation;
    this.#follow(now, size);
    const wanted = this.#wanted(observation);
    const highest = this.#highest.push(now, wanted.size);
    const lowest = -this.#lowest.push(now, -wanted.size);
    if (lowest > size) return this.#paced(observation, { size: lowest, reason: wanted.reason });
    if (highest < size) return this.#paced(observation, { size: highest, reason: wanted.reason });
    const held = wanted.size === size ? '' : 'within the stabilization window: ';
    return { size, reason: `${held}${wanted.reason}` };
  }

  #wanted(observation: Observation): Proposal {
    const { size, readings } = observation;
    const proposals = readings.map((reading) =>
      reading.onlyGrows === true ? growthFor(reading, size) : this.#bySignal(reading, observation),
    );
    const most = largest(proposals.filter((one) => one !== undefined));
    const silent = readings.find(({ onlyGrows }, at) => proposals[at] === undefined && onlyGrows !== true);
    if (most !== undefined && (silent === undefined || most.size >= size)) return most;
    if (silent !== undefined) return { size, reason: `${silent.signal} is not known` };
    const reason = readings.length === 0 ? 'no signal is configured' : 'no signal asks for more or fewer';
    return { size, reason };
  }

  /** Undefined when no instance tells. */
  #bySignal(
    { signal, target, values, ofGroup }: Reading,
    { size, instances }: Observation,
  ): Proposal | undefined {
    const { tolerance } = this.#options;
    if (ofGroup !== undefined) {
      // As an external metric with a target of an average: the whole, shared by those that are there.
      if (ofGroup.value === undefined) return undefined;
      const ratio = ofGroup.value / (target * Math.max(1, size));
      const reason = `${signal} is ${figure(ofGroup.value)} in all, ${figure(target)} is meant for one`;
      return { size: Math.abs(ratio - 1) <= tolerance ? size : instancesFor(ofGroup.value, target), reason };
    }
    let told = 0;
    let sum = 0;
    let silent = 0;
    let unready = 0;
    for (const [at, { ready }] of instances.entries()) {
      const value = values[at];
      if (!ready) unready++;
      else if (value === undefined) silent++;
      else {
        told++;
        sum += value;
      }
    }
    if (told === 0) return undefined;
    let ratio = sum / told / target;
    let counted = told;
    const before = ratio;
    if (before < 1) sum += silent * target;
    if (silent > 0 || (before > 1 && unready > 0)) {
      counted += silent + (before > 1 ? unready : 0);
      ratio = sum / counted / target;
    }
    const reason = `${signal} is ${figure(before * target)} on average, ${figure(target)} is meant`;
    const turned = before > 1 !== ratio > 1;
    if (Math.abs(ratio - 1) <= tolerance || turned) return { size, reason };
    const proposed = Math.ceil(ratio * counted - 1e-9);
    const against = ratio > 1 ? proposed < size : proposed > size;
    return { size: against ? size : proposed, reason };
  }

  /** Holds a proposal to the rates of its direction. */
  #paced({ now, size }: Observation, { size: wanted, reason }: Proposal): Proposal {
    const up = wanted > size;
    const { rates, select } = up ? this.#options.out : this.#options.in;
    const limits = rates.map(({ instances, share = 0, period }) => {
      const begin = size - this.#changed(now - period);
      const sign = up ? 1 : -1;
      if (instances !== undefined) return begin + sign * instances;
      return up ? Math.ceil(begin * (1 + share)) : Math.trunc(begin * (1 - share));
    });
    if (limits.length === 0) return { size, reason: `no change in this direction is allowed: ${reason}` };
    const limit = up === (select === 'max') ? Math.max(...limits) : Math.min(...limits);
    const paced = up ? Math.max(size, Math.min(wanted, limit)) : Math.min(size, Math.max(wanted, limit));
    return paced === wanted
      ? { size: wanted, reason }
      : { size: paced, reason: `at the rate allowed: ${reason}` };
  }

  /** By how much the size changed since then. */
  #changed(since: number): number {
    return this.#changes.reduce((sum, { at, by }) => (at > since ? sum + by : sum), 0);
  }

  /** Notes a change of size, ours or somebody's by hand: it was made after the decision before this one. */
  #follow(now: number, size: number): void {
    const before = this.#before;
    if (before !== undefined && size !== before.size)
      this.#changes.push({ at: before.at, by: size - before.size });
    this.#before = { at: now, size };
    const { out, in: into } = this.#options;
    const longest = Math.max(0, ...[...out.rates, ...into.rates].map(({ period }) => period));
    if (this.#changes.length > 0 && this.#changes[0]!.at <= now - longest)
      this.#changes = this.#changes.filter(({ at }) => at > now - longest);
  }
}
