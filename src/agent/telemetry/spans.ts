import { type BackoffPolicy, backoffDelay } from '../../lib/backoff.ts';
import { type Clock, sleep } from '../../lib/clock.ts';
import type { Logger } from '../../lib/log.ts';
import { otlpTraces, type Resource, type Span } from '../../lib/otlp.ts';
import type { Sampler } from '../../proxy/http1/trace.ts';
import type { SpanBatch } from '../../proxy/span-post.ts';
import { VERSION } from '../../version.ts';
import { Away } from './away.ts';
import type { TracePlan } from './plan.ts';
import { post } from './post.ts';

/** The specification asks for exponential backoff with jitter: about 15 s in all, while the queue takes what comes. */
const BACKOFF: BackoffPolicy = { base: 1_000, max: 8_000 };
const ATTEMPTS = 5;
/** How long (ms) the end waits for a collector. */
const FAREWELL = 3_000;

/** Why spans were given up: no room among those that wait, refused by the collector, not taken in time. */
export type DropReason = 'queue' | 'refused' | 'unreachable';

export interface SpanExporterOptions {
  plan: TracePlan;
  resource: Resource;
  clock: Clock;
  /** In [0, 1). */
  random: () => number;
  logger: Logger;
}

/** Sends spans to a collector, in batches, one at a time. Those that find no room are dropped and counted: the traffic never waits. */
export class SpanExporter {
  /** Since the start. */
  exported = 0;
  readonly dropped: Record<DropReason, number> = { queue: 0, refused: 0, unreachable: 0 };
  readonly #options: SpanExporterOptions;
  #waiting: Span[] = [];
  #cancel: (() => void) | undefined;
  #running: Promise<void> | undefined;
  readonly #away: Away;
  readonly #stopping = new AbortController();
  readonly #givenUp = new AbortController();

  constructor(options: SpanExporterOptions) {
    this.#options = options;
    this.#away = new Away('spans', options.plan.to, options.logger);
  }

  /** Which traces are recorded. */
  get sampler(): Sampler {
    return this.#options.plan.sampler;
  }

  /** How many wait. */
  get waiting(): number {
    return this.#waiting.length;
  }

  take({ spans, dropped }: SpanBatch): void {
    const { plan, clock } = this.#options;
    const room = plan.queue - this.#waiting.length;
    for (const span of spans.slice(0, room)) this.#waiting.push(span);
    this.dropped.queue += dropped + Math.max(0, spans.length - room);
    if (this.#waiting.length >= plan.batch) this.#run();
    else if (this.#waiting.length > 0) this.#cancel ??= clock.after(plan.delay, () => this.#run());
  }

  /** Sends what waits, as far as the collector takes it soon. Idempotent. */
  async stop(): Promise<void> {
    if (this.#stopping.signal.aborted) return;
    this.#stopping.abort();
    const cancel = this.#options.clock.after(FAREWELL, () => this.#givenUp.abort());
    while (this.#waiting.length > 0 || this.#running !== undefined) {
      this.#run();
      await this.#running;
    }
    cancel();
  }

  #run(): void {
    this.#cancel?.();
    this.#cancel = undefined;
    this.#running ??= this.#sendAll().finally(() => {
      this.#running = undefined;
      // What came meanwhile and is less than a batch.
      if (this.#waiting.length > 0) this.take({ spans: [], dropped: 0 });
    });
  }

  async #sendAll(): Promise<void> {
    const { batch } = this.#options.plan;
    do {
      const spans = this.#waiting.splice(0, batch);
      if (spans.length > 0) await this.#send(spans);
    } while (this.#waiting.length >= batch || (this.#stopping.signal.aborted && this.#waiting.length > 0));
  }

  async #send(spans: readonly Span[]): Promise<void> {
    const { plan, resource, clock, random } = this.#options;
    const body = otlpTraces(spans, { resource, version: VERSION });
    for (let attempt = 0; ; attempt++) {
      const outcome = await post(plan.to, body, this.#givenUp.signal);
      if (outcome.kind === 'taken') {
        const rejected = Math.min(spans.length, outcome.rejected);
        this.exported += spans.length - rejected;
        this.dropped.refused += rejected;
        this.#away.tell(
          rejected > 0 ? `${rejected} of ${spans.length} were rejected: ${outcome.why}` : undefined,
        );
        return;
      }
      this.#away.tell(outcome.why);
      if (outcome.kind === 'refused') {
        this.dropped.refused += spans.length;
        return;
      }
      if (this.#stopping.signal.aborted || attempt === ATTEMPTS - 1) {
        this.dropped.unreachable += spans.length;
        return;
      }
      const wait = outcome.after ?? backoffDelay(BACKOFF, attempt, random());
      await sleep(clock, wait, this.#stopping.signal);
    }
  }
}
