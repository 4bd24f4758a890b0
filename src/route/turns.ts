import { SHARED_SLOT } from './slots.ts';

/** Where the turn of a route is counted: index `turn` of `turns`. */
export interface Turn {
  readonly turns: Int32Array;
  readonly turn: number;
}

const BLOCK = 1_024;

/**
 * Turns of a worker's routes. Those with a slot of their own take them together with the other workers; the others would skip some of
 * their targets if they shared one, so each gets one in a block of this worker's.
 */
export class Turns {
  readonly #shared: Int32Array;
  #block = new Int32Array(0);
  #used = 0;
  readonly #free: Turn[] = [];

  constructor(shared: Int32Array) {
    this.#shared = shared;
  }

  /** `known`: what the route has now. */
  take(slot: number, known: Turn | undefined): Turn {
    if (slot !== SHARED_SLOT && slot < this.#shared.length) {
      if (known?.turns === this.#shared && known.turn === slot) return known;
      this.release(known);
      return { turns: this.#shared, turn: slot };
    }
    if (known !== undefined && known.turns !== this.#shared) return known;
    const free = this.#free.pop();
    if (free !== undefined) return free;
    if (this.#used === this.#block.length) {
      this.#block = new Int32Array(BLOCK);
      this.#used = 0;
    }
    return { turns: this.#block, turn: this.#used++ };
  }

  /** The route is gone. */
  release(turn: Turn | undefined): void {
    if (turn !== undefined && turn.turns !== this.#shared) this.#free.push(turn);
  }
}
