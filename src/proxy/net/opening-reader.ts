import type { Socket } from 'node:net';

/** What one connection begins with, read piece by piece. */
export interface Opening<Outcome> {
  /** "invalid": the connection is to end. */
  read(piece: Buffer): Outcome | 'more' | 'invalid';
}

export interface OpeningReaderOptions<Outcome extends object> {
  readonly begin: () => Opening<Outcome>;
  /** How long (ms) an opening may take. */
  readonly timeout: number;
  /** To be taken over in the same turn; what was read is in the outcome. */
  readonly onRead: (socket: Socket, outcome: Outcome) => void;
  /** The connection is gone, or began with something else. Of each accepted one of the two is told. */
  readonly onGone: () => void;
}

/** Reads what connections begin with before it is known who is to have them. */
export class OpeningReader<Outcome extends object> {
  readonly #options: OpeningReaderOptions<Outcome>;
  /** With the time at which each is given up, the oldest first. */
  readonly #waiting = new Map<Socket, number>();

  constructor(options: OpeningReaderOptions<Outcome>) {
    this.#options = options;
  }

  get pending(): number {
    return this.#waiting.size;
  }

  accept(socket: Socket, now: number): void {
    const { begin, timeout, onRead, onGone } = this.#options;
    const opening = begin();
    this.#waiting.set(socket, now + timeout);
    const onData = (piece: Buffer): void => {
      const outcome = opening.read(piece);
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
