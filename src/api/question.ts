import { parseDuration } from '../lib/duration.ts';

/** The address of a read taken apart. */
export interface Question {
  /** The address without `index` and `wait`: what is asked, whenever it is answered. */
  readonly what: string;
  /** As `ReadOptions` has them. */
  readonly after: number;
  readonly wait: number;
}

/** Digits that a number holds exactly. */
const MAX_DIGITS = 15;

/**
 * Takes an address apart. Undefined where `index` or `wait` is written in any way that only the long way reads: twice,
 * escaped, wrong.
 */
export function questionOf(url: string): Question | undefined {
  if (!url.includes('index=') && !url.includes('wait=')) return { what: url, after: 0, wait: 0 };
  const search = url.indexOf('?');
  if (search < 0) return undefined;
  let what = url.slice(0, search);
  let between = '?';
  let [after, wait]: [number | undefined, number | undefined] = [undefined, undefined];
  for (const part of url.slice(search + 1).split('&')) {
    if (part.startsWith('index=')) {
      if (after !== undefined || !isNumber(part, 6)) return undefined;
      after = Number(part.slice(6));
    } else if (part.startsWith('wait=')) {
      if (wait !== undefined) return undefined;
      wait = durationOf(part.slice(5));
      if (wait === undefined) return undefined;
    } else {
      what += between + part;
      between = '&';
    }
  }
  return { what, after: after ?? 0, wait: wait ?? 0 };
}

function isNumber(text: string, from: number): boolean {
  if (text.length === from || text.length > from + MAX_DIGITS) return false;
  for (let i = from; i < text.length; i++) {
    const char = text.charCodeAt(i);
    if (char < 0x30 || char > 0x39) return false;
  }
  return true;
}

/** Clients name a handful of waits: the last one is remembered. */
function durationOf(text: string): number | undefined {
  if (text !== lastText) {
    lastWait = parseDuration(text);
    lastText = text;
  }
  return lastWait;
}

let lastText = '';
let lastWait: number | undefined;
