/** The result of a load as a person reads it. */
import { columns } from '../columns.ts';
import type { Again } from './send.ts';
import type { Bucket, Summary } from './summary.ts';

/** Length of the longest bar, in characters. */
const BAR = 40;

export function summaryText(summary: Summary, what: 'Request' | 'Connection'): string {
  const { latency } = summary;
  const rows: [string, string][] = [
    [`Total ${what}s:`, count(summary.total)],
    [`${what} Success:`, count(summary.success)],
    [`${what} Fail:`, count(summary.fail)],
  ];
  if (latency !== null)
    for (const name of ['avg', 'min', 'max', 'p50', 'p99'] as const)
      rows.push([`${name.charAt(0).toUpperCase()}${name.slice(1)}:`, `${ms(latency[name])} ms`]);
  return columns(rows);
}

/** "status 200: 6,000" and the like, most frequent first. */
export function countsText(counts: Readonly<Record<string, number>>): string {
  const rows = Object.entries(counts).sort(([, a], [, b]) => b - a);
  return columns(rows.map(([name, times]) => [`  ${name}:`, count(times)]));
}

/** What clients did as browsers do, so that it is no failure. */
export function againText({ refused, closed }: Again): string {
  return `${count(refused)} at the next address when one refused, ${count(closed)} when a kept connection was closed`;
}

export function histogramText(buckets: readonly Bucket[]): string {
  const most = Math.max(...buckets.map((bucket) => bucket.count));
  return columns(
    buckets.map(({ to, count: times }) => [
      `  up to ${String(to).padStart(6)} ms`,
      // What is there at all is seen, however little it is.
      '█'.repeat(times === 0 ? 0 : Math.max(1, Math.round((times / most) * BAR))).padEnd(BAR),
      times === 0 ? '0' : count(times),
    ]),
  );
}

export function count(value: number): string {
  return value.toLocaleString('en-US');
}

/** Milliseconds with three figures that count: 0.42, 17.3, 2,840. */
export function ms(value: number): string {
  const digits = value < 1 ? 2 : value < 100 ? 1 : 0;
  return value.toLocaleString('en-US', { minimumFractionDigits: digits, maximumFractionDigits: digits });
}
