/**
 * Target tracking as the autoscaler of Google's managed instance groups documents it: the size is what serves the peak
 * of the last ten minutes, and scale-in controls say how much of it may go within a time.
 */
import { figure, growthFor, instancesFor, largest } from './arithmetic.ts';
import type { Observation, Policy, Proposal, Reading } from './observation.ts';
import { SlidingPeak } from './sliding-peak.ts';

/** How much of the highest recommendation of the last `window` ms may be given up. */
export interface ScaleInControl {
  /** A number of instances or, below 1, a share; at least one instance in any case. */
  readonly most: number;
  readonly window: number;
}

export interface TargetTrackingOptions {
  /** How far back the peak counts, ms. */
  readonly stabilization: number;
  /** For so long after its start (ms) nothing grows because of an instance: while it warms up it is busy with itself. */
  readonly initialization: number;
  readonly scaleIn?: ScaleInControl | undefined;
}

export class TargetTracking implements Policy {
  readonly #options: TargetTrackingOptions;
  readonly #needed: SlidingPeak;
  readonly #recommended: SlidingPeak;

  constructor(options: TargetTrackingOptions) {
    this.#options = options;
    this.#needed = new SlidingPeak(options.stabilization);
    this.#recommended = new SlidingPeak(options.scaleIn?.window ?? 0);
  }

  remember(now: number, size: number): void {
    this.#needed.push(now, size);
    this.#recommended.push(now, size);
  }

  hold(now: number, size: number): void {
    this.#needed.clear();
    this.#recommended.clear();
    this.remember(now, size);
  }

  propose(observation: Observation): Proposal {
    const { now, size, readings } = observation;
    const needs = readings.map((reading) =>
      reading.onlyGrows === true ? growthFor(reading, size) : this.#need(reading, observation),
    );
    const need = largest(needs.filter((one) => one !== undefined)) ?? {
      size,
      reason: readings.length === 0 ? 'no signal is configured' : 'no signal asks for more or fewer',
    };
    const peak = this.#needed.push(now, need.size);
    const steady =
      peak > need.size ? { size: peak, reason: `for the peak of the last minutes (${need.reason})` } : need;
    const { scaleIn } = this.#options;
    if (scaleIn === undefined) return steady;
    const highest = this.#recommended.push(now, steady.size);
    const most = Math.max(1, scaleIn.most < 1 ? Math.floor(highest * scaleIn.most) : scaleIn.most);
    if (steady.size >= highest - most) return steady;
    // What is held up counts as recommended: the next window begins from there.
    this.#recommended.push(now, highest - most);
    return { size: highest - most, reason: `not faster than the scale-in control allows (${steady.reason})` };
  }

  #need({ signal, target, values, ofGroup }: Reading, { now, size, instances }: Observation): Proposal {
    if (ofGroup !== undefined) {
      const { value } = ofGroup;
      if (value === undefined) return { size, reason: `${signal} is not known` };
      return { size: instancesFor(value, target), reason: said(signal, value, target) };
    }
    let all = 0;
    let warm = 0;
    let silent = 0;
    for (const [at, { startedAt }] of instances.entries()) {
      const value = values[at];
      if (value === undefined) {
        silent++;
        continue;
      }
      all += value;
      if (now - startedAt >= this.#options.initialization) warm += value;
    }
    const out = instancesFor(warm, target);
    if (out > size) return { size: out, reason: said(signal, warm, target) };
    if (silent > 0 || instances.length === 0)
      return { size, reason: `${signal} of ${silent} of ${instances.length} instances is not known` };
    return { size: Math.min(size, instancesFor(all, target)), reason: said(signal, all, target) };
  }
}

function said(signal: string, total: number, target: number): string {
  return `${signal} is ${figure(total)} in all, ${figure(target)} meant for one`;
}
