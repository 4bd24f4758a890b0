import { formatHostPort } from '../lib/host-port.ts';
import type { TargetState } from './balancer.ts';
import { freshState } from './ejection.ts';
import { measure } from './measure.ts';

/**
 * States of all instances that some route of the worker leads to. An instance in several routes has one state; it lives as
 * long as one route leads to it, whatever tables come and go.
 */
export class TargetStates {
  readonly #states = new Map<string, { state: TargetState; uses: number }>();
  readonly #onGone: (state: TargetState) => void;

  /** `onGone` is told when nothing leads to an instance any more. */
  constructor(onGone: (state: TargetState) => void = () => {}) {
    this.#onGone = onGone;
  }

  get size(): number {
    return this.#states.size;
  }

  /**
   * The state of an instance, for one more user of it. `manner` is how it is spoken to: what is known of it, and what is
   * open to it, in one manner says nothing about another. An instance that comes back at another address begins anew:
   * what was held against the old address says nothing about the new one.
   */
  take(id: string, host: string, port: number, manner = ''): TargetState {
    const key = keyOf(id, host, port, manner);
    const known = this.#states.get(key);
    if (known !== undefined) {
      known.uses++;
      return known.state;
    }
    const state = freshState();
    this.#states.set(key, { state, uses: 1 });
    return state;
  }

  /**
   * To be called about once a second with the time since the last call (ms): brings up to date what is measured, and
   * lets it fade, so that who was slow or busy once is asked again.
   */
  tick(elapsed: number): void {
    for (const { state } of this.#states.values()) measure(state, elapsed);
  }

  /** One user less. */
  release(id: string, host: string, port: number, manner = ''): void {
    const key = keyOf(id, host, port, manner);
    const known = this.#states.get(key);
    if (known === undefined || --known.uses > 0) return;
    this.#states.delete(key);
    this.#onGone(known.state);
  }
}

function keyOf(id: string, host: string, port: number, manner: string): string {
  return `${id} ${formatHostPort(host, port)} ${manner}`;
}
