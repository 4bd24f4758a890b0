/** The trace that a request belongs to, as `traceparent` tells it (W3C Trace Context, https://www.w3.org/TR/trace-context/). */
import { randomFillSync } from 'node:crypto';

export interface Trace {
  /** 32 and 16 digits, lower-case hexadecimal. */
  readonly id: string;
  readonly span: string;
  /** Two digits: whether it is recorded. */
  readonly flags: string;
}

/** Two digits version, 32 trace, 16 parent, 2 flags; later versions may say more behind them. */
const PARENT = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/;

/** Undefined for what is no trace context: then the request begins a new one. */
export function parseTraceparent(text: string): Trace | undefined {
  const [, version, id = '', span = '', flags = '', more] = PARENT.exec(text) ?? [];
  if (version === undefined || version === 'ff' || (version === '00' && more !== undefined)) return undefined;
  return /^0+$/.test(id) || /^0+$/.test(span) ? undefined : { id, span, flags };
}

/** The same trace with a span of ours, or a new trace. It is recorded when whoever sent it says so, a new one is left to those behind us. */
export function continued(parent: Trace | undefined): Trace {
  if (parent === undefined) return { id: digits(16), span: digits(8), flags: '00' };
  // Of the flags of a later version only the first is known to us.
  return {
    id: parent.id,
    span: digits(8),
    flags: (Number.parseInt(parent.flags, 16) & 1) === 1 ? '01' : '00',
  };
}

export function traceparentOf({ id, span, flags }: Trace): string {
  return `00-${id}-${span}-${flags}`;
}

/** Random bytes are drawn in stock: one by one they cost a system call each. */
const stock = Buffer.alloc(4_096);
let used = stock.length;

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
