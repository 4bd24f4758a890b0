import { Socket } from 'node:net';
import type { Accepted } from './accepted.ts';
import { streams } from './native-stream.ts';

/** What one connection begins with, read piece by piece. */
export interface Opening<Outcome> {
  /** "invalid": the connection is to end. */
  read(piece: Buffer): Outcome | 'more' | 'invalid';
}

export interface OpeningReaderOptions<Outcome extends object> {
  /** How long (ms) an opening may take. */
  readonly timeout: number;
  /** Nobody reads it any more; what was read is in the outcome. `deadline`: when it would have been given up. */
  readonly onRead: (connection: Accepted, outcome: Outcome, deadline: number) => void;
  /** The connection is gone, or began with something else. Of each accepted one of the two is told. */
  readonly onGone: () => void;
}

const NOTHING: Buffer = Buffer.alloc(0);

/** Reads what connections begin with before it is known who is to have them. */
export class OpeningReader<Outcome extends object> {
  readonly #options: OpeningReaderOptions<Outcome>;
  /** With the time at which each is given up, the oldest first. */
  readonly #waiting = new Map<Accepted, number>();

  constructor(options: OpeningReaderOptions<Outcome>) {
    this.#options = options;
  }

  get pending(): number {
    return this.#waiting.size;
  }

  /** `first`: what was read already. */
  accept(connection: Accepted, opening: Opening<Outcome>, now: number, first = NOTHING): void {
    const { timeout, onGone } = this.#options;
    this.#waiting.set(connection, now + timeout);
    if (connection instanceof Socket)
      connection.on('close', () => {
        if (this.#waiting.delete(connection)) onGone();
      });
    if (first.length > 0 && !this.#read(connection, opening, first)) return;
    if (connection instanceof Socket) this.#readSocket(connection, opening);
    else this.#readHandle(connection, opening);
  }

  /** False: it is not to be read any more. */
  #read(connection: Accepted, opening: Opening<Outcome>, piece: Buffer): boolean {
    const outcome = opening.read(piece);
    if (outcome === 'more') return true;
    if (outcome === 'invalid') {
      this.#end(connection);
      return false;
    }
    const deadline = this.#waiting.get(connection)!;
    this.#waiting.delete(connection);
    this.#options.onRead(connection, outcome, deadline);
    return false;
  }

  #readHandle(handle: Exclude<Accepted, Socket>, opening: Opening<Outcome>): void {
    const { streamBaseState, kReadBytesOrError, kArrayBufferOffset } = streams!;
    handle.onread = (bytes) => {
      const length = streamBaseState[kReadBytesOrError]!;
      if (length === 0 || !this.#waiting.has(handle)) return;
      if (length < 0) {
        this.#end(handle);
        return;
      }
      const piece = Buffer.from(bytes as ArrayBuffer, streamBaseState[kArrayBufferOffset], length);
      // Before it is somebody else's: what is stopped and started again in one turn costs no system call.
      handle.readStop();
      if (this.#read(handle, opening, piece)) handle.readStart();
    };
    handle.readStart();
  }

  #readSocket(socket: Socket, opening: Opening<Outcome>): void {
    const onData = (piece: Buffer): void => {
      socket.off('data', onData);
      socket.pause();
      if (!this.#read(socket, opening, piece)) return;
      socket.on('data', onData);
      socket.resume();
    };
    socket.on('error', ignore);
    socket.on('end', () => {
      if (this.#waiting.has(socket)) socket.destroy();
    });
    socket.on('data', onData);
  }

  #end(connection: Accepted): void {
    if (connection instanceof Socket) connection.destroy();
    else if (this.#waiting.delete(connection)) connection.close(this.#options.onGone);
  }

  sweep(now: number): void {
    for (const [connection, deadline] of this.#waiting) {
      if (deadline > now) return;
      this.#end(connection);
    }
  }

  /** Ends those that have not said enough. */
  close(): void {
    for (const connection of this.#waiting.keys()) this.#end(connection);
  }
}

/** What matters about an error is said by the close that follows. */
function ignore(): void {}
