import type { Span } from '../lib/otlp.ts';

/** Spans wait at most so long (ms), or until there are so many. */
const FLUSH = 200;
const BATCH = 256;
/** Beyond this they are dropped, and counted: a main thread that is busy must not take our memory. 4 MB or so. */
const MOST = 4_096;

/** Spans that a worker hands to the main thread. */
export interface SpanBatch {
  readonly spans: readonly Span[];
  /** How many were dropped since the batch before. */
  readonly dropped: number;
}

/** Hands spans over in batches, the next one when the one before was taken: what waits is bounded on both sides. */
export class SpanPost {
  readonly #post: (batch: SpanBatch) => void;
  #waiting: Span[] = [];
  #dropped = 0;
  #isUnderWay = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(post: (batch: SpanBatch) => void) {
    this.#post = post;
  }

  add(spans: readonly Span[]): void {
    if (this.#waiting.length + spans.length > MOST) {
      this.#dropped += spans.length;
      return;
    }
    this.#waiting.push(...spans);
    this.#look();
  }

  /** The main thread has the last batch. */
  taken(): void {
    this.#isUnderWay = false;
    this.#look();
  }

  /** Sends what waits, whether or not the last batch was taken: the worker ends. */
  flush(): void {
    this.#isUnderWay = false;
    this.#send();
  }

  /** Sends a whole batch at once, less than that soon. */
  #look(): void {
    if (this.#waiting.length >= BATCH) this.#send();
    else if (this.#waiting.length > 0) this.#timer ??= setTimeout(() => this.#send(), FLUSH).unref();
  }

  #send(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#isUnderWay || (this.#waiting.length === 0 && this.#dropped === 0)) return;
    this.#isUnderWay = true;
    const batch = { spans: this.#waiting, dropped: this.#dropped };
    this.#waiting = [];
    this.#dropped = 0;
    this.#post(batch);
  }
}
