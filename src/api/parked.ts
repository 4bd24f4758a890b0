import type { Waiter } from '../catalog/watches.ts';
import type { Exchange } from './exchange.ts';
import type { Watched } from './watched.ts';

/** A read whose answer waits for a change. One object for each, as there are ten thousands of them. */
export class ParkedRead implements Waiter {
  live = true;
  readonly exchange: Exchange;
  readonly watched: Watched;
  /** What its answer is kept by. */
  readonly key: string;
  /** The token that came with it. */
  readonly token: string;
  /** Its address without index and wait: so it is answered at once. */
  readonly what: string;
  /** Answered once the index of what is watched is above this one. */
  readonly after: number;
  /** When it came, ms since the epoch. */
  readonly since: number;
  /** Takes the end of the wait back. */
  cancel: () => void = () => {};
  readonly #wake: (read: ParkedRead) => void;

  constructor(
    parts: Pick<ParkedRead, 'exchange' | 'watched' | 'key' | 'token' | 'what' | 'after' | 'since'>,
    wake: (read: ParkedRead) => void,
  ) {
    this.exchange = parts.exchange;
    this.watched = parts.watched;
    this.key = parts.key;
    this.token = parts.token;
    this.what = parts.what;
    this.after = parts.after;
    this.since = parts.since;
    this.#wake = wake;
  }

  wake(): void {
    this.#wake(this);
  }
}
