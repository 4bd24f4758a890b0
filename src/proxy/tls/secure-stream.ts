/**
 * A TLS socket's own handle, written past `stream.Duplex` as `net/sender.ts` does with plain ones. What is
 * given to it is encrypted before the call returns, so nothing is kept of it; but it takes one write at a time.
 */
import { TLSSocket } from 'node:tls';
import { Queue } from '../areas.ts';
import { READ_SIZE, viewOf } from '../http1/memory.ts';
import type { HandleSocket } from '../net/handle-socket.ts';
import { handleOf, type StreamHandle, streams } from '../net/native-stream.ts';
import type { ByteSender } from '../net/sender.ts';

/** So much may wait for the write before it; then the other side is held back. */
const PATIENCE = 2 * READ_SIZE;

const OPEN = 0;
/** Half-close behind everything sent. */
const ENDING = 1;
/** Close behind everything sent. */
const FINISHING = 2;

export class SecureSender implements ByteSender {
  readonly #socket: TLSSocket | HandleSocket;
  /** The same, where it can be written to in the documented way. */
  readonly #stream: TLSSocket | undefined;
  readonly #onDrained: () => void;
  #handle: StreamHandle | undefined;
  /** A write has not come back yet. */
  #isBusy = false;
  /** What waits for it. */
  readonly #waiting = new Queue();
  /** Somebody was told to wait. */
  #isHeld = false;
  #end = OPEN;

  constructor(socket: TLSSocket | HandleSocket, onDrained: () => void) {
    this.#socket = socket;
    this.#onDrained = onDrained;
    this.#stream = socket instanceof TLSSocket ? socket : undefined;
    this.#stream?.on('drain', onDrained);
  }

  open(): void {
    const socket = this.#socket;
    this.#handle = socket instanceof TLSSocket ? handleOf(socket) : socket.handle;
  }

  /** Nothing of what was given is still needed. */
  get isEmpty(): boolean {
    return this.#waiting.length === 0 && (this.#stream?.writableLength ?? 0) === 0;
  }

  send(memory: Uint8Array, start: number, end: number): boolean {
    if (end === start) return true;
    const range = viewOf(memory, start, end);
    return this.give(this.#handle === undefined ? Buffer.from(range) : range);
  }

  give(bytes: Uint8Array): boolean {
    if (this.#handle === undefined) return this.#stream!.write(bytes);
    if (!this.#isBusy) return this.#write(bytes);
    this.#waiting.append(bytes, 0, bytes.length);
    if (this.#waiting.length < PATIENCE) return true;
    this.#isHeld = true;
    return false;
  }

  end(): void {
    if (this.#isBusy) this.#end = Math.max(this.#end, ENDING);
    else this.#socket.end();
  }

  finish(): void {
    if (this.#isBusy) this.#end = FINISHING;
    else this.#socket.destroySoon();
  }

  #write(bytes: Uint8Array): boolean {
    const request = new streams!.WriteWrap();
    request.oncomplete = this.#completed;
    this.#isBusy = true;
    if (this.#handle!.writeBuffer(request, bytes) !== 0)
      this.#socket.destroy(new Error('the peer does not take what is sent'));
    return true;
  }

  readonly #completed = (status: number): void => {
    this.#isBusy = false;
    if (this.#socket.destroyed) {
      this.#waiting.clear();
      return;
    }
    if (status < 0) {
      this.#socket.destroy(new Error('the peer does not take what is sent'));
      return;
    }
    if (this.#waiting.length > 0) {
      const { bytes, from, to } = this.#waiting;
      this.#write(bytes.subarray(from, to));
      this.#waiting.clear();
    } else if (this.#end !== OPEN) {
      if (this.#end === FINISHING) this.#socket.destroySoon();
      else this.#socket.end();
      return;
    }
    if (!this.#isHeld) return;
    this.#isHeld = false;
    this.#onDrained();
  };
}
