/**
 * A connection by libuv's handle alone. `net.Socket` on top of it is two streams, a dozen listeners and several turns of the
 * event loop from its construction to its end, which is as much as all the rest of a short connection.
 */
import { type ShutdownRequest, type StreamHandle, streams } from './native-stream.ts';

/** What is used of a TCP handle. Calls answer 0, or a negative error number. */
export interface TcpHandle extends StreamHandle {
  useUserBuffer(buffer: Uint8Array): void;
  readStart(): number;
  readStop(): number;
  shutdown(request: ShutdownRequest): number;
  close(onClosed: () => void): void;
  reset(onClosed: () => void): number;
  getpeername(out: Partial<Place>): number;
  getsockname(out: Partial<Place>): number;
  /** What it writes to, when that is a handle itself. */
  below?: StreamHandle;
}

/** Where an end of a connection is. */
interface Place {
  address: string;
  port: number;
}

/** What its owner hears. */
export interface HandleEvents {
  /** So many bytes lie at the front of the buffer. A buffer that is answered is what is read into from now on. */
  received(length: number): Uint8Array | undefined;
  /** The peer sent FIN. */
  ended(): void;
  /** It is gone. `isClean`: without an error. */
  closed(isClean: boolean): void;
}

const METHODS = [
  'useUserBuffer',
  'readStart',
  'readStop',
  'shutdown',
  'close',
  'reset',
  'getpeername',
  'getsockname',
] as const satisfies readonly (keyof TcpHandle)[];

/** Whether all that is used is there: it is not documented. */
export function isTcpHandle(handle: object): handle is TcpHandle {
  const { writeBuffer } = handle as Partial<TcpHandle>;
  if (streams === undefined || typeof writeBuffer !== 'function') return false;
  return METHODS.every((name) => typeof (handle as Partial<TcpHandle>)[name] === 'function');
}

/** libuv's UV_EOF, the same everywhere. */
const END_OF_FILE = -4_095;

/** How far its own direction is. */
const OPEN = 0;
const ENDING = 1;
const ENDED = 2;

export class HandleSocket {
  readonly handle: TcpHandle;
  destroyed = false;
  readonly #events: HandleEvents;
  #peer: Partial<Place> | undefined;
  #hasEnded = false;
  #own = OPEN;
  /** It closes once its own direction has ended. */
  #isFinishing = false;
  #isClean = true;

  /** Reads once it is resumed. */
  constructor(handle: TcpHandle, buffer: Uint8Array, events: HandleEvents) {
    this.handle = handle;
    this.#events = events;
    handle.useUserBuffer(buffer);
    const { streamBaseState, kReadBytesOrError } = streams!;
    handle.onread = () => this.#read(streamBaseState[kReadBytesOrError]!);
  }

  #read(outcome: number): Uint8Array | undefined {
    if (this.destroyed || outcome === 0) return undefined;
    if (outcome > 0) return this.#events.received(outcome);
    if (outcome !== END_OF_FILE) this.#fail();
    else {
      this.#hasEnded = true;
      this.#events.ended();
      if (this.#own === ENDED) this.destroy();
    }
    return undefined;
  }

  /** Its own direction has not ended. */
  get writable(): boolean {
    return this.#own === OPEN && !this.destroyed;
  }

  get remoteAddress(): string | undefined {
    return this.#whoIsThere().address;
  }

  get remotePort(): number | undefined {
    return this.#whoIsThere().port;
  }

  get localAddress(): string | undefined {
    return this.#ownPlace().address;
  }

  get localPort(): number | undefined {
    return this.#ownPlace().port;
  }

  #ownPlace(): Partial<Place> {
    const own: Partial<Place> = {};
    if (!this.destroyed) this.handle.getsockname(own);
    return own;
  }

  #whoIsThere(): Partial<Place> {
    if (this.#peer === undefined) {
      this.#peer = {};
      if (!this.destroyed) this.handle.getpeername(this.#peer);
    }
    return this.#peer;
  }

  pause(): void {
    if (!this.destroyed) this.handle.readStop();
  }

  resume(): void {
    if (!this.destroyed && !this.#hasEnded) this.handle.readStart();
  }

  /** Half-closes behind everything sent; closes when the peer has ended too. */
  end(): void {
    if (this.destroyed || this.#own !== OPEN) return;
    this.#own = ENDING;
    const request = new streams!.ShutdownWrap();
    request.oncomplete = (status) => {
      this.#own = ENDED;
      if (status < 0) this.#fail();
      else if (this.#hasEnded || this.#isFinishing) this.destroy();
    };
    if (this.handle.shutdown(request) !== 0) this.#fail();
  }

  /** Closes behind everything sent. */
  destroySoon(): void {
    this.#isFinishing = true;
    if (this.#own === OPEN) this.end();
    // Nothing waits for the kernel: closing says the same as half-closing before it.
    const { below = this.handle } = this.handle;
    if (this.#own === ENDED || below.writeQueueSize === 0) this.destroy();
  }

  #fail(): void {
    this.#isClean = false;
    this.destroy();
  }

  /** `why`: it is no clean end. */
  destroy(why?: Error): void {
    if (this.destroyed) return;
    this.destroyed = true;
    if (why !== undefined) this.#isClean = false;
    this.handle.close(this.#closed);
  }

  /** So that the peer sees an error. */
  resetAndDestroy(): void {
    if (this.destroyed) return;
    this.destroyed = true;
    // While a shutdown waits for what is written libuv resets nothing, and Node takes the handle for closed all the same.
    if (this.#own === ENDING || this.handle.reset(this.#closed) !== 0) this.handle.close(this.#closed);
  }

  readonly #closed = () => this.#events.closed(this.#isClean);
}
