import { isMusterError, MusterError } from '../errors.ts';
import { type BackoffPolicy, backoffDelay } from '../lib/backoff.ts';
import { type Clock, sleep, wakefulClock } from '../lib/clock.ts';
import { type Answer, type ReadOptions, RefusedError } from './connection.ts';

export interface WatchOptions extends Omit<ReadOptions, 'index'> {
  /** Told of each failed attempt; the watch goes on by itself after `delay` ms. */
  onTrouble?: (error: unknown, delay: number) => void;
  clock?: Clock;
  /** How attempts that failed are spaced. */
  backoff?: BackoffPolicy;
  /** In [0, 1). */
  random?: () => number;
}

/**
 * How long one question waits. Longer would spare nothing (a question costs well under a millisecond), and
 * `fetch` gives up on an answer that has not begun after 300 s.
 */
const DEFAULT_WAIT = '60s';
/** Quick enough for an agent that restarts, slow enough for a crowd of clients after an outage. */
const BACKOFF: BackoffPolicy = { base: 200, max: 15_000 };

/**
 * Views of something in the catalog, one for each change: `for await (const view of watch)`. A first view
 * comes at once. While the agent is away the last view stays in `last`. It ends when `signal` is aborted,
 * `close()` is called or the loop is left, and is then of no further use; it throws only what waiting cannot
 * mend (a 4xx answer).
 */
export class Watch<T> implements AsyncIterable<T> {
  /** The newest view; undefined before the first. */
  last: T | undefined;
  /** Position of the newest view. */
  index: number | undefined;
  /** Why the agent cannot be asked at the moment; undefined while all is well. */
  trouble: unknown;
  readonly #read: (options: ReadOptions) => Promise<Answer<T>>;
  readonly #options: WatchOptions;
  readonly #closed = new AbortController();

  constructor(read: (options: ReadOptions) => Promise<Answer<T>>, options: WatchOptions) {
    this.#read = read;
    this.#options = options;
  }

  close(): void {
    this.#closed.abort();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<T, void, undefined> {
    const {
      onTrouble,
      clock = wakefulClock,
      random = Math.random,
      backoff = BACKOFF,
      signal: outer,
      ...read
    } = this.#options;
    const { signal } = this.#closed;
    const onAbort = () => this.#closed.abort();
    if (outer?.aborted) onAbort();
    outer?.addEventListener('abort', onAbort, { once: true });
    let index: number | undefined;
    let failures = 0;
    try {
      while (!signal.aborted) {
        let answer: Answer<T>;
        try {
          const position = index === undefined ? {} : { index };
          answer = await this.#read({ wait: DEFAULT_WAIT, ...read, ...position, signal });
          if (answer.index === undefined) throw notWatchable();
        } catch (error) {
          if (signal.aborted) return;
          if (!passes(error)) throw error;
          this.trouble = error;
          const delay = backoffDelay(backoff, failures++, random());
          onTrouble?.(error, delay);
          await sleep(clock, delay, signal);
          continue;
        }
        failures = 0;
        this.trouble = undefined;
        // 0 would not wait at all.
        const now = Math.max(1, answer.index);
        if (now === index) continue;
        // A lower index is another history (a restored or new server): begin again from its start.
        const restarted = index !== undefined && now < index;
        index = restarted ? undefined : now;
        if (restarted) continue;
        this.last = answer.value;
        this.index = now;
        yield answer.value;
      }
    } finally {
      outer?.removeEventListener('abort', onAbort);
      this.#closed.abort();
    }
  }
}

/** True for what may be over when asked again later. */
function passes(error: unknown): boolean {
  if (error instanceof RefusedError)
    return error.status >= 500 || error.status === 429 || error.status === 408;
  return isMusterError(error, 'client.unreachable');
}

function notWatchable(): MusterError {
  return new MusterError(
    'request.invalid',
    'this cannot be watched: the agent answers it without an index. Ask for it at intervals.',
  );
}
