/** Sending through a socket. Hot path: nothing is allocated while the kernel takes everything at once. */
import { Socket } from 'node:net';
import { Prefixes, READ_SIZE, viewOf } from '../http1/memory.ts';
import type { HandleSocket } from './handle-socket.ts';
import { handleOf, type StreamHandle, streams, type WriteRequest } from './native-stream.ts';

/**
 * Where ranges are copied to before they are written: the same buffer for as long as the kernel takes everything at
 * once, another one as soon as a write is left pending and holds on to it.
 */
let staging = Buffer.allocUnsafeSlow(READ_SIZE);
let staged = new Prefixes(staging, 0);

function renewStaging(): void {
  staging = Buffer.allocUnsafeSlow(READ_SIZE);
  staged = new Prefixes(staging, 0);
}

/** Used for every write that the kernel takes at once, which leaves it as it was. */
let spare: WriteRequest | undefined = streams === undefined ? undefined : new streams.WriteWrap();

/** Everything that goes out through one socket. */
export interface ByteSender {
  /** Nothing of what was given is still needed. */
  readonly isEmpty: boolean;
  /** The socket is ready for it. */
  open(): void;
  /** Copies a range and sends it. False: hold the other side back until everything is sent. */
  send(memory: Uint8Array, start: number, end: number): boolean;
  /** Sends bytes that stay as they are until they are sent. False: hold the other side back until everything is sent. */
  give(bytes: Uint8Array): boolean;
  /** Half-closes behind everything sent. */
  end(): void;
  /** Closes behind everything sent. */
  finish(): void;
}

export class Sender implements ByteSender {
  readonly #socket: Socket | HandleSocket;
  /** The same, where it can be written to in the documented way. */
  readonly #stream: Socket | undefined;
  readonly #onDrained: () => void;
  #handle: StreamHandle | undefined;
  /** Direct writes that the kernel has not taken whole. */
  #pending = 0;

  /** `onDrained` is called when everything is sent after `send` or `give` said false. */
  constructor(socket: Socket | HandleSocket, onDrained: () => void) {
    this.#socket = socket;
    this.#onDrained = onDrained;
    this.#stream = socket instanceof Socket ? socket : undefined;
    this.#stream?.on('drain', onDrained);
  }

  open(): void {
    const socket = this.#socket;
    this.#handle = socket instanceof Socket ? handleOf(socket) : socket.handle;
  }

  /** Nothing waits for the kernel. */
  get isEmpty(): boolean {
    return this.#pending === 0 && (this.#stream?.writableLength ?? 0) === 0;
  }

  send(memory: Uint8Array, start: number, end: number): boolean {
    const length = end - start;
    if (length === 0) return true;
    return this.copy(viewOf(memory, start, end));
  }

  /** The same for a view, which is not empty. */
  protected copy(range: Uint8Array): boolean {
    const { length } = range;
    if (this.#handle === undefined || length > READ_SIZE) return this.give(Buffer.from(range));
    staging.set(range);
    const accepted = this.give(staged.ofLength(length));
    if (!accepted) renewStaging();
    return accepted;
  }

  give(bytes: Uint8Array): boolean {
    if (this.#handle === undefined || spare === undefined) {
      const stream = this.#stream!;
      return stream.write(bytes) || stream.writableLength === 0;
    }
    const failure = this.#handle.writeBuffer(spare, bytes);
    if (failure !== 0) {
      this.#socket.destroy(new Error('the peer does not take what is sent'));
      return true;
    }
    if (streams!.streamBaseState[streams!.kLastWriteWasAsync] === 0) return true;
    const request = spare;
    spare = new streams!.WriteWrap();
    request.bytes = bytes;
    request.oncomplete = (status) => this.#completed(status);
    this.#pending++;
    return false;
  }

  end(): void {
    this.#socket.end();
  }

  finish(): void {
    if (this.isEmpty) this.#socket.destroy();
    else this.#socket.destroySoon();
  }

  #completed(status: number): void {
    this.#pending--;
    if (this.#socket.destroyed) return;
    if (status < 0) this.#socket.destroy(new Error('the peer does not take what is sent'));
    else if (this.#pending === 0) this.#onDrained();
  }
}
