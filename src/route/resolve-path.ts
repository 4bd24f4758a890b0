/** Paths without dot segments and empty ones (RFC 3986 §5.2.4, §6.2.2), so that a route is found for what the instance will see. */
import { unitAt } from './path-trie.ts';

const SLASH = 0x2f;
const DOT = 0x2e;

/**
 * Resolves the path in [start, end) where it stands; the answer is its new end, never behind the old one. Escaped dots count as
 * dots and escaped slashes as slashes, since routes are compared decoded; ".." at the root stays there. A path with nothing to
 * resolve keeps every byte; in another one all slashes come out plain. Allocates nothing.
 */
export function resolvePath(bytes: Uint8Array, start: number, end: number): number {
  if (start === end || bytes[start] !== SLASH || isResolved(bytes, start, end)) return end;
  let out = start;
  for (let p = start; p < end; ) {
    const from = p + lengthAt(bytes, p, end);
    const to = segmentEnd(bytes, from, end);
    const dots = dotsOf(bytes, from, to);
    if (dots === 2) while (out > start && bytes[--out] !== SLASH);
    if (dots < 0 || to === end) bytes[out++] = SLASH;
    if (dots < 0) {
      bytes.copyWithin(out, from, to);
      out += to - from;
    }
    p = to;
  }
  return out;
}

/**
 * Where a resolved path goes on whose beginning up to `at` was cut off: behind dots, when those are all that the cut left of its segment.
 * They lead nowhere at the root, and behind another prefix they would lead out of it.
 */
export function behindDots(bytes: Uint8Array, at: number, end: number): number {
  const to = segmentEnd(bytes, at, end);
  return dotsOf(bytes, at, to) > 0 ? to : at;
}

function isResolved(bytes: Uint8Array, start: number, end: number): boolean {
  for (let p = start; p < end; ) {
    const from = p + lengthAt(bytes, p, end);
    p = segmentEnd(bytes, from, end);
    const dots = dotsOf(bytes, from, p);
    // An empty segment at the end is the slash of a folder.
    if (dots > 0 || (dots === 0 && p < end)) return false;
  }
  return true;
}

function lengthAt(bytes: Uint8Array, at: number, end: number): number {
  return unitAt(bytes, at, end, false) >>> 8;
}

function segmentEnd(bytes: Uint8Array, from: number, end: number): number {
  let p = from;
  while (p < end) {
    const unit = unitAt(bytes, p, end, false);
    if ((unit & 0xff) === SLASH) break;
    p += unit >>> 8;
  }
  return p;
}

/** How many dots a segment is, up to two; -1 for one that is a name. */
function dotsOf(bytes: Uint8Array, from: number, to: number): number {
  let dots = 0;
  for (let p = from; p < to; dots++) {
    const unit = unitAt(bytes, p, to, false);
    if ((unit & 0xff) !== DOT || dots === 2) return -1;
    p += unit >>> 8;
  }
  return dots;
}
