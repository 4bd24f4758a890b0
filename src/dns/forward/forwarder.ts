import { messageOf as errorText } from '../../errors.ts';
import { type Clock, steady } from '../../lib/clock.ts';
import { decodeName, WireError } from '../../lib/dns/name.ts';
import { CLASS_IN, HEADER_BYTES, RCODE, TYPE } from '../../lib/dns/numbers.ts';
import type { Query } from '../../lib/dns/query.ts';
import { addressText } from '../../lib/ip.ts';
import type { Logger } from '../../lib/log.ts';
import { Recursors } from '../recursors.ts';
import { Cache } from './cache.ts';
import { ForwardCounts } from './counts.ts';
import { type Entry, entryOf, fixedEntry, type Reading, readAnswer, withoutRecords } from './entry.ts';
import { followHosts } from './hosts.ts';
import { LocalNames, messageOf } from './local.ts';
import { FAILURE_FOR, type ForwardOptions, MAX_CACHE_BYTES, type Route, STALE_RETRY } from './options.ts';
import { isPrivate } from './private-addresses.ts';
import { questionOf } from './question.ts';
import { searchedFor } from './search.ts';
import { Suffixes } from './suffixes.ts';
import { writeCode, writeEntry } from './write.ts';

export interface ForwarderParts {
  readonly options: ForwardOptions;
  readonly counts?: ForwardCounts;
  readonly clock: Clock;
  /** In [0, 1). */
  readonly random: () => number;
  readonly logger: Logger;
  /** Numbers of questions that nobody can guess; for tests. */
  readonly questionId?: () => number;
  /** The answer to a whole question by everything there is, the catalog too: for names that are searched for. */
  readonly whole?: (packet: Buffer, asker: string) => Promise<Buffer | undefined>;
}

/** What came of asking others. */
type Outcome = Entry | 'failed' | 'refused';

/** An answer that is about to run out is asked for again before, if it was asked for so often. */
const PREFETCH_HITS = 3;
/** The last part of its time in which that happens, and the least TTL (ms) for which it does. */
const PREFETCH_PART = 0.1;
const PREFETCH_TTL = 10_000;
/** Types that are no questions for a forwarder: zone transfers and their like. */
const META_TYPES = new Set<number>([TYPE.AXFR, 251, 253, 254]);
const SWEEP_EVERY = 60_000;
/** Between two lines in the log about the same kind of trouble. */
const WARN_EVERY = 10_000;

/**
 * Answers names that are not in the catalog: from hosts files and fixed addresses, from what others said a while ago, or by
 * asking the servers that are responsible.
 */
export class Forwarder {
  readonly #parts: ForwarderParts;
  readonly #options: ForwardOptions;
  readonly #clock: Clock;
  readonly #counts: ForwardCounts;
  readonly #cache: Cache;
  readonly #local: LocalNames;
  readonly #routes = new Suffixes<Recursors | 'local'>();
  readonly #default: Recursors | undefined;
  readonly #all: Recursors[] = [];
  readonly #rebindOk = new Suffixes<true>();
  readonly #readings = new WeakMap<Buffer, Reading>();
  readonly #waiting = new Map<string, number>();
  readonly #lastWarning = new Map<string, number>();
  readonly #stopHosts: () => void;
  #cancelSweep = () => {};

  constructor(parts: ForwarderParts) {
    const { options, clock, logger } = parts;
    this.#parts = parts;
    this.#options = options;
    this.#clock = steady(clock);
    this.#counts = parts.counts ?? new ForwardCounts();
    this.#counts.forwarders.add(this);
    this.#cache = new Cache({
      entries: options.cacheSize,
      bytes: MAX_CACHE_BYTES,
      staleFor: options.staleFor,
    });
    this.#local = new LocalNames(options);
    this.#default = this.#recursorsOf(options.servers);
    for (const { domain, route } of options.routes) {
      const target = this.#targetOf(route);
      if (target !== undefined) this.#routes.set(domain, target);
    }
    for (const domain of options.rebindOk) this.#rebindOk.set(domain, true);
    this.#stopHosts = followHosts({
      paths: options.hosts,
      clock,
      logger,
      onChange: (lines) => {
        this.#local.hosts(lines);
        this.#cache.clear();
      },
    });
    this.#sweep();
  }

  /** Whether it knows anybody to ask. */
  get hasServers(): boolean {
    return this.#all.length > 0;
  }

  get kept(): number {
    return this.#cache.size;
  }

  /**
   * Bytes that answer, valid until the next call; a promise of bytes of its own, which never rejects, when others must be
   * asked. `room`: bytes that the asker takes. `orElse` answers when there is nobody to ask, or nobody knows.
   */
  answer(
    packet: Uint8Array,
    query: Query,
    room: number,
    orElse: (rcode: number) => Buffer = (rcode) => writeCode(rcode, packet, query),
  ): Buffer | Promise<Buffer> {
    if (packet[query.end - 1] !== CLASS_IN || packet[query.end - 2] !== 0)
      return writeCode(RCODE.REFUSED, packet, query);
    const entry = this.#cache.find(query);
    const now = this.#clock.now();
    if (entry !== undefined && entry.until > now) {
      entry.used = true;
      entry.hits++;
      this.#counts.kept++;
      if (entry.hits >= PREFETCH_HITS) this.#prefetch(entry, packet, query, now);
      if ((entry.flags & 0xf) === RCODE.SERVFAIL) return orElse(RCODE.SERVFAIL);
      return writeEntry(entry, packet, query, room, now);
    }
    if (META_TYPES.has(query.type)) return writeCode(RCODE.REFUSED, packet, query);
    const known = this.#local.find(query);
    if (known !== undefined) {
      this.#counts.local++;
      const local = fixedEntry(messageOf(query.key, known));
      this.#cache.put(query, local);
      return writeEntry(local, packet, query, room, now);
    }
    // The next packet overwrites both.
    return this.#answerLater(Buffer.from(packet), { ...query }, room, entry, orElse);
  }

  /** The answer to a question of our own, through all of the above; undefined when nobody knows. */
  async ask(packet: Uint8Array, query: Query): Promise<Buffer | undefined> {
    let failed = false;
    const answer = await this.answer(packet, query, 65_535, (rcode) => {
      failed = true;
      return writeCode(rcode, packet, query);
    });
    return failed ? undefined : Buffer.from(answer);
  }

  stop(): void {
    this.#counts.forwarders.delete(this);
    this.#cancelSweep();
    this.#stopHosts();
    for (const recursors of this.#all) recursors.stop();
    this.#cache.clear();
  }

  async #answerLater(
    packet: Buffer,
    query: Query,
    room: number,
    old: Entry | undefined,
    orElse: (rcode: number) => Buffer,
  ): Promise<Buffer> {
    const isUsable = (entry: Entry, now: number) =>
      entry.until + this.#options.staleFor > now && (entry.flags & 0xf) !== RCODE.SERVFAIL;
    const counts = this.#counts;
    const write = (entry: Entry) => {
      if (entry === old) counts.stale++;
      else counts.asked++;
      return Buffer.from(writeEntry(entry, packet, query, room, this.#clock.now(), entry === old));
    };
    const failed = (rcode: number) => {
      counts.failed++;
      return Buffer.from(orElse(rcode));
    };
    try {
      const stale = old !== undefined && isUsable(old, this.#clock.now()) ? old : undefined;
      if (stale !== undefined && stale.retryAt > this.#clock.now()) return write(stale);
      if (!this.#enter(query.asker)) return Buffer.from(writeCode(RCODE.REFUSED, packet, query));
      const going = this.#fetch(packet, query).finally(() => this.#leave(query.asker));
      const outcome = stale === undefined ? await going : await this.#orStale(going, stale);
      if (outcome === 'refused') return failed(RCODE.REFUSED);
      if (outcome === 'failed') return failed(RCODE.SERVFAIL);
      return write(outcome);
    } catch (error) {
      this.#parts.logger.error('a question failed', { error: errorText(error) });
      return Buffer.from(writeCode(RCODE.SERVFAIL, packet, query));
    }
  }

  /** What comes in time, or what there was: in need an old answer is better than none. */
  #orStale(going: Promise<Outcome>, stale: Entry): Promise<Outcome> {
    return new Promise((resolve, reject) => {
      const cancel = this.#clock.after(this.#options.staleAfter, () => resolve(stale));
      going.then(
        (outcome) => {
          cancel();
          if (outcome === 'failed') stale.retryAt = this.#clock.now() + STALE_RETRY;
          resolve(outcome === 'failed' ? stale : outcome);
        },
        (error) => {
          cancel();
          reject(error);
        },
      );
    });
  }

  async #fetch(packet: Buffer, query: Query): Promise<Outcome> {
    const searched = await this.#search(packet, query);
    if (searched !== undefined) return searched;
    const routed = this.#routes.find(query.key);
    const route = routed ?? this.#default;
    if (route === 'local') {
      const rcode = this.#local.has(query.key) ? RCODE.NOERROR : RCODE.NXDOMAIN;
      return this.#keep(query, fixedEntry(messageOf(query.key, { rcode, records: [] })));
    }
    if (route === undefined) return 'refused';
    const bytes = await route.ask(questionOf(packet, query));
    const reading = bytes === undefined ? undefined : this.#readings.get(bytes);
    if (reading === undefined) return this.#failed(query);
    // Who has servers of their own for a domain trusts them.
    if (routed === undefined && this.#rebinds(query.key, reading)) return 'refused';
    try {
      const isHere = (reading.message.flags & 0xf) === RCODE.NXDOMAIN && this.#local.has(query.key);
      const message = isHere ? withoutRecords(reading.message) : reading.message;
      return this.#keep(query, entryOf(message, query.type, this.#options, this.#clock.now()));
    } catch (error) {
      if (!(error instanceof WireError)) throw error;
      return this.#failed(query);
    }
  }

  #keep(query: Query, entry: Entry): Entry {
    if (entry.until > this.#clock.now()) this.#cache.put(query, entry);
    return entry;
  }

  /** Remembered for a moment, unless there is an old answer to fall back on. */
  #failed(query: Query): 'failed' {
    if (this.#cache.find(query) !== undefined && this.#options.staleFor > 0) return 'failed';
    const failure = fixedEntry(messageOf(query.key, { rcode: RCODE.SERVFAIL, records: [] }));
    this.#cache.put(query, { ...failure, until: this.#clock.now() + FAILURE_FOR });
    return 'failed';
  }

  /** A name without a dot, in the domains it is looked for in: an alias and what it leads to. */
  async #search(packet: Buffer, query: Query): Promise<Entry | undefined> {
    const { search } = this.#options;
    const { whole } = this.#parts;
    const length = packet[HEADER_BYTES] as number;
    if (search.length === 0 || length === 0 || packet[HEADER_BYTES + 1 + length] !== 0) return undefined;
    const label = packet.toString('latin1', HEADER_BYTES + 1, HEADER_BYTES + 1 + length);
    for (const domain of search) {
      const name = `${label}.${domain}`;
      const found = await searchedFor(name, query, (asked, own) =>
        whole === undefined ? this.ask(asked, own) : whole(asked, query.asker),
      );
      if (found === undefined) continue;
      return this.#keep(query, entryOf(found, query.type, this.#options, this.#clock.now()));
    }
    return undefined;
  }

  #prefetch(entry: Entry, packet: Uint8Array, query: Query, now: number): void {
    const ttl = entry.ttl * 1000;
    if (entry.fixed || entry.refreshing || ttl < PREFETCH_TTL || entry.until - now > ttl * PREFETCH_PART)
      return;
    entry.refreshing = true;
    this.#fetch(Buffer.from(packet), { ...query }).catch((error: unknown) =>
      this.#parts.logger.debug('an answer could not be renewed', { error: errorText(error) }),
    );
  }

  #rebinds(key: string, { addresses }: Reading): boolean {
    if (!this.#options.rebindProtection || this.#rebindOk.find(key) === true) return false;
    const bad = addresses.find(isPrivate);
    if (bad === undefined) return false;
    const name = Buffer.from(key.slice(0, -2), 'latin1');
    this.#warn('rebind', 'an answer with a private address was refused; rebind_ok allows it for a domain', {
      name: textOf(name),
      address: addressText(bad),
    });
    return true;
  }

  #enter(asker: string): boolean {
    if (asker === '::1' || asker.startsWith('127.')) return true;
    const waiting = this.#waiting.get(asker) ?? 0;
    if (waiting >= this.#options.perClient) {
      this.#warn('client', 'a client has too many questions waiting; more are refused', { client: asker });
      return false;
    }
    this.#waiting.set(asker, waiting + 1);
    return true;
  }

  #leave(asker: string): void {
    const waiting = this.#waiting.get(asker);
    if (waiting === undefined) return;
    if (waiting <= 1) this.#waiting.delete(asker);
    else this.#waiting.set(asker, waiting - 1);
  }

  #targetOf(route: Route): Recursors | 'local' | undefined {
    if (route === 'local') return 'local';
    return route === 'default' ? this.#default : this.#recursorsOf(route);
  }

  #recursorsOf(servers: ForwardOptions['servers']): Recursors | undefined {
    if (servers.length === 0) return undefined;
    const { clock, random, logger, questionId } = this.#parts;
    const { timeout, strategy, mixCase } = this.#options;
    const recursors = new Recursors({
      servers,
      timeout,
      strategy,
      mixCase,
      clock,
      random,
      logger,
      vet: (answer) => this.#vet(answer),
      ...(questionId === undefined ? {} : { questionId }),
    });
    this.#all.push(recursors);
    return recursors;
  }

  /** Reads an answer before it counts as one: who sends nonsense is as good as silent. */
  #vet(answer: Buffer): string | undefined {
    try {
      this.#readings.set(answer, readAnswer(answer));
      return undefined;
    } catch (error) {
      return errorText(error);
    }
  }

  #sweep(): void {
    this.#cancelSweep = this.#clock.after(SWEEP_EVERY, () => {
      this.#cache.sweep(this.#clock.now());
      this.#sweep();
    });
  }

  #warn(kind: string, message: string, fields: Record<string, string>): void {
    const now = this.#clock.now();
    if (now - (this.#lastWarning.get(kind) ?? Number.NEGATIVE_INFINITY) < WARN_EVERY) return;
    this.#lastWarning.set(kind, now);
    this.#parts.logger.warn(message, fields);
  }
}

function textOf(name: Buffer): string {
  return decodeName(name, 0)
    .labels.map((label) => label.toString('latin1'))
    .join('.');
}
