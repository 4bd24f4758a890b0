import type { Clock } from '../lib/clock.ts';
import { askTcp, askUdp, CaseMismatch, type ExchangeOptions } from '../lib/dns/exchange.ts';
import { encodeQuery } from '../lib/dns/message.ts';
import { FLAG, HEADER_BYTES } from '../lib/dns/numbers.ts';
import { formatHostPort, type HostPort } from '../lib/host-port.ts';
import type { Logger } from '../lib/log.ts';

/** Failures in a row after which a server counts as down. One lost packet is no reason. */
const DOWN_AFTER = 3;
/** Milliseconds between probes of a server that is down; one question for the root's name servers. */
const PROBE_EVERY = 1_000;
const PROBE_TIMEOUT = 1_000;
/** Answers in another case than asked, confirmed over TCP, after which we no longer ask in mixed case. */
const FOLDS = 3;
/** Part of the newest in the mean of the times. */
const NEWEST = 0.3;
const TYPE_NS = 2;

export interface UpstreamParts {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly questionId: () => number;
  readonly signal: AbortSignal;
}

/** One name server that is asked: how well it answers. */
export class Upstream {
  readonly #server: HostPort;
  readonly #parts: UpstreamParts;
  #failures = 0;
  #folds = 0;
  #probing = false;
  /** Mean time of its answers in ms, the newest counting most; 0 before the first: unknown ones are tried. */
  rtt = 0;

  constructor(server: HostPort, parts: UpstreamParts) {
    this.#server = server;
    this.#parts = parts;
  }

  get address(): string {
    return formatHostPort(this.#server.host, this.#server.port);
  }

  get isDown(): boolean {
    return this.#failures >= DOWN_AFTER;
  }

  /** Whether it repeats questions letter by letter. */
  get keepsCase(): boolean {
    return this.#folds < FOLDS;
  }

  /** Asks, over TCP too when that is needed. Rejects when nothing comes in time. */
  async ask(question: Buffer, options: ExchangeOptions): Promise<Buffer> {
    const began = this.#parts.clock.now();
    try {
      const answer = await this.#exchange(question, options);
      const took = this.#parts.clock.now() - began;
      this.rtt = this.rtt === 0 ? took : this.rtt * (1 - NEWEST) + took * NEWEST;
      this.#recovered();
      return answer;
    } catch (error) {
      // Our own end says nothing about it.
      if (!options.signal.aborted) this.#failed();
      throw error;
    }
  }

  /** Over UDP, and again over TCP when that answer was cut (RFC 7766, 5) or had another case than was asked in. */
  async #exchange(question: Buffer, options: ExchangeOptions): Promise<Buffer> {
    let answer: Buffer;
    try {
      answer = await askUdp(this.#server, question, options);
    } catch (error) {
      if (!(error instanceof CaseMismatch)) throw error;
      return this.#askAgain(question, options);
    }
    return (answer.readUInt16BE(2) & FLAG.TC) === 0 ? answer : askTcp(this.#server, question, options);
  }

  /** Nobody else can answer over TCP; a server without it is asked as it can be. */
  async #askAgain(question: Buffer, options: ExchangeOptions): Promise<Buffer> {
    try {
      const answer = await askTcp(this.#server, question, options);
      this.#folds++;
      return answer;
    } catch {
      const lower = Buffer.from(question);
      for (let at = HEADER_BYTES; (lower[at] ?? 0) !== 0; ) {
        const end = at + 1 + (lower[at] as number);
        for (at++; at < end; at++) if (isUpper(lower[at] as number)) lower[at] = (lower[at] as number) | 0x20;
      }
      const answer = await askUdp(this.#server, lower, { ...options, exactCase: false });
      this.#folds++;
      return answer;
    }
  }

  #failed(): void {
    this.#failures++;
    if (this.#failures === DOWN_AFTER)
      this.#parts.logger.warn('a name server is silent; it is asked last until it answers', {
        server: this.address,
      });
    if (this.isDown && !this.#probing) this.#probeLater();
  }

  #recovered(): void {
    if (this.isDown) this.#parts.logger.info('a name server answers again', { server: this.address });
    this.#failures = 0;
  }

  #probeLater(): void {
    const { clock, questionId, signal } = this.#parts;
    this.#probing = true;
    clock.after(PROBE_EVERY, () => {
      this.#probing = false;
      if (signal.aborted || !this.isDown) return;
      const question = encodeQuery([], { id: questionId(), type: TYPE_NS });
      // Any answer will do: it is alive.
      askUdp(this.#server, question, { clock, timeout: PROBE_TIMEOUT, signal }).then(
        () => this.#recovered(),
        () => this.#probeLater(),
      );
    });
  }
}

const isUpper = (byte: number): boolean => byte >= 0x41 && byte <= 0x5a;
