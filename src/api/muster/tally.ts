import { type InstanceView, type ServiceView, STATES, type State } from './wire.ts';

interface Counts {
  name: string;
  instances: number;
  states: Map<State, number>;
  tags: Map<string, number>;
  changedAt: number | null;
}

/**
 * Sums up instances by service, counted up and down with each change: one instance of a service of thousands
 * may change without the others being looked at.
 */
export class Tally {
  readonly #services = new Map<string, Counts>();

  /** Takes an instance from what it was to what it is. `at` is null for what was there from the start. */
  move(before: InstanceView | undefined, after: InstanceView | undefined, at: number | null): void {
    if (before !== undefined) this.#count(before, -1, at);
    if (after !== undefined) this.#count(after, 1, at);
  }

  /** Undefined when the service has no instance any more. */
  view(service: string): ServiceView | undefined {
    const key = service.toLowerCase();
    const counts = this.#services.get(key);
    if (counts === undefined) return undefined;
    if (counts.instances === 0) {
      this.#services.delete(key);
      return undefined;
    }
    const states: Partial<Record<State, number>> = {};
    for (const state of STATES) {
      const count = counts.states.get(state);
      if (count !== undefined) states[state] = count;
    }
    const { name, instances, changedAt } = counts;
    return { key, name, tags: [...counts.tags.keys()].sort(), instances, states, changedAt };
  }

  #count({ service, state, tags }: InstanceView, by: 1 | -1, at: number | null): void {
    const key = service.toLowerCase();
    let counts = this.#services.get(key);
    if (counts === undefined) {
      counts = { name: service, instances: 0, states: new Map(), tags: new Map(), changedAt: at };
      this.#services.set(key, counts);
    }
    counts.instances += by;
    bump(counts.states, state, by);
    for (const tag of new Set(tags)) bump(counts.tags, tag, by);
    if (at !== null) counts.changedAt = at;
  }
}

function bump<Key>(counts: Map<Key, number>, key: Key, by: number): void {
  const count = (counts.get(key) ?? 0) + by;
  if (count === 0) counts.delete(key);
  else counts.set(key, count);
}
