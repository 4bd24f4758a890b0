import type { TargetState } from './balancer.ts';
import { freshState, succeeded } from './ejection.ts';
import { measure } from './measure.ts';
import { SharedState, type StateCells } from './shared-state.ts';

/** The slot of instances that found none of their own: what it counts is nobody's. */
const SHARED_SLOT = 0;

interface Known {
  readonly host: string;
  readonly port: number;
  readonly manner: string;
  readonly state: TargetState;
  uses: number;
  /** The same instance at another address, or spoken to in another manner: rare, so not worth a list for each. */
  next: Known | undefined;
}

/**
 * States of all instances that some route of the worker leads to. An instance in several routes has one state; it lives as
 * long as one route leads to it, whatever tables come and go.
 */
export class TargetStates {
  /** By id; one that is known in several ways leads to the next. */
  readonly #states = new Map<string, Known>();
  readonly #onGone: (state: TargetState) => void;
  readonly #cells: StateCells | undefined;

  /** `onGone` is told when nothing leads to an instance any more. `cells`: shared with the other workers. */
  constructor(onGone: (state: TargetState) => void = () => {}, cells?: StateCells) {
    this.#onGone = onGone;
    this.#cells = cells;
  }

  get size(): number {
    let size = 0;
    for (const _ of this.#all()) size++;
    return size;
  }

  *#all(): Iterable<Known> {
    for (const first of this.#states.values())
      for (let known: Known | undefined = first; known !== undefined; known = known.next) yield known;
  }

  #find(id: string, host: string, port: number, manner: string): Known | undefined {
    let known = this.#states.get(id);
    while (known !== undefined && !(known.host === host && known.port === port && known.manner === manner))
      known = known.next;
    return known;
  }

  /**
   * The state of an instance, for one more user of it. `manner` is how it is spoken to: what is known of it, and what is
   * open to it, in one manner says nothing about another. An instance that comes back at another address begins anew:
   * what was held against the old address says nothing about the new one. `slot`: of its counters.
   */
  take(id: string, host: string, port: number, manner = '', slot = SHARED_SLOT): TargetState {
    const known = this.#find(id, host, port, manner);
    if (known !== undefined) {
      known.uses++;
      return known.state;
    }
    const isOwn = this.#cells !== undefined && slot !== SHARED_SLOT;
    const state = isOwn ? new SharedState(this.#cells, slot) : freshState();
    this.#states.set(id, { host, port, manner, state, uses: 1, next: this.#states.get(id) });
    return state;
  }

  /**
   * To be called about once a second with the time since the last call (ms): brings up to date what is measured, and
   * lets it fade, so that who was slow or busy once is asked again.
   */
  tick(elapsed: number): void {
    for (const { state } of this.#all()) measure(state, elapsed);
  }

  /** One user less. */
  release(id: string, host: string, port: number, manner = ''): void {
    const known = this.#find(id, host, port, manner);
    if (known === undefined || --known.uses > 0) return;
    this.#remove(id, known);
    this.#onGone(known.state);
    // Its cells may be given to another instance.
    succeeded(known.state);
    known.state.returnedAt = 0;
  }

  #remove(id: string, gone: Known): void {
    const first = this.#states.get(id);
    if (first === gone) {
      if (gone.next === undefined) this.#states.delete(id);
      else this.#states.set(id, gone.next);
      return;
    }
    for (let known = first; known !== undefined; known = known.next)
      if (known.next === gone) known.next = gone.next;
  }
}
