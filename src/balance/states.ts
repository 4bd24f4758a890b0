import { formatHostPort } from '../lib/host-port.ts';
import type { TargetState } from './balancer.ts';
import { freshState, succeeded } from './ejection.ts';
import { measure } from './measure.ts';
import { SharedState, type StateCells } from './shared-state.ts';

/** The slot of instances that found none of their own: what it counts is nobody's. */
const SHARED_SLOT = 0;

/**
 * States of all instances that some route of the worker leads to. An instance in several routes has one state; it lives as
 * long as one route leads to it, whatever tables come and go.
 */
export class TargetStates {
  readonly #states = new Map<string, { state: TargetState; uses: number }>();
  readonly #onGone: (state: TargetState) => void;
  readonly #cells: StateCells | undefined;

  /** `onGone` is told when nothing leads to an instance any more. `cells`: shared with the other workers. */
  constructor(onGone: (state: TargetState) => void = () => {}, cells?: StateCells) {
    this.#onGone = onGone;
    this.#cells = cells;
  }

  get size(): number {
    return this.#states.size;
  }

  /**
   * The state of an instance, for one more user of it. `manner` is how it is spoken to: what is known of it, and what is
   * open to it, in one manner says nothing about another. An instance that comes back at another address begins anew:
   * what was held against the old address says nothing about the new one. `slot`: of its counters.
   */
  take(id: string, host: string, port: number, manner = '', slot = SHARED_SLOT): TargetState {
    const key = keyOf(id, host, port, manner);
    const known = this.#states.get(key);
    if (known !== undefined) {
      known.uses++;
      return known.state;
    }
    const isOwn = this.#cells !== undefined && slot !== SHARED_SLOT;
    const state = isOwn ? new SharedState(this.#cells, slot) : freshState();
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
    // Its cells may be given to another instance.
    succeeded(known.state);
    known.state.returnedAt = 0;
  }
}

function keyOf(id: string, host: string, port: number, manner: string): string {
  return `${id} ${formatHostPort(host, port)} ${manner}`;
}
