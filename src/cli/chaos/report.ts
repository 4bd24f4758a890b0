/** What clients saw, on a timeline with what was done meanwhile: numbers and text only. */
import { columns } from '../columns.ts';
import type { Again } from '../load/send.ts';
import { type Latency, summarize } from '../load/summary.ts';
import { againText, count, countsText, ms } from '../load/text.ts';

export interface Sample {
  /** When the request was due, in ms from the beginning. */
  readonly at: number;
  /** In ms. */
  readonly latency: number;
  /** Undefined: it succeeded. */
  readonly failure: string | undefined;
  readonly again: Again;
}

export interface Event {
  /** In ms from the beginning. */
  readonly at: number;
  readonly kind: string;
  readonly group: string;
  /** "backend-2"; for a roll the group. */
  readonly target: string;
  /** "backend-2 is killed" */
  readonly words: string;
  /** How long it lasted, in ms; 0 for what has no duration. */
  readonly lasted: number;
  /** From its beginning until the group was whole again, in ms; undefined: it was not seen to be. */
  wholeAfter: number | undefined;
}

export interface Slice {
  /** In ms from the beginning. */
  readonly from: number;
  readonly requests: number;
  readonly failed: number;
  /** The longest of those that succeeded, in ms; null when none did. */
  readonly slowest: number | null;
  readonly events: readonly string[];
}

/** How large a group was, from a change to the next. */
export interface SizePoint {
  /** In ms from the beginning. */
  readonly at: number;
  /** How many there were to be. */
  readonly size: number;
  readonly ready: number;
}

export interface Report {
  readonly seed: number;
  readonly url: string;
  /** Of the load, in ms. */
  readonly length: number;
  readonly requests: number;
  readonly failed: number;
  readonly latency: Latency | null;
  readonly failures: Readonly<Record<string, number>>;
  readonly again: Again;
  readonly events: readonly Event[];
  /** What was to happen and could not, with the reason. */
  readonly skipped: Readonly<Record<string, number>>;
  readonly timeline: readonly Slice[];
  /** Of groups that had more than one instance at some time. */
  readonly sizes: readonly { readonly group: string; readonly points: readonly SizePoint[] }[];
}

/** Lines of the timeline at most; one for a second at least. */
const LINES = 60;

/** What a run kept about itself. */
export interface Kept {
  readonly seed: number;
  readonly url: string;
  readonly length: number;
  readonly samples: readonly Sample[];
  readonly events: readonly Event[];
  readonly skipped: Readonly<Record<string, number>>;
  readonly sizes: ReadonlyMap<string, readonly SizePoint[]>;
}

export function reportOf({ seed, url, length, samples, events, skipped, sizes }: Kept): Report {
  const good = samples.filter(({ failure }) => failure === undefined).map(({ latency }) => latency);
  const failures: Record<string, number> = {};
  const again: Again = { refused: 0, closed: 0 };
  for (const sample of samples) {
    const { failure } = sample;
    if (failure !== undefined) failures[failure] = (failures[failure] ?? 0) + 1;
    again.refused += sample.again.refused;
    again.closed += sample.again.closed;
  }
  const { latency } = summarize(good, samples.length - good.length);
  return {
    seed,
    url,
    length,
    requests: samples.length,
    failed: samples.length - good.length,
    latency,
    failures,
    again,
    events,
    skipped,
    timeline: timelineOf(length, samples, events),
    sizes: [...sizes]
      .map(([group, points]) => ({ group, points: points.filter(({ at }) => at <= length) }))
      .filter(({ points }) => points.some(({ size }) => size > 1)),
  };
}

function timelineOf(length: number, samples: readonly Sample[], events: readonly Event[]): Slice[] {
  const step = Math.max(1_000, Math.ceil(length / LINES / 1_000) * 1_000);
  const slices = Array.from({ length: Math.max(1, Math.ceil(length / step)) }, (_, i) => ({
    from: i * step,
    requests: 0,
    failed: 0,
    slowest: null as number | null,
    events: [] as string[],
  }));
  const of = (at: number) => slices[Math.min(slices.length - 1, Math.max(0, Math.floor(at / step)))]!;
  for (const { at, latency, failure } of samples) {
    const slice = of(at);
    slice.requests++;
    if (failure === undefined) slice.slowest = Math.max(slice.slowest ?? 0, latency);
    else slice.failed++;
  }
  for (const { at, words } of events) of(at).events.push(words);
  return slices;
}

const BAR = 24;

export function reportText(report: Report): string {
  const { timeline, requests, failed, latency, failures, again, events, skipped, sizes, seed } = report;
  const most = Math.max(1, ...timeline.map((slice) => slice.requests));
  const rows = timeline.map((slice) => {
    const bad = slice.failed === 0 ? 0 : Math.max(1, Math.round((slice.failed / most) * BAR));
    const good = Math.max(0, Math.round((slice.requests / most) * BAR) - bad);
    return [
      `${slice.from / 1_000} s`.padStart(6),
      `${'█'.repeat(good)}${'x'.repeat(bad)}`.padEnd(BAR),
      count(slice.requests).padStart(6),
      slice.failed === 0 ? '' : `${count(slice.failed)} failed`,
      slice.slowest === null ? '-' : `${ms(slice.slowest)} ms`,
      slice.events.join(', '),
    ];
  });
  const head = ['  from', 'requests'.padEnd(BAR), '', '', 'slowest', 'what happened'];
  const whole = events.flatMap(({ wholeAfter }) => (wholeAfter === undefined ? [] : [wholeAfter]));
  const sum: string[][] = [
    ['Requests', `${count(requests)}, failed ${count(failed)}`],
    ...(latency === null
      ? []
      : [['Latency', `p50 ${ms(latency.p50)} ms, p99 ${ms(latency.p99)} ms, max ${ms(latency.max)} ms`]]),
    ['Tried again', againText(again)],
    ...(sizes.length === 0 ? [] : [['Sizes', sizes.map(sizeText).join(', ')]]),
    ['Faults', `${count(events.length)} (seed ${seed})`],
    ...(whole.length === 0 ? [] : [['Whole again', `after ${ms(Math.max(...whole))} ms at the latest`]]),
  ];
  const lost = events.filter(({ wholeAfter }) => wholeAfter === undefined);
  return [
    columns([head, ...rows]),
    `\n${columns(sum)}`,
    ...(failed === 0 ? [] : [`\nFailures\n${countsText(failures)}`]),
    ...(Object.keys(skipped).length === 0 ? [] : [`\nLeft out\n${countsText(skipped)}`]),
    ...(lost.length === 0
      ? []
      : [`\nNot seen to be whole again\n${lost.map(({ words }) => `  ${words}\n`).join('')}`]),
  ].join('');
}

/** "backend 2 to 5" */
function sizeText({ group, points }: Report['sizes'][number]): string {
  const sizes = points.map(({ size }) => size);
  const [least, most] = [Math.min(...sizes), Math.max(...sizes)];
  return `${group} ${least === most ? least : `${least} to ${most}`}`;
}
