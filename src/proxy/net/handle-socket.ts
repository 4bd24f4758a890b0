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
  getpeername(out: Partial<Peer>): number;
}

interface Peer {
  address: string;
  port: number;
}

/** What its owner hears. */
export interface HandleEvents {
  /** So many bytes lie at the front of the buffer. */
  received(length: number): void;
  /** The peer sent FIN. */
  ended(): void;
  /** It is gone. */
  closed(): void;
}

const METHODS = [
  'useUserBuffer',
  'readStart',
  'readStop',
  'shutdown',
  'close',
  'reset',
  'getpeername',
] as const;

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
  #peer: Partial<Peer> | undefined;
  #hasEnded = false;
  #own = OPEN;
  /** It closes once its own direction has ended. */
  #isFinishing = false;

  /** Reads once it is resumed. */
  constructor(handle: TcpHandle, buffer: Uint8Array, events: HandleEvents) {
    this.handle = handle;
    this.#events = events;
    handle.useUserBuffer(buffer);
    const { streamBaseState, kReadBytesOrError } = streams!;
    handle.onread = () => this.#read(streamBaseState[kReadBytesOrError]!);
  }

  #read(outcome: number): undefined {
    if (this.destroyed || outcome === 0) return;
    if (outcome > 0) this.#events.received(outcome);
    else if (outcome !== END_OF_FILE) this.destroy();
    else {
      this.#hasEnded = true;
      this.#events.ended();
      if (this.#own === ENDED) this.destroy();
    }
  }

  get remoteAddress(): string | undefined {
    return this.#whoIsThere().address;
  }

  get remotePort(): number | undefined {
    return this.#whoIsThere().port;
  }

  #whoIsThere(): Partial<Peer> {
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
      if (status < 0 || this.#hasEnded || this.#isFinishing) this.destroy();
    };
    if (this.handle.shutdown(request) !== 0) this.destroy();
  }

  /** Closes behind everything sent. */
  destroySoon(): void {
    this.#isFinishing = true;
    if (this.#own === ENDED) this.destroy();
    else this.end();
  }

  /** Nobody asks why. */
  destroy(_why?: Error): void {
    if (this.destroyed) return;
    this.destroyed = true;
    this.handle.close(this.#closed);
  }

  /** So that the peer sees an error. */
  resetAndDestroy(): void {
    if (this.destroyed) return;
    this.destroyed = true;
    if (this.handle.reset(this.#closed) !== 0) this.handle.close(this.#closed);
  }

  readonly #closed = () => this.#events.closed();
}
