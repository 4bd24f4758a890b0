import { messageOf } from '../errors.ts';
import type { Clock } from '../lib/clock.ts';
import { formatHostPort, type HostPort } from '../lib/host-port.ts';
import type { Logger } from '../lib/log.ts';
import type { Book, Entry } from './book.ts';
import type { Keyring } from './link/keyring.ts';
import { Caller } from './link/rpc.ts';
import type { Presence, Report } from './liveness.ts';
import type { Plan } from './membership.ts';
import type { Lag, Sighting } from './outlook.ts';

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
  /** Of its catalog, once it has one. */
  readonly index?: number;
  /** It hears of a majority; versions before do not tell. */
  readonly hears?: boolean;
  /** Its time of day, ms since the epoch; versions before do not tell. */
  readonly time?: number;
}

/** What a server last said, and when; ms since the epoch. */
interface Heard {
  readonly hello: Hello;
  readonly at: number;
  /** Since when it has answered without a gap. */
  readonly since: number;
  /** How far its catalog was behind this server's then. */
  readonly lag: Lag | null;
  /** By how much its time of day was ahead of this server's then, in ms. */
  readonly ahead: number;
}

/** How often each server is told, in ms. */
const INTERVAL = 400;
/** For an answer: a server that takes longer counts as silent for now. */
const TIMEOUT = 1_000;
/** How often the sources of addresses are asked while all servers that are known answer, in ms. */
const CONTACTS_INTERVAL = 30_000;
/** And while some do not. */
const CONTACTS_RETRY = 1_000;
/** All who are there have answered by then, those too who were started at the same time; in ms. */
export const FIRST_ANSWERS = 1_500;

export interface GossipOptions {
  book: Book;
  keyring: Keyring;
  /** Where servers may be at present. */
  findContacts: () => Promise<HostPort[]>;
  clock: Clock;
  /** The time of day, ms since the epoch. */
  time: () => number;
  logger: Logger;
  presence: Presence;
  hello(): Omit<Hello, 'self' | 'book' | 'report' | 'knows' | 'time'>;
  onHello(hello: Hello): void;
  /** How far a catalog with this index is behind; null while there is none here. */
  lagOf(index: number): Lag | null;
}

/** Keeps servers in touch: each tells each, again and again, where it is, whom it knows and whom it hears. */
export class Gossip {
  readonly #options: GossipOptions;
  readonly presence: Presence;
  /** By address. */
  readonly #callers = new Map<string, Caller>();
  /** By node ID. */
  readonly #last = new Map<string, Heard>();
  /** By node ID, why a server did not answer when it was last greeted. */
  readonly #faults = new Map<string, string>();
  readonly #began: number;
  readonly #busy = new Set<string>();
  /** By address, why nobody answered there when it was last asked. */
  #unreachable = new Map<string, string>();
  /** All addresses to join were asked at least once. */
  #hasAskedContacts = false;
  #contactsAt = Number.NEGATIVE_INFINITY;
  #cancel: () => void = () => {};
  #stopped = false;

  constructor(options: GossipOptions) {
    this.#options = options;
    this.presence = options.presence;
    this.#began = options.clock.now();
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

  /** The time of day by the clock of the server with this ID, as far as it told its own; ms since the epoch. */
  timeOf(id: string): number {
    return this.#options.time() + (this.#last.get(id)?.ahead ?? 0);
  }

  /** What the server with this ID last said; undefined: nothing. */
  lastOf(id: string): Hello | undefined {
    return this.#last.get(id)?.hello;
  }

  /** Servers that answered just now, with what they said. */
  reachable(): { entry: Entry; hello: Hello }[] {
    return this.#options.book.others().flatMap((entry) => {
      const last = this.#answering(entry.id);
      return last === undefined ? [] : [{ entry, hello: last.hello }];
    });
  }

  /** What is known of the other servers. */
  sightings(): Sighting[] {
    const { book, clock } = this.#options;
    const now = clock.now();
    return book.others().map(({ id, version }) => {
      const last = this.#last.get(id);
      const up = this.#answering(id);
      const since = up?.since ?? last?.at ?? this.#began;
      const trouble = up === undefined ? (this.#faults.get(id) ?? '') : '';
      return {
        id,
        version,
        silence: last === undefined ? null : now - last.at,
        index: last?.hello.index ?? null,
        lag: last?.lag ?? null,
        links: [{ kind: 'calls', isUp: up !== undefined, age: now - since, trouble }],
      };
    });
  }

  /** What a server last said, if that was just now. */
  #answering(id: string): Heard | undefined {
    const last = this.#last.get(id);
    return last !== undefined && this.#options.clock.now() - last.at < 2 * TIMEOUT ? last : undefined;
  }

  /** Addresses to join at which nobody answers, with why. */
  unreachable(): string[] {
    const answering = this.#answeringAddresses();
    return [...this.#unreachable].flatMap(([address, why]) =>
      answering.has(address) ? [] : [`${address} (${why})`],
    );
  }

  #answeringAddresses(): Set<string> {
    return new Set(this.reachable().map(({ entry: { host, port } }) => formatHostPort(host, port)));
  }

  /**
   * Whoever may be a server was asked and has answered, or does not answer: a cluster that can be found was heard of. Where nobody answers
   * somebody may just be starting.
   */
  hasAskedAll(): boolean {
    const { book, clock } = this.#options;
    const others = book.others();
    const isHeard = ({ id }: Entry) => this.#last.has(id) || this.#faults.has(id);
    if (!this.#hasAskedContacts || !others.every(isHeard)) return false;
    const isSilent = this.unreachable().length > 0 || others.some(({ id }) => this.#faults.has(id));
    return !isSilent || clock.now() - this.#began >= FIRST_ANSWERS;
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
    const { book, hello, time } = this.#options;
    return {
      ...hello(),
      time: time(),
      self: book.self,
      book: book.all(),
      report: this.presence.report(knows),
      knows: this.presence.versionOf(to),
    };
  }

  #take(hello: Hello): void {
    const { book, clock, lagOf, time } = this.#options;
    const { id } = hello.self;
    if (id === book.self.id) return;
    book.merge([hello.self, ...hello.book]);
    const at = clock.now();
    const since = this.#answering(id)?.since ?? at;
    const lag = hello.index === undefined ? null : lagOf(hello.index);
    const ahead = hello.time === undefined ? 0 : hello.time - time();
    this.#last.set(id, { hello, at, since, lag, ahead });
    this.presence.hear(id);
    this.presence.take(id, hello.report);
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
      this.#faults.delete(entry.id);
    } catch (error) {
      const why = messageOf(error);
      this.#faults.set(entry.id, why);
      this.#options.logger.trace('a server does not answer', { server: entry.name, error: why });
    } finally {
      this.#busy.delete(entry.id);
    }
  }

  /** Greets whoever is where servers may be, unless it is known already. */
  async #ask(): Promise<void> {
    const { findContacts, logger, book } = this.#options;
    const known = this.#answeringAddresses().add(formatHostPort(book.self.host, book.self.port));
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
    this.#hasAskedContacts = true;
  }
}
