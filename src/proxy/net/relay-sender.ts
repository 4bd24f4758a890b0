import type { Socket } from 'node:net';
import { Prefixes } from '../http1/memory.ts';
import type { HandleSocket } from './handle-socket.ts';
import { Sender } from './sender.ts';

/** Less than this is copied before it is written: a copy costs less than holding its buffer. */
const COPIED = 16_384;

/** Of what all sockets read into; there is one of it in a worker. */
let incoming: Prefixes | undefined;
let incomingIn: Buffer | undefined;

/** Passes on what was read by a `BulkReader`. */
export class RelaySender extends Sender {
  readonly #shared: Buffer;
  readonly #incoming: Prefixes;

  constructor(socket: Socket | HandleSocket, shared: Buffer, onDrained: () => void) {
    super(socket, onDrained);
    this.#shared = shared;
    if (incoming === undefined || incomingIn !== shared) {
      incoming = new Prefixes(shared, 0);
      incomingIn = shared;
    }
    this.#incoming = incoming;
  }

  override send(bytes: Uint8Array, start: number, end: number): boolean {
    const length = end - start;
    if (length === 0) return true;
    if (bytes === this.#shared && start === 0) return this.copy(this.#incoming.ofLength(length));
    const range = bytes.subarray(start, end);
    return length < COPIED ? this.copy(range) : this.give(range);
  }
}
