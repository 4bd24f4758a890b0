import { ALLOW_ALL } from '../acl/authorizer.ts';
import { messageOf } from '../errors.ts';
import { Schedule } from '../health/schedule.ts';
import type { Ending } from '../lib/ending.ts';
import { extend } from '../lib/extend.ts';
import { inTurns } from '../lib/in-turns.ts';
import type { Logger } from '../lib/log.ts';
import { AnswerCache } from './answer-cache.ts';
import { blockingTime, MAX_BLOCKED } from './blocking.ts';
import type { ApiContext } from './context.ts';
import type { Exchange } from './exchange.ts';
import { acceptsGzipHeader } from './gzip.ts';
import { ParkedRead } from './parked.ts';
import { type Question, questionOf } from './question.ts';
import type { Lasting } from './reply.ts';
import { indexOf } from './watched.ts';

/** An answer as it goes out. */
interface Answer {
  /** Names and values by turns. */
  readonly head: string[];
  /** As `Encoded` has it. */
  readonly body: Buffer | string;
}

interface Ready extends Answer, Lasting {}

/** What a request asks, as its answer is kept. */
interface Asked extends Question {
  readonly key: string;
  readonly token: string;
}

/** Longer addresses carry filters that hardly come again. */
const MAX_URL = 1024;

/**
 * Answers to GET by what was asked, for clients that ask the same again and again: a look-up and one write, without routing,
 * parsing or encoding. Reads that wait for a change are parked here, and one answer serves all that ask the same.
 *
 * Under access control an answer is kept by the token and given out while the token stands for the same rights.
 */
export class ReadyAnswers {
  readonly #context: ApiContext;
  readonly #logger: Logger;
  readonly #theLongWay: (exchange: Exchange) => Promise<void>;
  readonly #stopping: Ending;
  readonly #cache: AnswerCache<Ready>;
  readonly #ends: Schedule;
  readonly #parked = new Set<ParkedRead>();
  /** Reads whose answer another one is just having made, by the key of the answer. */
  readonly #following = new Map<string, ParkedRead[]>();

  /** `theLongWay` answers a request, whatever it is, and does not reject. */
  constructor(
    context: ApiContext,
    parts: {
      logger: Logger;
      stopping: Ending;
      theLongWay: (exchange: Exchange) => Promise<void>;
    },
  ) {
    this.#context = context;
    this.#logger = parts.logger;
    this.#theLongWay = parts.theLongWay;
    this.#stopping = parts.stopping;
    this.#cache = new AnswerCache(context.catalog);
    this.#ends = new Schedule(context.clock, (error) =>
      this.#logger.error('a blocked read could not be answered', { error: messageOf(error) }),
    );
    this.#stopping.on(() => {
      for (const read of [...this.#parked]) this.#end(read);
    });
  }

  /** Hot path. False when the request has to go the long way. */
  serve(exchange: Exchange): boolean {
    if (this.#stopping.ended) return false;
    const asked = this.#asked(exchange);
    if (asked === undefined) return false;
    const ready = this.#find(asked.key, asked.token);
    if (ready === undefined) return false;
    const { after } = asked;
    if (after > 0 && ready.index <= after) {
      if (this.#context.catalog.watches.size >= MAX_BLOCKED) return false;
      this.#park(exchange, extend(asked, { watched: ready.watched }));
    } else this.#give(exchange, ready);
    return true;
  }

  /** Remembers an answer, where it may be given again. */
  keep(exchange: Exchange, answer: Answer, lasting: Lasting): void {
    const asked = this.#asked(exchange);
    if (asked === undefined || asked.after > 0 !== lasting.isBlocking) return;
    // As in `shared.ts`.
    const isRare = asked.after === 0 && asked.what.includes('filter=');
    this.#cache.set(asked.key, { ...answer, ...lasting }, { ...lasting, bytes: answer.body.length, isRare });
  }

  #asked({ method, rawHeaders, url }: Exchange): Asked | undefined {
    const underControl = this.#context.acl !== undefined;
    if (method !== 'GET' || url.length > MAX_URL || (underControl && url.includes('token=')))
      return undefined;
    let [zipped, token]: [boolean | undefined, string | undefined] = [undefined, undefined];
    // `request.headers` would be made for this; by its length a name is told from most others.
    for (let i = 0; i < rawHeaders.length; i += 2) {
      const name = rawHeaders[i] as string;
      switch (name.length) {
        case 13:
          if (underControl && name.toLowerCase() === 'authorization') return undefined;
          break;
        case 14: {
          const lower = name.toLowerCase();
          if (lower === 'content-length') return undefined;
          if (!underControl || lower !== 'x-consul-token') break;
          // Twice in one head, here and below: rare, and the long way joins them.
          if (token !== undefined) return undefined;
          token = rawHeaders[i + 1] as string;
          break;
        }
        case 15:
          if (name.toLowerCase() !== 'accept-encoding') break;
          if (zipped !== undefined) return undefined;
          zipped = acceptsGzipHeader(rawHeaders[i + 1] as string);
          break;
        case 17:
          if (name.toLowerCase() === 'transfer-encoding') return undefined;
          break;
        case 18:
          // Refused, wherever namespaces count.
          if (name.toLowerCase() === 'x-consul-namespace') return undefined;
      }
    }
    const question = questionOf(url);
    if (question === undefined) return undefined;
    // No address that is answered begins with a z, and neither it nor a token has a line feed.
    const form = zipped ? `z${question.what}` : question.what;
    const key = token === undefined ? form : `${token}\n${form}`;
    return extend(question, { key, token: token ?? '' });
  }

  #find(key: string, token: string): Ready | undefined {
    const ready = this.#cache.get(key);
    const { acl } = this.#context;
    const authorizer = acl === undefined ? ALLOW_ALL : acl.authorizer(token);
    return ready?.authorizer === authorizer ? ready : undefined;
  }

  #give(exchange: Exchange, ready: Answer, since?: number): void {
    exchange.answer(200, ready.head, ready.body);
    const { counts, clock } = this.#context;
    const { url } = exchange;
    counts?.count(url, 200);
    if (!this.#logger.hears('debug')) return;
    const ms = since === undefined ? 0 : clock.now() - since;
    this.#logger.debug('request', { method: 'GET', path: url.split('?', 1)[0], status: 200, ms });
  }

  #park(
    exchange: Exchange,
    parts: Pick<ParkedRead, 'watched' | 'key' | 'token' | 'what' | 'after'> & { wait: number },
  ): void {
    const { catalog, clock, random, settings } = this.#context;
    const read = new ParkedRead(extend(parts, { exchange, since: clock.now() }), this.#wake);
    this.#parked.add(read);
    catalog.watches.add(read);
    read.cancel = this.#ends.after(blockingTime(parts.wait, random(), settings), () => this.#end(read));
    exchange.whenOver(() => {
      if (read.live) this.#release(read);
    });
  }

  #release(read: ParkedRead): void {
    this.#context.catalog.watches.remove(read);
    this.#parked.delete(read);
    read.cancel();
  }

  readonly #wake = (read: ParkedRead): void => {
    if (indexOf(this.#context.catalog, read.watched) <= read.after) return;
    this.#release(read);
    this.#answer(read);
  };

  /** The wait is over, or the server stops: the answer is as of now. */
  #end(read: ParkedRead): void {
    this.#release(read);
    read.exchange.url = read.what;
    this.#answer(read);
  }

  #answer(read: ParkedRead): void {
    const { exchange, key } = read;
    if (exchange.isGone) return;
    // The long way also says that the connection ends.
    const ready = this.#stopping.ended ? undefined : this.#find(key, read.token);
    const following = this.#following.get(key);
    if (ready !== undefined) this.#give(exchange, ready, read.since);
    else if (following !== undefined) following.push(read);
    else void this.#lead(read);
  }

  /** Has the answer made for `read`, and gives it to those who wait for the same meanwhile. */
  async #lead({ exchange, key }: ParkedRead): Promise<void> {
    const following: ParkedRead[] = [];
    this.#following.set(key, following);
    await this.#theLongWay(exchange);
    this.#following.delete(key);
    inTurns(following, this.#follow);
  }

  readonly #follow = (read: ParkedRead): void => {
    const { exchange, key, token, since } = read;
    if (exchange.isGone) return;
    const ready = this.#stopping.ended ? undefined : this.#find(key, token);
    if (ready !== undefined) this.#give(exchange, ready, since);
    // There was nothing to be kept, e.g. because the key is gone.
    else void this.#theLongWay(exchange);
  };
}
