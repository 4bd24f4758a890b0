/** The last hour of a group. */
import { Meters } from './meters.ts';
import type { Surroundings } from './surroundings.ts';
import type { GroupPoint, ManagedInstance } from './view.ts';

/** Time between two points, and how many there are: an hour. */
const POINT = 10_000;
const POINTS = 360;

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

  /** `instances`: without those that leave. */
  record(now: number, size: number, instances: readonly Omit<ManagedInstance, 'health'>[]): void {
    const [reading] = this.#meters.read(now, instances, [{ kind: 'requests_per_second', target: 1 }]);
    const requests = (reading?.values ?? []).reduce<number>((sum, value) => sum + (value ?? 0), 0);
    const ready = instances.filter((one) => one.ready).length;
    this.#points = [...this.#points, { at: now, size, ready, requests }].slice(-POINTS);
  }

  forget(id: string): void {
    this.#meters.forget(id);
  }
}
