import { randomBytes, randomInt } from 'node:crypto';
import { setMaxListeners } from 'node:events';
import { isIP } from 'node:net';
import { messageOf } from '../errors.ts';
import type { Clock } from '../lib/clock.ts';
import { rcodeOf } from '../lib/dns/exchange.ts';
import { HEADER_BYTES, MAX_NAME_BYTES, RCODE } from '../lib/dns/numbers.ts';
import { type HostPort, parseHostPort } from '../lib/host-port.ts';
import { isIPv6 } from '../lib/ip.ts';
import type { Logger } from '../lib/log.ts';
import { Upstream } from './upstream.ts';

/**
 * Whom to ask first: always the first one, any of them, the one that answered quickest of late, or all at the same time.
 */
export const RECURSOR_STRATEGIES = ['sequential', 'random', 'fastest', 'race'] as const;
export type RecursorStrategy = (typeof RECURSOR_STRATEGIES)[number];

export interface RecursorsOptions {
  servers: readonly HostPort[];
  /** Milliseconds for each server. */
  timeout: number;
  strategy: RecursorStrategy;
  clock: Clock;
  /** In [0, 1): the order of the servers. */
  random: () => number;
  /** Numbers of questions, 0 to 65,535, which nobody may be able to guess. */
  questionId?: () => number;
  /** Most questions at a time. */
  maxOutstanding?: number;
  /** Why an answer cannot be used, if it cannot: the next server is asked then. */
  vet?: (answer: Buffer) => string | undefined;
  /** Ask in letters of random case, which only the server that was asked can repeat (0x20). Default true. */
  mixCase?: boolean;
  logger: Logger;
}

/**
 * Each costs a socket, and whoever asks for names that nobody answers could make us open them without end. 512 at
 * 2 s each are 256 a second even when all servers are silent.
 */
const MAX_OUTSTANDING = 512;
/** Between two lines in the log that say so. */
const WARN_EVERY = 60_000;

/** Part of the questions that do not go to the quickest server, so that it is known when another one has become so. */
const EXPLORE = 0.02;

const DNS_PORT = 53;

/** "10.0.0.1", "10.0.0.1:5353", "::1" or "[::1]:53". Undefined for anything else: a name would have to be asked for. */
export function parseRecursor(text: string): HostPort | undefined {
  if (isIP(text) !== 0) return { host: text, port: DNS_PORT };
  const bare = /^\[([^\]]+)\]$/.exec(text)?.[1];
  if (bare !== undefined && isIPv6(bare)) return { host: bare, port: DNS_PORT };
  const given = parseHostPort(text);
  return given !== undefined && isIP(given.host) !== 0 && given.port > 0 ? given : undefined;
}

/** Other name servers, for what is not in the catalog. Nothing is kept: every question is asked. */
export class Recursors {
  readonly #options: RecursorsOptions;
  readonly #stopping = new AbortController();
  /** Questions under way by all that they say but their number. */
  readonly #outstanding = new Map<string, Promise<Buffer | undefined>>();
  readonly #upstreams: readonly Upstream[];
  #warnedAt = Number.NEGATIVE_INFINITY;

  constructor(options: RecursorsOptions) {
    this.#options = options;
    const { clock, logger, questionId = () => randomInt(0x10000) } = options;
    this.#upstreams = options.servers.map(
      (server) => new Upstream(server, { clock, logger, questionId, signal: this.#stopping.signal }),
    );
    // Every question under way listens: as many as there may be, which is no leak.
    setMaxListeners(0, this.#stopping.signal);
  }

  /** How many questions wait for an answer. */
  get outstanding(): number {
    return this.#outstanding.size;
  }

  /**
   * Asks what `packet` asks, with everything that came with it (EDNS), and answers with the first answer that says
   * whether the name is there; undefined when no server had one. Like questions wait for the same answer: several
   * under way would make guessing their numbers easier (RFC 5452, 5). The bytes are shared, their number is not that of
   * `packet`.
   */
  ask(packet: Uint8Array): Promise<Buffer | undefined> {
    const question = Buffer.from(packet);
    const key = question.toString('latin1', 2);
    const underway = this.#outstanding.get(key);
    if (underway !== undefined) return underway;
    if (this.#stopping.signal.aborted) return Promise.resolve(undefined);
    if (this.#outstanding.size >= (this.#options.maxOutstanding ?? MAX_OUTSTANDING)) {
      this.#warn();
      return Promise.resolve(undefined);
    }
    const answer = this.#askInTurn(question).finally(() => this.#outstanding.delete(key));
    this.#outstanding.set(key, answer);
    return answer;
  }

  /** Questions under way are given up. */
  stop(): void {
    this.#stopping.abort();
  }

  async #askInTurn(question: Buffer): Promise<Buffer | undefined> {
    const order = this.#order();
    if (this.#options.strategy !== 'race') {
      for (const upstream of order) {
        if (this.#stopping.signal.aborted) return undefined;
        const answer = await this.#askOne(upstream, question);
        if (answer !== undefined) return answer;
      }
      return undefined;
    }
    // Those that were silent of late only when the others do not know.
    for (const some of [order.filter(({ isDown }) => !isDown), order.filter(({ isDown }) => isDown)]) {
      const answer = await firstOf(some.map((upstream) => this.#askOne(upstream, Buffer.from(question))));
      if (answer !== undefined) return answer;
    }
    return undefined;
  }

  /** Its answer, if that says whether the name is there. */
  async #askOne(upstream: Upstream, question: Buffer): Promise<Buffer | undefined> {
    const { clock, timeout, questionId = () => randomInt(0x10000), mixCase = true, logger } = this.#options;
    question.writeUInt16BE(questionId(), 0);
    if (mixCase && upstream.keepsCase) mix(question);
    const recursor = upstream.address;
    try {
      const answer = await upstream.ask(question, {
        clock,
        timeout,
        signal: this.#stopping.signal,
        exactCase: mixCase && upstream.keepsCase,
      });
      const rcode = rcodeOf(answer);
      const fault =
        rcode === RCODE.NOERROR || rcode === RCODE.NXDOMAIN
          ? this.#options.vet?.(answer)
          : `it could not (response code ${rcode})`;
      if (fault === undefined) return answer;
      logger.debug('an answer of a recursor was dropped', { recursor, why: fault });
    } catch (error) {
      logger.debug('a recursor did not answer', { recursor, error: messageOf(error) });
    }
    return undefined;
  }

  /** Those that were silent of late last, in any strategy. */
  #order(): readonly Upstream[] {
    const { strategy, random } = this.#options;
    const order = [...this.#upstreams];
    if (strategy === 'random' || strategy === 'fastest')
      for (let i = order.length - 1; i > 0; i--) {
        const other = Math.floor(random() * (i + 1));
        [order[i], order[other]] = [order[other] as Upstream, order[i] as Upstream];
      }
    if (strategy === 'fastest' && random() >= EXPLORE) order.sort((a, b) => a.rtt - b.rtt);
    return order.sort((a, b) => Number(a.isDown) - Number(b.isDown));
  }

  #warn(): void {
    const { clock, logger } = this.#options;
    if (clock.now() - this.#warnedAt < WARN_EVERY) return;
    this.#warnedAt = clock.now();
    logger.warn('questions for recursors are refused: too many wait for an answer');
  }
}

/** The first that is one; undefined when none is. */
function firstOf(answers: readonly Promise<Buffer | undefined>[]): Promise<Buffer | undefined> {
  const wanted = answers.map(async (one) => {
    const answer = await one;
    if (answer === undefined) throw new Error('no answer');
    return answer;
  });
  return Promise.any(wanted).catch(() => undefined);
}

/** Gives each letter of the question's name a random case. */
function mix(question: Buffer): void {
  const bits = randomBytes(MAX_NAME_BYTES);
  for (let at = HEADER_BYTES; (question[at] ?? 0) !== 0; ) {
    const end = at + 1 + (question[at] as number);
    for (at++; at < end; at++) {
      const letter = (question[at] as number) | 0x20;
      if (letter < 0x61 || letter > 0x7a) continue;
      question[at] = ((bits[at - HEADER_BYTES] as number) & 1) === 0 ? letter : letter & 0xdf;
    }
  }
}
