import type { Socket } from 'node:net';
import { Prelude, type PreludeOutcome } from '../tcp/prelude.ts';

export interface PreludeReaderOptions {
  /** Connections begin with a PROXY header. */
  readonly wantsHeader: boolean;
  /** They go on with the hello of a TLS client. */
  readonly wantsHello: boolean;
  /** How long (ms) all of that may take. */
  readonly timeout: number;
  /** To be taken over in the same turn; `outcome.rest` has been read from it. */
  readonly onRead: (socket: Socket, outcome: PreludeOutcome) => void;
  /** The connection is gone, or began with something else. Of each accepted one of the two is told. */
  readonly onGone: () => void;
}

/** Reads what connections begin with before it is known who is to have them. */
export class PreludeReader {
  readonly #options: PreludeReaderOptions;
  /** With the time at which each is given up, the oldest first. */
  readonly #waiting = new Map<Socket, number>();

  constructor(options: PreludeReaderOptions) {
    this.#options = options;
  }

  get pending(): number {
    return this.#waiting.size;
  }

  accept(socket: Socket, now: number): void {
    const { wantsHeader, wantsHello, timeout, onRead, onGone } = this.#options;
    const prelude = new Prelude(wantsHeader, wantsHello);
    this.#waiting.set(socket, now + timeout);
    const onData = (chunk: Buffer): void => {
      const outcome = prelude.read(chunk);
      if (outcome === 'more') return;
      if (outcome === 'invalid') {
        socket.destroy();
        return;
      }
      this.#waiting.delete(socket);
      socket.off('data', onData);
      socket.off('error', ignore);
      onRead(socket, outcome);
    };
    socket.on('error', ignore);
    socket.on('data', onData);
    socket.on('end', () => {
      if (this.#waiting.has(socket)) socket.destroy();
    });
    socket.on('close', () => {
      if (this.#waiting.delete(socket)) onGone();
    });
  }

  sweep(now: number): void {
    for (const [socket, deadline] of this.#waiting) {
      if (deadline > now) return;
      socket.destroy();
    }
  }

  /** Ends those that have not said enough. */
  close(): void {
    for (const socket of this.#waiting.keys()) socket.destroy();
  }
}

/** What matters about an error is said by the close that follows. */
function ignore(): void {}
