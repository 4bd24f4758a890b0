import { openFiles } from './open-files.ts';
import type { Lack } from './shortage.ts';
import { SpareDescriptor } from './spare-descriptor.ts';

/** How many clients a worker has, over all its listeners: each takes a seat before anything is done for it. */
export class Seats {
  /** For newcomers who find no descriptor. */
  readonly spare = new SpareDescriptor();
  #taken = 0;
  readonly #most: number;
  readonly #onLack: (lack: Lack) => void;
  readonly #makeRoom: () => void;

  /** `makeRoom`: ends what nobody needs at once, and nobody misses. */
  constructor(most: number, onLack: (lack: Lack) => void, makeRoom: () => void = () => {}) {
    this.#most = most;
    this.#onLack = onLack;
    this.#makeRoom = makeRoom;
  }

  /** Clients at present. */
  get taken(): number {
    return this.#taken;
  }

  /** False: the connection is to be closed at once. `descriptor`: the accepted connection's, where it is known. */
  take(descriptor = 0): boolean {
    const isFull = this.#taken >= this.#most;
    if (isFull || !openFiles.areLeftForClients(descriptor)) {
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

  /** A connection could not be accepted, or only to be closed. */
  refused(lack: Lack): void {
    this.#onLack(lack);
  }

  /** There is no descriptor to refuse newcomers with, and nothing else can happen before they are. */
  makeRoom(): void {
    this.#makeRoom();
  }
}
