import type { Socket } from 'node:net';
import { Sender } from './sender.ts';

/** Less than this is copied before it is written: a copy costs less than holding its buffer. */
const COPIED = 16_384;

/** Passes on what was read by a `BulkReader`. */
export class RelaySender extends Sender {
  readonly #shared: Buffer;

  constructor(socket: Socket, shared: Buffer, onDrained: () => void) {
    super(socket, onDrained);
    this.#shared = shared;
  }

  override send(bytes: Uint8Array, start: number, end: number): boolean {
    if (bytes === this.#shared || end - start < COPIED) return super.send(bytes, start, end);
    return this.give(bytes.subarray(start, end));
  }
}
