/** The text format of Prometheus. */
import { LATENCY_BOUNDS } from '../../../proxy/latency-buckets.ts';
import type { Family, HistogramSample } from './families.ts';

export interface PrometheusOptions {
  /** In front of all names, e.g. "conf". */
  readonly prefix: string;
  readonly subsystem: string;
  /** Upper edges of the buckets, rising, in seconds. */
  readonly buckets: readonly number[];
}

export function prometheusText(
  families: readonly Family[],
  { prefix, subsystem, buckets }: PrometheusOptions,
): string {
  const lines: string[] = [];
  for (const family of families) {
    const name = [prefix, subsystem, family.name]
      .filter((part) => part !== '')
      .map(nameOf)
      .join('_');
    lines.push(`# HELP ${name} ${family.about}`, `# TYPE ${name} ${family.type}`);
    if (family.type === 'histogram')
      for (const sample of family.samples) lines.push(...histogramLines(name, sample, buckets));
    else for (const { labels, value } of family.samples) lines.push(`${name}${labelsOf(labels)} ${value}`);
  }
  return `${lines.join('\n')}\n`;
}

/** Our buckets are finer than most that are asked for: what lies across an edge counts above it. */
function histogramLines(
  name: string,
  { labels, count, sum, histogram }: HistogramSample,
  buckets: readonly number[],
): string[] {
  const lines = buckets.map((edge) => {
    let below = 0;
    for (let i = 0; i < histogram.length && (LATENCY_BOUNDS[i] ?? 0) <= edge * 1_000; i++)
      below += histogram[i] ?? 0;
    return `${name}_bucket${labelsOf(labels, String(edge))} ${below}`;
  });
  return [
    ...lines,
    `${name}_bucket${labelsOf(labels, '+Inf')} ${count}`,
    `${name}_sum${labelsOf(labels)} ${sum / 1_000}`,
    `${name}_count${labelsOf(labels)} ${count}`,
  ];
}

function labelsOf(labels: Readonly<Record<string, string>>, edge?: string): string {
  const all = Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1));
  if (edge !== undefined) all.push(['le', edge]);
  return all.length === 0
    ? ''
    : `{${all.map(([name, value]) => `${name}="${escapeValue(value)}"`).join(',')}}`;
}

function escapeValue(value: string): string {
  return value.replace(/[\\"\n]/g, (char) => (char === '\n' ? '\\n' : `\\${char}`));
}

function nameOf(text: string): string {
  return text.replace(/[^A-Za-z0-9_]/g, '_').toLowerCase();
}
