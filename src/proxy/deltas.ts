/**
 * Changes of routes and pools on their way to a worker. They lie in memory that both see, and a worker looks there before it
 * routes: so every request that comes after a change was published is routed by it, and nobody has to be woken before
 * the change is acknowledged.
 */
import { deserialize, serialize } from 'node:v8';
import { MessageChannel, type MessagePort, receiveMessageOnPort } from 'node:worker_threads';
import type { PoolDelta } from '../route/pool-spec.ts';
import type { RouteDelta } from '../route/spec.ts';

export type Delta =
  | { readonly type: 'routes'; readonly delta: RouteDelta }
  | { readonly type: 'pools'; readonly delta: PoolDelta };

/** A delta as bytes, the same for all workers. */
export type PackedDelta = Uint8Array;

export const pack = (delta: Delta): PackedDelta => serialize(delta);

/** The worker's end; the port has to be transferred. */
export interface DeltaEnd {
  /** For what the box has no room for. */
  readonly port: MessagePort;
  readonly shared: SharedArrayBuffer;
}

/** Bytes of the box: the changes of a turn of the loop are some hundred each. */
export const BOX = 64 * 1024;

/** Deltas are numbered from 1, and round. */
const CELLS = {
  /** The last that was sent. */
  sent: 0,
  /** The last that the worker has out of the box or the port. */
  taken: 1,
  /** The one that lies at the beginning of the box; others lie behind it, each after its length. */
  first: 2,
  /** From this one on they went by the port, until all were taken and the box begins anew. */
  byPort: 3,
} as const;

const CELL_BYTES = Object.keys(CELLS).length * Int32Array.BYTES_PER_ELEMENT;
const LENGTH_BYTES = 4;

const cellsOf = (shared: SharedArrayBuffer) => new Int32Array(shared, 0, CELL_BYTES / 4);
const boxOf = (shared: SharedArrayBuffer) => Buffer.from(shared, CELL_BYTES);

export class DeltaSender {
  readonly end: DeltaEnd;
  readonly #port: MessagePort;
  readonly #cells: Int32Array;
  readonly #box: Buffer;
  #sent = 0;
  #used = 0;
  #isFull = false;

  constructor() {
    const { port1, port2 } = new MessageChannel();
    this.#port = port1;
    const shared = new SharedArrayBuffer(CELL_BYTES + BOX);
    this.#cells = cellsOf(shared);
    this.#box = boxOf(shared);
    this.end = { port: port2, shared };
    // Answers come another way: nobody has to stay for it.
    port1.unref();
  }

  /** The worker finds it when it looks: whoever sends has to see that it does, also without traffic. */
  send(delta: PackedDelta): void {
    const number = (this.#sent + 1) | 0;
    // Nothing is read there: it can be written from the beginning.
    if (Atomics.load(this.#cells, CELLS.taken) === this.#sent) {
      this.#used = 0;
      this.#isFull = false;
      this.#cells[CELLS.first] = number;
    }
    if (!this.#isFull && this.#used + LENGTH_BYTES + delta.length > BOX) {
      // What comes behind it has to stay behind it.
      this.#isFull = true;
      this.#cells[CELLS.byPort] = number;
    }
    if (this.#isFull) {
      this.#port.postMessage(delta);
    } else {
      this.#used = this.#box.writeInt32LE(delta.length, this.#used);
      this.#box.set(delta, this.#used);
      this.#used += delta.length;
    }
    this.#sent = number;
    // Last: whoever sees the number finds the delta.
    Atomics.store(this.#cells, CELLS.sent, number);
  }
}

export class DeltaReceiver {
  readonly #port: MessagePort;
  readonly #cells: Int32Array;
  readonly #box: Buffer;
  readonly #apply: (delta: Delta) => void;
  #taken = 0;
  #at = 0;
  #isByPort = false;

  /** `apply` is called for each, in the order in which they were sent, and must not throw. */
  constructor({ port, shared }: DeltaEnd, apply: (delta: Delta) => void) {
    this.#port = port;
    this.#cells = cellsOf(shared);
    this.#box = boxOf(shared);
    this.#apply = apply;
  }

  /** Hot path, mostly one look: applies what was sent before now. */
  readonly catchUp = (): void => {
    while (Atomics.load(this.#cells, CELLS.sent) !== this.#taken) {
      const number = (this.#taken + 1) | 0;
      if (this.#cells[CELLS.first] === number) {
        this.#at = 0;
        this.#isByPort = false;
      }
      if (this.#cells[CELLS.byPort] === number) this.#isByPort = true;
      const delta = this.#isByPort ? this.#fromPort() : this.#fromBox();
      this.#taken = number;
      Atomics.store(this.#cells, CELLS.taken, number);
      this.#apply(delta);
    }
  };

  #fromBox(): Delta {
    const start = this.#at + LENGTH_BYTES;
    this.#at = start + this.#box.readInt32LE(this.#at);
    // A copy: the box is written anew while what was made of it lives.
    return deserialize(Buffer.from(this.#box.subarray(start, this.#at)));
  }

  #fromPort(): Delta {
    return deserialize(receiveMessageOnPort(this.#port)?.message);
  }
}
