/** Figures of a program as families of samples, and the text in which Prometheus reads them. */

export type Labels = Readonly<Record<string, string>>;

export interface Sample {
  readonly labels: Labels;
  readonly value: number;
}

export interface HistogramSample {
  readonly labels: Labels;
  /** How many lie above the edge before and up to `bounds[i]`; the last one has those above all edges. */
  readonly counts: readonly number[];
  /** Of all values, in the unit of the family. */
  readonly sum: number;
}

export type Family = { readonly name: string; readonly help: string } & (
  | { readonly type: 'counter' | 'gauge'; readonly samples: readonly Sample[] }
  | {
      readonly type: 'histogram';
      /** Upper edges of the buckets, rising, in the unit of the family. */
      readonly bounds: readonly number[];
      readonly samples: readonly HistogramSample[];
    }
);

/** Content type of `prometheusText`. */
export const PROMETHEUS_TEXT = 'text/plain; version=0.0.4; charset=utf-8';

/** Families without samples are left out, their series being gone. */
export function prometheusText(families: Iterable<Family>): string {
  const lines: string[] = [];
  for (const family of families) {
    if (family.samples.length === 0) continue;
    const { name } = family;
    lines.push(`# HELP ${name} ${escapeHelp(family.help)}`, `# TYPE ${name} ${family.type}`);
    if (family.type === 'histogram')
      for (const sample of family.samples) lines.push(...histogramLines(name, family.bounds, sample));
    else
      for (const { labels, value } of family.samples)
        lines.push(`${name}${labelsText(labels)} ${numberText(value)}`);
  }
  return lines.length === 0 ? '' : `${lines.join('\n')}\n`;
}

function histogramLines(name: string, bounds: readonly number[], sample: HistogramSample): string[] {
  let below = 0;
  const lines = bounds.map((bound, index) => {
    below += sample.counts[index] ?? 0;
    return `${name}_bucket${labelsText(sample.labels, numberText(bound))} ${below}`;
  });
  const count = below + (sample.counts[bounds.length] ?? 0);
  return [
    ...lines,
    `${name}_bucket${labelsText(sample.labels, '+Inf')} ${count}`,
    `${name}_sum${labelsText(sample.labels)} ${numberText(sample.sum)}`,
    `${name}_count${labelsText(sample.labels)} ${count}`,
  ];
}

function labelsText(labels: Labels, edge?: string): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${escapeValue(value)}"`);
  if (edge !== undefined) pairs.push(`le="${edge}"`);
  return pairs.length === 0 ? '' : `{${pairs.join(',')}}`;
}

function numberText(value: number): string {
  if (Number.isFinite(value)) return String(value);
  return Number.isNaN(value) ? 'NaN' : value > 0 ? '+Inf' : '-Inf';
}

function escapeValue(text: string): string {
  return text.replace(/[\\"\n]/g, (char) => (char === '\n' ? '\\n' : `\\${char}`));
}

function escapeHelp(text: string): string {
  return text.replace(/[\\\n]/g, (char) => (char === '\n' ? '\\n' : '\\\\'));
}
