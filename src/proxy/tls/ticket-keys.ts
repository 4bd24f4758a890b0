import { randomBytes } from 'node:crypto';

const BYTES = 48;
/** How long (ms) they are used: who steals them reads no session that began before or after. */
const ROTATION = 12 * 3_600_000;

/** The keys that protect session tickets: the same on all workers, so that any of them goes on with a session. */
export class TicketKeys {
  #current: Uint8Array = randomBytes(BYTES);
  readonly #rotation: NodeJS.Timeout;

  /** `onRotated`: there are others now. */
  constructor(onRotated: (keys: Uint8Array) => void) {
    this.#rotation = setInterval(() => {
      this.#current = randomBytes(BYTES);
      onRotated(this.#current);
    }, ROTATION);
    this.#rotation.unref();
  }

  get current(): Uint8Array {
    return this.#current;
  }

  stop(): void {
    clearInterval(this.#rotation);
  }
}
