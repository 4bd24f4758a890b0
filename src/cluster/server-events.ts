import type { UserEvent } from './event-log.ts';
import { OwedEvents } from './owed-events.ts';
import { RecentIds } from './recent-ids.ts';
import type { ServerParts } from './server-parts.ts';

/** For a server's answer to an event, in ms. */
const TIMEOUT = 2_000;
/** More than one that was away is owed. */
const REMEMBERED = 1_024;

/** What a server does with events that somebody fired. */
export class ServerEvents {
  readonly #server: Pick<ServerParts, 'options' | 'book' | 'gossip' | 'feed'>;
  readonly #owed: OwedEvents;
  /** Others tell of one again when the answer was lost, and more than one server may. */
  readonly #seen = new RecentIds(REMEMBERED);

  constructor(server: Pick<ServerParts, 'options' | 'book' | 'gossip' | 'feed'>) {
    this.#server = server;
    const { book, gossip, options } = server;
    this.#owed = new OwedEvents({
      others: () => book.others(),
      tell: async (id, event) => {
        const entry = book.get(id);
        if (entry !== undefined) await gossip.callerTo(entry).call('event', { event, hops: 0 }, TIMEOUT);
      },
      clock: options.clock,
    });
  }

  /** Tells this node and those who follow this server of an event; unless it did so already. */
  take(event: UserEvent): void {
    if (!this.#seen.add(event.id)) return;
    this.#server.options.onEvent(event);
    this.#server.feed?.news({ event });
  }

  /** The same, and has the other servers told. Nobody waits for one that is away. */
  spread(event: UserEvent): void {
    this.take(event);
    this.#owed.add(event);
  }

  close(): void {
    this.#owed.close();
  }
}
