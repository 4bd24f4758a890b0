import type { Socket } from 'node:net';

/** What an HTTP/2 client begins with (RFC 9113 §3.4); no HTTP/1.1 request can. */
const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 'latin1');

export interface PrefaceOptions {
  /** How long (ms) a client may take to show what it speaks. */
  readonly timeout: number;
  /** Nothing is taken from the socket: it can be read from the start. */
  readonly onHttp2: (socket: Socket) => void;
  /** To be taken over in the same turn; `first` has been read from it. */
  readonly onOther: (socket: Socket, first: Buffer) => void;
  /** The connection is gone. Of each accepted one of the three is told. */
  readonly onGone: () => void;
}

/** Tells clients that begin with HTTP/2 ("prior knowledge") from others by their first bytes. */
export class PrefaceReader {
  readonly #options: PrefaceOptions;
  /** With the time at which each is given up, the oldest first. */
  readonly #waiting = new Map<Socket, number>();

  constructor(options: PrefaceOptions) {
    this.#options = options;
  }

  get pending(): number {
    return this.#waiting.size;
  }

  accept(socket: Socket, now: number): void {
    const { onHttp2, onOther, onGone, timeout } = this.#options;
    let seen: Buffer = Buffer.alloc(0);
    this.#waiting.set(socket, now + timeout);
    const onData = (chunk: Buffer): void => {
      seen = seen.length === 0 ? chunk : Buffer.concat([seen, chunk]);
      const isLikely = seen.subarray(0, PREFACE.length).equals(PREFACE.subarray(0, seen.length));
      if (isLikely && seen.length < PREFACE.length) return;
      this.#waiting.delete(socket);
      socket.off('data', onData);
      socket.off('error', ignore);
      if (!isLikely) {
        onOther(socket, seen);
        return;
      }
      socket.pause();
      socket.unshift(seen);
      onHttp2(socket);
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

  /** Ends those that have not said anything. */
  close(): void {
    for (const socket of this.#waiting.keys()) socket.destroy();
  }
}

/** What matters about an error is said by the close that follows. */
function ignore(): void {}
