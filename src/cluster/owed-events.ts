import { type Clock, pause } from '../lib/clock.ts';
import type { Entry } from './book.ts';
import type { UserEvent } from './event-log.ts';

/** Until a server that could not be told is told again, in ms. */
const AGAIN = 1_000;
/** For each server; Serf, which tells Consul's nodes, keeps 512 for those who come back. Older ones are forgotten. */
const MAX_OWED = 512;

export interface OwedEventsOptions {
  /** All that have to be told, also those that are away. One that is no longer among them is owed nothing. */
  others(): readonly Pick<Entry, 'id'>[];
  /** Rejects when the server with this ID was not told, or may not have been. */
  tell(id: string, event: UserEvent): Promise<unknown>;
  clock: Clock;
}

/** What this server has yet to tell the others: one that restarts, or is cut off, hears of the events once it is back, in order. */
export class OwedEvents {
  readonly #options: OwedEventsOptions;
  /** By ID; those that are owed something are being told. */
  readonly #owed = new Map<string, UserEvent[]>();
  #isClosed = false;

  constructor(options: OwedEventsOptions) {
    this.#options = options;
  }

  /** Nobody waits for it. */
  add(event: UserEvent): void {
    for (const { id } of this.#options.others()) {
      const owed = this.#owed.get(id);
      if (owed === undefined) {
        this.#owed.set(id, [event]);
        void this.#tell(id);
      } else {
        owed.push(event);
        if (owed.length > MAX_OWED) owed.shift();
      }
    }
  }

  close(): void {
    this.#isClosed = true;
  }

  async #tell(id: string): Promise<void> {
    const { others, tell, clock } = this.#options;
    for (;;) {
      const owed = this.#owed.get(id) ?? [];
      const [next] = owed;
      if (next === undefined || this.#isClosed || !others().some((one) => one.id === id)) break;
      try {
        await tell(id, next);
        // It may have been too much meanwhile.
        if (owed[0] === next) owed.shift();
      } catch {
        await pause(clock, AGAIN);
      }
    }
    this.#owed.delete(id);
  }
}
