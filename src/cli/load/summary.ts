/** What a run of load amounts to: numbers only. */

export interface Latency {
  avg: number;
  min: number;
  max: number;
  p50: number;
  p99: number;
}

export interface Bucket {
  /** Above this, in ms. */
  from: number;
  /** Up to this, in ms. */
  to: number;
  count: number;
}

export interface Summary {
  total: number;
  success: number;
  fail: number;
  /** Of what succeeded, in ms; null when nothing did. */
  latency: Latency | null;
  histogram: Bucket[];
}

/** `latencies` (ms) are those of what succeeded. */
export function summarize(latencies: readonly number[], failed: number): Summary {
  const sorted = Float64Array.from(latencies).sort();
  const count = sorted.length;
  const base = { total: count + failed, success: count, fail: failed };
  if (count === 0) return { ...base, latency: null, histogram: [] };
  return {
    ...base,
    latency: {
      avg: sorted.reduce((sum, one) => sum + one, 0) / count,
      min: sorted[0]!,
      max: sorted[count - 1]!,
      p50: percentile(sorted, 0.5),
      p99: percentile(sorted, 0.99),
    },
    histogram: histogramOf(sorted),
  };
}

/** The smallest value that is not below the given share of all (nearest rank). `sorted` must not be empty. */
export function percentile(sorted: ArrayLike<number>, share: number): number {
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)]!;
}

/** Bounds 1, 2, 5, 10, 20, 50, … ms around the values: few lines at any scale, and the same ones in every run. */
function histogramOf(sorted: Float64Array): Bucket[] {
  const buckets: Bucket[] = [];
  let at = 0;
  for (let to = boundAbove(sorted[0]!); at < sorted.length; to = boundAbove(to * 1.01)) {
    const start = at;
    while (at < sorted.length && sorted[at]! <= to) at++;
    buckets.push({ from: boundBelow(to), to, count: at - start });
  }
  return buckets;
}

/** The first of … 0.1, 0.2, 0.5, 1, 2, 5, 10 … that is not below `value`; 0.1 is the least. */
function boundAbove(value: number): number {
  if (value <= 0.1) return 0.1;
  const decade = 10 ** Math.floor(Math.log10(value));
  for (const step of [1, 2, 5, 10]) if (value <= step * decade * (1 + 1e-9)) return round(step * decade);
  return round(10 * decade);
}

function boundBelow(bound: number): number {
  if (bound <= 0.1) return 0;
  const decade = 10 ** Math.floor(Math.log10(bound * (1 + 1e-9)));
  const step = Math.round(bound / decade);
  return round(step === 1 ? decade / 2 : step === 2 ? decade : 2 * decade);
}

function round(value: number): number {
  return Number(value.toPrecision(3));
}
