/**
 * Reading for relays. Small reads go into the buffer that all sockets share, and are copied when they are passed on. A socket that
 * brings much gets a buffer of its own for a while: what is in it is passed on as it lies, since the socket is held back until
 * a pending write from it has gone out.
 */
import type { Socket } from 'node:net';
import { handleOf, streams } from './native-stream.ts';

/** A read of so many bytes is the beginning of more. Copying less costs less than another buffer. */
const MUCH = 16_384;
/** Twice what a socket's receive buffer holds at first: one read, one write for it. */
const OWN_SIZE = 131_072;
/** After so many small reads the buffer is given back. */
const QUIET_READS = 16;
/** Buffers kept for the next socket that brings much. */
const KEPT = 32;

const kept: Buffer[] = [];

export class BulkReader {
  /** What the next read goes into, and the present one lies in. */
  buffer: Buffer;
  readonly #shared: Buffer;
  readonly #received: (bytes: Buffer, length: number) => void;
  #quiet = 0;

  /** `received` passes the bytes on, or copies them, before it returns. */
  constructor(shared: Buffer, received: (bytes: Buffer, length: number) => void) {
    this.#shared = shared;
    this.buffer = shared;
    this.#received = received;
  }

  /** For sockets made with `onread`, whose callback stays in use where there is no direct way. */
  get onread(): { buffer: Buffer; callback: (length: number) => boolean } {
    return {
      buffer: this.#shared,
      callback: (length) => {
        this.#received(this.#shared, length);
        return true;
      },
    };
  }

  /** Reads past the bookkeeping of `net.Socket`, which goes on seeing ends and errors. */
  attach(socket: Socket): void {
    const handle = handleOf(socket);
    if (handle === undefined || typeof handle.onread !== 'function') return;
    const { streamBaseState, kReadBytesOrError } = streams!;
    const usual = handle.onread;
    const reader = this;
    handle.onread = function (bytes) {
      const outcome = streamBaseState[kReadBytesOrError]!;
      return outcome > 0 ? reader.read(outcome) : usual.call(this, bytes);
    };
  }

  /** So many bytes lie at the front of `buffer`. What it answers with is what libuv reads into from now on, if anything. */
  read(length: number): Buffer | undefined {
    this.#received(this.buffer, length);
    return this.#settle(length);
  }

  /** The socket is closed. `isHeld`: a write from the buffer may still be pending. */
  release(isHeld: boolean): void {
    if (this.buffer !== this.#shared && !isHeld && kept.length < KEPT) kept.push(this.buffer);
    this.buffer = this.#shared;
  }

  #settle(length: number): Buffer | undefined {
    if (this.buffer === this.#shared) {
      if (length < MUCH) return undefined;
      this.#quiet = 0;
      this.buffer = kept.pop() ?? Buffer.allocUnsafeSlow(OWN_SIZE);
      return this.buffer;
    }
    if (length >= MUCH) {
      this.#quiet = 0;
      return undefined;
    }
    if (++this.#quiet < QUIET_READS) return undefined;
    // Small writes from it are copied as well, so nothing is pending that lies in it.
    this.release(false);
    return this.buffer;
  }
}
