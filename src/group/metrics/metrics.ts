/** Numbers that an autoscaler goes by and that are asked for elsewhere: asked in the background, told from memory. */
import { messageOf } from '../../errors.ts';
import type { Clock } from '../../lib/clock.ts';
import { httpGet } from '../../lib/http-get.ts';
import { inParallel } from '../../lib/in-parallel.ts';
import type { Logger } from '../../lib/log.ts';
import { shownUrl } from '../../lib/shown-url.ts';
import type { MetricSource } from '../autoscale/signals.ts';
import type { InstanceView } from '../instance.ts';
import type { MetricReader } from '../meters.ts';
import { substitute } from '../substitute.ts';
import type { Surroundings } from '../surroundings.ts';
import { variablesOf } from '../variables.ts';
import { parseSelector, valueIn } from './exposition.ts';

/** An answer that takes longer is none; ms. */
const TIMEOUT = 3_000;
/** Pages that are asked for at a time. */
const AT_ONCE = 16;
/** A number that could not be had for so many rounds is not known any more. */
const STALE_AFTER = 3;

/** A number that was asked for. */
interface Known {
  /** When it was asked for, and answered: it was read at some moment in between. */
  readonly askedAt: number;
  readonly at: number;
  /** As it is to be told. */
  readonly value: number | undefined;
  /** As it was read: a rate needs two. */
  readonly raw: number;
}

type Asked = Extract<MetricSource, { kind: 'page' | 'query' }>;

export interface MetricsOptions {
  readonly group: string;
  readonly sources: readonly MetricSource[];
  /** Ms between two rounds. */
  readonly every: number;
  readonly surroundings: Pick<Surroundings, 'keyValue' | 'meta'>;
  readonly clock: Clock;
  readonly logger: Logger;
}

export class Metrics implements MetricReader {
  readonly #options: MetricsOptions;
  readonly #asked: readonly Asked[];
  /** By what was asked, see `keyOf`. */
  #known = new Map<string, Known>();
  #askAt = 0;
  #isAsking = false;
  /** What was wrong with each: said once. */
  readonly #faults = new Map<string, string>();

  constructor(options: MetricsOptions) {
    this.#options = options;
    this.#asked = options.sources.filter((source) => source.kind === 'page' || source.kind === 'query');
  }

  /** Asks again when it is time, without waiting for the answers. */
  look(instances: readonly InstanceView[]): void {
    const now = this.#options.clock.now();
    if (this.#asked.length === 0 || this.#isAsking || now < this.#askAt) return;
    this.#askAt = now + this.#options.every;
    this.#isAsking = true;
    void this.#ask(instances).finally(() => {
      this.#isAsking = false;
    });
  }

  nameOf(source: MetricSource): string {
    switch (source.kind) {
      case 'page':
        return source.metric;
      case 'query':
        return source.query;
      case 'key':
        return `key ${source.key}`;
      case 'meta':
        return `meta ${source.meta}`;
    }
  }

  isOfGroup(source: MetricSource): boolean {
    if (source.kind === 'page') return !isOfEach(source.url);
    return source.kind !== 'meta';
  }

  ofGroup(source: MetricSource): number | undefined {
    return source.kind === 'key'
      ? this.#options.surroundings.keyValue(source.key)
      : this.#fresh(keyOf(source));
  }

  of(source: MetricSource, instance: InstanceView): number | undefined {
    return source.kind === 'meta'
      ? this.#options.surroundings.meta(instance, source.meta)
      : this.#fresh(keyOf(source, instance.id));
  }

  #fresh(key: string): number | undefined {
    const known = this.#known.get(key);
    const { clock, every } = this.#options;
    return known !== undefined && clock.now() - known.at <= every * STALE_AFTER ? known.value : undefined;
  }

  async #ask(instances: readonly InstanceView[]): Promise<void> {
    const { group, clock } = this.#options;
    const questions = this.#asked.flatMap((source) =>
      source.kind === 'page' && isOfEach(source.url)
        ? instances.map((instance) => ({
            source,
            key: keyOf(source, instance.id),
            url: substitute(source.url, variablesOf(group, instance)),
          }))
        : [{ source, key: keyOf(source), url: urlOf(source) }],
    );
    const before = this.#known;
    const known = new Map<string, Known>();
    await inParallel(AT_ONCE, questions, async ({ source, key, url }) => {
      const last = before.get(key);
      const askedAt = clock.now();
      try {
        const { body } = await httpGet(url, { signal: AbortSignal.timeout(TIMEOUT) });
        known.set(key, this.#told(source, body, askedAt, last));
        this.#faults.delete(key);
      } catch (error) {
        if (last !== undefined) known.set(key, last);
        this.#complain(
          key,
          `${this.nameOf(source)} cannot be read from ${shownUrl(url)}: ${messageOf(error)}`,
        );
      }
    });
    this.#known = known;
  }

  #told(source: Asked, body: string, askedAt: number, last: Known | undefined): Known {
    const raw = source.kind === 'page' ? onPage(body, source.metric) : inAnswer(body);
    const at = this.#options.clock.now();
    if (source.kind === 'query' || !source.rate) return { askedAt, at, value: raw, raw };
    // The longest that it may have been: on a busy machine one answer comes late and the next at once, and what was counted in seconds would
    // be taken for that of a moment.
    const seconds = last === undefined ? 0 : (at - last.askedAt) / 1000;
    // A counter that fell began anew.
    const value = last && seconds > 0 ? (raw >= last.raw ? raw - last.raw : raw) / seconds : undefined;
    return { askedAt, at, value, raw };
  }

  #complain(key: string, fault: string): void {
    if (this.#faults.get(key) === fault) return;
    this.#faults.set(key, fault);
    this.#options.logger.warn(fault);
  }
}

function isOfEach(url: string): boolean {
  return /\$\{?(?:PORT|MUSTER_(?:INSTANCE|NUMBER))/.test(url);
}

function keyOf(source: Asked | MetricSource, instance = ''): string {
  return `${instance} ${JSON.stringify(source)}`;
}

function urlOf(source: Asked): string {
  if (source.kind === 'page') return source.url;
  const url = new URL(`${source.server.replace(/\/$/, '')}/api/v1/query`);
  url.searchParams.set('query', source.query);
  return url.href;
}

/** Throws when it is not there. */
function onPage(page: string, metric: string): number {
  const selector = parseSelector(metric);
  const value = selector && valueIn(page, selector);
  if (value === undefined) throw new Error(`there is no sample of ${metric}`);
  return value;
}

/** The sum of the series that Prometheus answers with; throws when there is none. */
function inAnswer(body: string): number {
  const { data } = JSON.parse(body) as { data?: { resultType?: string; result?: unknown } };
  const result = data?.result;
  if (!Array.isArray(result)) throw new Error('the answer is not that of a Prometheus server');
  // A scalar is [time, "value"], a vector a list of series with such a pair each.
  const pairs = data?.resultType === 'scalar' ? [result] : result.map((series) => series?.value);
  const values = pairs.map((pair) => (Array.isArray(pair) ? Number(pair[1]) : Number.NaN));
  if (values.length === 0 || values.some((value) => !Number.isFinite(value)))
    throw new Error('the query has no number as its result');
  return values.reduce((sum, value) => sum + value, 0);
}
