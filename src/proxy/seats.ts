import { clientCeiling } from './open-files.ts';
import type { Lack } from './shortage.ts';

/** How many clients a worker has, over all its listeners: each takes a seat before anything is done for it. */
export class Seats {
  #taken = 0;
  readonly #most: number;
  readonly #ceiling = clientCeiling();
  readonly #onLack: (lack: Lack) => void;

  constructor(most: number, onLack: (lack: Lack) => void) {
    this.#most = most;
    this.#onLack = onLack;
  }

  /** Clients at present. */
  get taken(): number {
    return this.#taken;
  }

  /** False: the connection is to be closed at once. `descriptor`: the accepted connection's, where it is known. */
  take(descriptor = 0): boolean {
    const isFull = this.#taken >= this.#most;
    if (isFull || descriptor >= this.#ceiling) {
      this.#onLack(isFull ? 'connections' : 'files');
      return false;
    }
    this.#taken++;
    return true;
  }

  /** A client that had one is gone. */
  free(): void {
    this.#taken--;
  }

  /** A connection could not be accepted at all. */
  refused(): void {
    this.#onLack('files');
  }
}
