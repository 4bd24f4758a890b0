import { randomInt } from 'node:crypto';
import { setMaxListeners } from 'node:events';
import { isIP, isIPv6 } from 'node:net';
import { messageOf } from '../errors.ts';
import type { Clock } from '../lib/clock.ts';
import { askTcp, askUdp, type ExchangeOptions, rcodeOf } from '../lib/dns/exchange.ts';
import { FLAG, RCODE } from '../lib/dns/numbers.ts';
import { formatHostPort, type HostPort, parseHostPort } from '../lib/host-port.ts';
import type { Logger } from '../lib/log.ts';

/** Whom to ask first: always the first one, or any of them. */
export type RecursorStrategy = 'sequential' | 'random';

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
  logger: Logger;
}

/**
 * Each costs a socket, and whoever asks for names that nobody answers could make us open them without end. 512 at
 * 2 s each are 256 a second even when all servers are silent.
 */
const MAX_OUTSTANDING = 512;
/** Between two lines in the log that say so. */
const WARN_EVERY = 60_000;

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
  #warnedAt = Number.NEGATIVE_INFINITY;

  constructor(options: RecursorsOptions) {
    this.#options = options;
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
    const { clock, timeout, questionId = () => randomInt(0x10000), logger } = this.#options;
    const exchange = { clock, timeout, signal: this.#stopping.signal };
    for (const server of this.#order()) {
      if (this.#stopping.signal.aborted) return undefined;
      try {
        question.writeUInt16BE(questionId(), 0);
        const answer = await askServer(server, question, exchange);
        const rcode = rcodeOf(answer);
        if (rcode === RCODE.NOERROR || rcode === RCODE.NXDOMAIN) return answer;
        logger.debug('a recursor could not answer', { recursor: textOf(server), rcode });
      } catch (error) {
        logger.debug('a recursor did not answer', { recursor: textOf(server), error: messageOf(error) });
      }
    }
    return undefined;
  }

  #order(): readonly HostPort[] {
    const { servers, strategy, random } = this.#options;
    if (strategy === 'sequential') return servers;
    const order = [...servers];
    for (let i = order.length - 1; i > 0; i--) {
      const other = Math.floor(random() * (i + 1));
      [order[i], order[other]] = [order[other] as HostPort, order[i] as HostPort];
    }
    return order;
  }

  #warn(): void {
    const { clock, logger } = this.#options;
    if (clock.now() - this.#warnedAt < WARN_EVERY) return;
    this.#warnedAt = clock.now();
    logger.warn('questions for recursors are refused: too many wait for an answer');
  }
}

/** Over UDP, and again over TCP when that answer was cut (RFC 7766, 5). */
async function askServer(server: HostPort, question: Buffer, options: ExchangeOptions): Promise<Buffer> {
  const answer = await askUdp(server, question, options);
  return (answer.readUInt16BE(2) & FLAG.TC) === 0 ? answer : askTcp(server, question, options);
}

const textOf = ({ host, port }: HostPort): string => formatHostPort(host, port);
