/** Metrics as lines of text, under the names that fabio gives them where there are no labels. */
import { LATENCY_BOUNDS, quantile } from '../../../proxy/latency-buckets.ts';
import type { Family, HistogramSample, Sample } from './families.ts';
import type { RouteMetric } from './names.ts';

type Labels = Readonly<Record<string, string>>;

interface Format {
  /** `flat` has what the labels say in it. */
  name(prefix: string, name: string, flat: string): string;
  /** What stands behind the value. */
  tags(labels: Labels): string;
  /** What a time is called. */
  readonly time: 'ms' | 'h';
}

const dotted = (prefix: string, name: string) => (prefix === '' ? name : `${prefix}.${name}`);
const tagsOf = (labels: Labels, nameOf = (name: string) => name): string => {
  const tags = Object.entries(labels).map(([name, value]) => `${nameOf(name)}:${value}`);
  return tags.length === 0 ? '' : `|#${tags.join(',')}`;
};
/** Names that mean something else there. */
const RESERVED: readonly string[] = ['host', 'device', 'source', 'service', 'env', 'version'];

/** Lines of statsd and its kin. Over the network the prefix stands in front as it was written, as in fabio. */
export const FORMATS = {
  statsd: { name: (prefix, _, flat) => prefix + flat, tags: () => '', time: 'ms' },
  dogstatsd: {
    name: (prefix, name) => prefix + name,
    tags: (labels) => tagsOf(labels, (name) => (RESERVED.includes(name) ? `fabio-${name}` : name)),
    time: 'h',
  },
  flat: { name: (prefix, _, flat) => dotted(prefix, flat), tags: () => '', time: 'ms' },
  label: { name: dotted, tags: (labels) => tagsOf(labels), time: 'ms' },
} as const satisfies Record<string, Format>;

export interface Naming {
  readonly prefix: string;
  readonly routeName: (route: RouteMetric) => string;
}

/** "http.status.code.200"; a route's metrics have the name that was configured, with the last part of their own: "web.a_test./.rx". */
function flatName(name: string, { labels, route }: Pick<Sample, 'labels' | 'route'>, naming: Naming): string {
  if (route === undefined) return [name, ...Object.entries(labels).flat()].join('.');
  const dot = name.lastIndexOf('.');
  return naming.routeName(route) + (dot < 0 ? '' : name.slice(dot));
}

/** What was added to numbers since the last round. */
class Added {
  #before = new Map<string, readonly number[]>();
  #now = new Map<string, readonly number[]>();

  of(key: string, values: readonly number[]): number[] {
    const before = this.#before.get(key);
    this.#now.set(key, values);
    return values.map((value, i) => {
      const last = before?.[i] ?? 0;
      // Less than before: it began anew.
      return value >= last ? value - last : value;
    });
  }

  /** What was not asked for in this round is forgotten. */
  endRound(): void {
    this.#before = this.#now;
    this.#now = new Map();
  }
}

const keyOf = (name: string, labels: Labels): string => JSON.stringify([name, labels]);

/** "name:value|c" for each counter that rose, each gauge, and each time that requests took, those that took alike as one with a rate. */
export class StatsdLines {
  readonly #format: Format;
  readonly #naming: Naming;
  readonly #added = new Added();

  constructor(format: Format, naming: Naming) {
    this.#format = format;
    this.#naming = naming;
  }

  lines(families: readonly Family[]): string[] {
    const lines: string[] = [];
    const { time, name: nameOf, tags: behind } = this.#format;
    for (const family of families)
      for (const sample of family.samples) {
        const { labels } = sample;
        const name = nameOf(this.#naming.prefix, family.name, flatName(family.name, sample, this.#naming));
        const tags = behind(labels);
        const key = keyOf(family.name, labels);
        if (!('value' in sample))
          for (const [ms, count] of this.#times(key, sample))
            lines.push(`${name}:${ms.toFixed(3)}|${time}${rateOf(count)}${tags}`);
        else if (family.type === 'gauge') lines.push(`${name}:${sample.value}|g${tags}`);
        else {
          const [more = 0] = this.#added.of(key, [sample.value]);
          if (more > 0) lines.push(`${name}:${more}|c${tags}`);
        }
      }
    this.#added.endRound();
    return lines;
  }

  /** Times that were added, each with how often; their sum is right, each of them is as exact as its bucket. */
  #times(key: string, { sum, histogram }: HistogramSample): [ms: number, count: number][] {
    const [all = 0, ...counts] = this.#added.of(key, [sum, ...histogram]);
    const times = counts.flatMap((count, i): [number, number][] =>
      count === 0 ? [] : [[((LATENCY_BOUNDS[i - 1] ?? 0) + LATENCY_BOUNDS[i]!) / 2, count]],
    );
    const guessed = times.reduce((total, [ms, count]) => total + ms * count, 0);
    return times.map(([ms, count]) => [(ms * all) / guessed, count]);
  }
}

/** So that a server counts as many as there were. */
function rateOf(count: number): string {
  return count === 1 ? '' : `|@${(1 / count).toFixed(9)}`;
}

const QUANTILES = [50, 90, 95, 99] as const;

/** "name value time": what was added to counters, gauges, and of times (ms) some quantiles since the start. */
export class GraphiteLines {
  readonly #naming: Naming;
  readonly #added = new Added();

  constructor(naming: Naming) {
    this.#naming = naming;
  }

  /** `now`: seconds since the epoch. */
  lines(families: readonly Family[], now: number): string[] {
    const lines: string[] = [];
    for (const family of families)
      for (const sample of family.samples) {
        const name = this.#naming.prefix + flatName(family.name, sample, this.#naming);
        if ('value' in sample) {
          const [more = 0] = this.#added.of(keyOf(family.name, sample.labels), [sample.value]);
          lines.push(`${name} ${family.type === 'gauge' ? sample.value : more} ${now}`);
        } else
          for (const percent of QUANTILES) {
            const ms = quantile(sample.histogram, sample.count, percent / 100);
            lines.push(`${name}.p${percent} ${ms.toFixed(3)} ${now}`);
          }
      }
    this.#added.endRound();
    return lines;
  }
}
