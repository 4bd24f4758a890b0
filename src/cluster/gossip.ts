import { messageOf } from '../errors.ts';
import type { Clock } from '../lib/clock.ts';
import { formatHostPort, type HostPort } from '../lib/host-port.ts';
import type { Logger } from '../lib/log.ts';
import type { Book, Entry } from './book.ts';
import type { Keyring } from './link/keyring.ts';
import { Caller } from './link/rpc.ts';
import type { Presence, Report } from './liveness.ts';
import type { Plan } from './membership.ts';

/** What servers tell each other all the time. */
export interface Hello {
  readonly self: Entry;
  /** All servers that are known. */
  readonly book: readonly Entry[];
  readonly expect: number;
  /** ID of the cluster that the server is a member of. */
  readonly cluster?: string;
  /** IDs that the cluster had before. */
  readonly before?: readonly string[];
  /** What it has promised or is a part of. */
  readonly plan?: Plan & { readonly state: 'promised' | 'member' };
  /** Who it has heard of; in a request also which version of the other side's report it has. */
  readonly report: Report;
  readonly knows: number;
}

/** How often each server is told, in ms. */
const INTERVAL = 400;
/** For an answer: a server that takes longer counts as silent for now. */
const TIMEOUT = 1_000;
/** How often the sources of addresses are asked while all servers that are known answer, in ms. */
const CONTACTS_INTERVAL = 30_000;
/** And while some do not. */
const CONTACTS_RETRY = 1_000;

export interface GossipOptions {
  book: Book;
  keyring: Keyring;
  /** Where servers may be at present. */
  findContacts: () => Promise<HostPort[]>;
  clock: Clock;
  logger: Logger;
  presence: Presence;
  hello(): Omit<Hello, 'self' | 'book' | 'report' | 'knows'>;
  onHello(hello: Hello): void;
}

/** Keeps servers in touch: each tells each, again and again, where it is, whom it knows and whom it hears. */
export class Gossip {
  readonly #options: GossipOptions;
  readonly presence: Presence;
  /** By address. */
  readonly #callers = new Map<string, Caller>();
  /** By node ID, what a server last said and when. */
  readonly #last = new Map<string, { hello: Hello; at: number }>();
  readonly #busy = new Set<string>();
  /** By address, why nobody answered there when it was last asked. */
  #unreachable = new Map<string, string>();
  #contactsAt = Number.NEGATIVE_INFINITY;
  #cancel: () => void = () => {};
  #stopped = false;

  constructor(options: GossipOptions) {
    this.#options = options;
    this.presence = options.presence;
  }

  start(): void {
    this.#turn();
  }

  stop(): void {
    this.#stopped = true;
    this.#cancel();
    for (const caller of this.#callers.values()) caller.close();
  }

  callerTo({ host, port }: HostPort): Caller {
    const address = formatHostPort(host, port);
    let caller = this.#callers.get(address);
    if (caller === undefined) {
      caller = new Caller({ host, port }, this.#options.keyring);
      this.#callers.set(address, caller);
    }
    return caller;
  }

  /** Servers that answered just now, with what they said. */
  reachable(): { entry: Entry; hello: Hello }[] {
    const { book, clock } = this.#options;
    return book.others().flatMap((entry) => {
      const last = this.#last.get(entry.id);
      return last !== undefined && clock.now() - last.at < 2 * TIMEOUT ? [{ entry, hello: last.hello }] : [];
    });
  }

  /** Addresses to join at which nobody answers, with why. */
  unreachable(): string[] {
    return [...this.#unreachable].map(([address, why]) => `${address} (${why})`);
  }

  /** Answers a server that says hello. */
  answer(hello: Hello): Hello {
    this.#take(hello);
    return this.#say(hello.knows, hello.self.id);
  }

  /** Says hello at an address. Rejects when nobody answers there. */
  async contact(address: HostPort): Promise<void> {
    const answer = await this.callerTo(address).call<Hello>('hello', this.#say(0, ''), TIMEOUT);
    this.#take(answer);
  }

  #say(knows: number, to: string): Hello {
    const { book, hello } = this.#options;
    return {
      ...hello(),
      self: book.self,
      book: book.all(),
      report: this.presence.report(knows),
      knows: this.presence.versionOf(to),
    };
  }

  #take(hello: Hello): void {
    const { book, clock } = this.#options;
    if (hello.self.id === book.self.id) return;
    book.merge([hello.self, ...hello.book]);
    this.#last.set(hello.self.id, { hello, at: clock.now() });
    this.presence.hear(hello.self.id);
    this.presence.take(hello.self.id, hello.report);
    this.#options.onHello(hello);
  }

  #turn(): void {
    if (this.#stopped) return;
    const { book, clock } = this.#options;
    this.#cancel = clock.after(INTERVAL, () => this.#turn());
    for (const entry of book.others()) void this.#greet(entry);
    const isComplete = this.reachable().length > 0 && this.reachable().length === book.others().length;
    const wait = isComplete ? CONTACTS_INTERVAL : CONTACTS_RETRY;
    if (clock.now() - this.#contactsAt >= wait) {
      this.#contactsAt = clock.now();
      void this.#ask();
    }
  }

  async #greet(entry: Entry): Promise<void> {
    if (this.#busy.has(entry.id)) return;
    this.#busy.add(entry.id);
    try {
      const knows = this.#last.get(entry.id)?.hello.knows ?? 0;
      const answer = await this.callerTo(entry).call<Hello>('hello', this.#say(knows, entry.id), TIMEOUT);
      this.#take(answer);
    } catch (error) {
      this.#options.logger.trace('a server does not answer', { server: entry.name, error: messageOf(error) });
    } finally {
      this.#busy.delete(entry.id);
    }
  }

  /** Greets whoever is where servers may be, unless it is known already. */
  async #ask(): Promise<void> {
    const { findContacts, logger, book } = this.#options;
    const known = new Set(
      [book.self, ...this.reachable().map(({ entry }) => entry)].map(({ host, port }) =>
        formatHostPort(host, port),
      ),
    );
    const contacts = (await findContacts()).filter(
      ({ host, port }) => !known.has(formatHostPort(host, port)),
    );
    if (this.#stopped) return;
    const failed = new Map<string, string>();
    await Promise.all(
      contacts.map((contact) =>
        this.contact(contact).catch((error: unknown) => {
          const address = formatHostPort(contact.host, contact.port);
          const { cause } = error as { cause?: unknown };
          failed.set(address, messageOf(cause ?? error));
          logger.debug('nobody answers at an address to join', { address, error: messageOf(error) });
        }),
      ),
    );
    this.#unreachable = failed;
  }
}
