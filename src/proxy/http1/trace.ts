/** The trace that a request belongs to, as `traceparent` tells it (W3C Trace Context, https://www.w3.org/TR/trace-context/). */
import { randomFillSync } from 'node:crypto';

/** What a request says of its trace. */
export interface Parent {
  /** 32 and 16 digits, lower-case hexadecimal. */
  readonly id: string;
  readonly span: string;
  /** Two digits: whether it is recorded. */
  readonly flags: string;
}

/** A trace as it goes on here. */
export interface Trace extends Parent {
  /** The span that the request came with; "" for the first of its trace. */
  readonly parent: string;
}

/** Which traces are recorded. Plain data. */
export interface Sampler {
  /** Share in [0, 1] of the traces that nobody before us has decided on. */
  readonly ratio: number;
  /** What is decided already stays so; else `ratio` is for all. */
  readonly heedsParent: boolean;
}

/** Two digits version, 32 trace, 16 parent, 2 flags; later versions may say more behind them. */
const PARENT = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/;

/** Undefined for what is no trace context: then the request begins a new one. */
export function parseTraceparent(text: string): Parent | undefined {
  const [, version, id = '', span = '', flags = '', more] = PARENT.exec(text) ?? [];
  if (version === undefined || version === 'ff' || (version === '00' && more !== undefined)) return undefined;
  return /^0+$/.test(id) || /^0+$/.test(span) ? undefined : { id, span, flags };
}

/**
 * The same trace with a span of ours, or a new trace. Without a sampler it is recorded when whoever sent it says so, and a new one is
 * left to those behind us.
 */
export function continued(parent: Parent | undefined, sampler?: Sampler): Trace {
  const id = parent?.id ?? digits(16);
  // Of the flags of a later version only the first is known to us.
  const wasSampled = parent === undefined ? undefined : (Number.parseInt(parent.flags, 16) & 1) === 1;
  const flags = isSampled(id, wasSampled, sampler) ? SAMPLED : '00';
  return { id, span: digits(8), flags, parent: parent?.span ?? '' };
}

/** The flags of a trace that is recorded. */
export const SAMPLED = '01';

/** Digits of a trace's id that a share is measured by: those that are random in all of them (52 of the 56 bits of Trace Context level 2, exact in a number). */
const RANDOM_DIGITS = 13;
const RANDOM_RANGE = 16 ** RANDOM_DIGITS;

/** Everybody who takes the same share takes the same traces: it depends on nothing but their ids. */
function isSampled(id: string, wasSampled: boolean | undefined, sampler: Sampler | undefined): boolean {
  if (wasSampled !== undefined && sampler?.heedsParent !== false) return wasSampled;
  if (sampler === undefined) return false;
  return Number.parseInt(id.slice(-RANDOM_DIGITS), 16) >= (1 - sampler.ratio) * RANDOM_RANGE;
}

export function traceparentOf({ id, span, flags }: Parent): string {
  return `00-${id}-${span}-${flags}`;
}

/** Random bytes are drawn in stock: one by one they cost a system call each. */
const stock = Buffer.alloc(4_096);
let used = stock.length;

/** The id of a further span. */
export function spanId(): string {
  return digits(8);
}

/** So many random bytes in hexadecimal. Never all zero, which means nothing. */
function digits(bytes: number): string {
  if (used + bytes > stock.length) {
    randomFillSync(stock);
    used = 0;
  }
  const text = stock.toString('hex', used, used + bytes);
  used += bytes;
  return /^0+$/.test(text) ? digits(bytes) : text;
}
