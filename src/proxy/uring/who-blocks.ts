/**
 * Which of a worker's two loops blocks in the kernel: the ring's, or Node's while that has something to do. What Node does in several
 * turns, one after the other, can be seen from outside only by who waits as libuv does (docs/decisions/0109).
 */
import { nodeTurn } from '../node-turn.ts';
import { nodeLoopEvents } from './node-loop.ts';
import type { Ring } from './ring.ts';

/** How many of its turns what Node was asked for may take, the last of which does something that can be seen from outside. */
const NODE_TURNS = 8;

export class WhoBlocks {
  /** Node's loop is the one, and the ring wakes it. */
  isNodes = false;
  readonly #ring: Ring;
  readonly #canWake: boolean;
  /** So many times more it is Node's. */
  #left = 0;
  /** What Node's loop had come upon when the ring's turned last, and the completions that there were then. */
  #events = 0;
  #completions = 0;
  /** The ring's next turn, where Node's loop is the one. */
  #next: NodeJS.Immediate | undefined;

  /** `canWake`: the ring signals what wakes Node's loop. */
  constructor(ring: Ring, canWake: boolean) {
    this.#ring = ring;
    this.#canWake = canWake;
    ring.signals = false;
  }

  /** The ring's loop turns. */
  begin(): void {
    // It has come: to be told that it is waited for now would count for ever.
    this.#next = undefined;
    const isNodes = this.#canWake && this.#left > 0;
    if (isNodes) this.#left--;
    if (isNodes === this.isNodes) return;
    this.isNodes = isNodes;
    this.#ring.signals = isNodes;
  }

  /** Node's loop has come upon something, of which more may follow. */
  nodeWoke(): void {
    this.#left = NODE_TURNS;
  }

  /** The ring's loop has turned, with so many completions: `turn` is called for its next turn, when Node's has turned. */
  end(completions: number, turn: () => void): void {
    const events = nodeLoopEvents();
    // One of them may be the ring's own.
    const rings = completions + this.#completions > 0 ? 1 : 0;
    if (nodeTurn.isDue || (this.isNodes && events - this.#events > rings)) this.nodeWoke();
    this.#events = events;
    this.#completions = completions;
    nodeTurn.isDue = false;
    const next = setImmediate(turn);
    // One that nobody has to wait for lets Node's loop block, and comes when that has turned.
    this.#next = this.isNodes ? next.unref() : undefined;
  }

  /** Something is to be done in the ring's next turn: it has to be waited for. */
  hurry(): void {
    this.#next?.ref();
  }
}
