/** The last hour of a group. */
import type { Carried, SignalSpec } from './autoscale/signals.ts';
import { Meters } from './meters.ts';
import type { Surroundings } from './surroundings.ts';
import type { GroupPoint, ManagedInstance } from './view.ts';

/** Time between two points, and how many there are: an hour. */
const POINT = 10_000;
const POINTS = 360;

const REQUESTS: SignalSpec = { kind: 'requests_per_second', target: 1 };

/**
 * Besides requests, which every group has. Numbers from elsewhere are asked for by the autoscaler alone, and how long
 * requests wait says nothing about a group of another size.
 */
function isRecorded({ kind }: SignalSpec): boolean {
  return kind === 'cpu' || kind === 'in_flight' || kind === 'connections';
}

export class History {
  readonly #meters: Meters;
  #points: GroupPoint[] = [];

  constructor(surroundings: Pick<Surroundings, 'traffic'>) {
    this.#meters = new Meters(surroundings);
  }

  /** Oldest first. */
  get points(): readonly GroupPoint[] {
    return this.#points;
  }

  isDue(now: number): boolean {
    const last = this.#points.at(-1);
    return last === undefined || now - last.at >= POINT;
  }

  /** `instances`: without those that leave; `signals`: what the group goes by. */
  record(
    now: number,
    size: number,
    instances: readonly Omit<ManagedInstance, 'health'>[],
    signals: readonly SignalSpec[] = [],
  ): void {
    const others = signals.filter(isRecorded);
    const readings = this.#meters.read(now, instances, [REQUESTS, ...others]);
    const [requests = 0, ...rest] = readings.map(({ values }) => sumOf(values));
    const ready = instances.filter((one) => one.ready).length;
    const carried: Carried = Object.fromEntries(
      others.flatMap(({ kind }, at) => (rest[at] === undefined ? [] : [[kind, rest[at]]])),
    );
    const point = { at: now, size, ready, requests, ...(others.length > 0 && { carried }) };
    this.#points = [...this.#points, point].slice(-POINTS);
  }

  forget(id: string): void {
    this.#meters.forget(id);
  }
}

/** Undefined when nothing of it is known. */
function sumOf(values: readonly (number | undefined)[]): number | undefined {
  const known = values.filter((value) => value !== undefined);
  return known.length === 0 ? undefined : known.reduce((sum, value) => sum + value, 0);
}
