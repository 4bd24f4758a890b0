import { MusterError } from '../../errors.ts';
import { parseDuration } from '../../lib/duration.ts';
import type { Carried } from './signals.ts';

/** Load from this moment on until the next point. */
export interface TracePoint {
  /** Milliseconds since the beginning of the trace; rising. */
  readonly at: number;
  /** Units of work a second, for the whole group. */
  readonly load: number;
  /** What was measured of other signals, where it was. */
  readonly carried?: Carried | undefined;
}

export interface Trace {
  /** When it begins, ms since the epoch; 0 when its times are relative. */
  readonly start: number;
  readonly points: readonly TracePoint[];
}

/**
 * Reads a trace: a line for each point, "time,load". The time is a number of seconds, a duration ("1h30m") or a date
 * and time (RFC 3339). Empty lines and those that begin with "#" are passed over, and so is a first line of names.
 * Throws `request.invalid` with the line that cannot be read.
 */
export function parseTrace(text: string, name: string): Trace {
  const points: TracePoint[] = [];
  let start: number | undefined;
  let isAbsolute = false;
  for (const [index, line] of text.split(/\r?\n/).entries()) {
    const content = line.trim();
    if (content === '' || content.startsWith('#')) continue;
    const [time = '', load = '', ...rest] = content.split(/[,;\t]/).map((cell) => cell.trim());
    const at = timeOf(time);
    const amount = load === '' ? Number.NaN : Number(load);
    if (at === undefined && Number.isNaN(amount) && points.length === 0) continue;
    const wrong = (what: string) =>
      new MusterError('request.invalid', `${name}:${index + 1}: ${what}, in "${content.slice(0, 80)}"`);
    if (rest.length > 0 || at === undefined)
      throw wrong('expected "time,load", such as "60,250", "1m,250" or "2026-01-31T08:00:00Z,250"');
    if (!Number.isFinite(amount) || amount < 0) throw wrong('the load has to be a number from 0 on');
    if (start === undefined) {
      start = at.ms;
      isAbsolute = at.isAbsolute;
    } else if (at.isAbsolute !== isAbsolute) throw wrong('times are all relative or all dates');
    const last = points.at(-1);
    if (last !== undefined && at.ms - start <= last.at) throw wrong('times have to rise');
    points.push({ at: at.ms - start, load: amount });
  }
  if (points.length < 2)
    throw new MusterError(
      'request.invalid',
      `${name}: a trace needs two points at least, "time,load" on a line each`,
    );
  return { start: isAbsolute ? (start ?? 0) : 0, points };
}

function timeOf(text: string): { ms: number; isAbsolute: boolean } | undefined {
  if (/^\d+(?:\.\d+)?$/.test(text)) return { ms: Number(text) * 1000, isAbsolute: false };
  const duration = parseDuration(text);
  if (duration !== undefined) return { ms: duration, isAbsolute: false };
  const date = /^\d{4}-\d\d-\d\d[T ]\d\d:\d\d/.test(text) ? Date.parse(text) : Number.NaN;
  return Number.isNaN(date) ? undefined : { ms: date, isAbsolute: true };
}
