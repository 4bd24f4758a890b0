/**
 * By which scheme a client asked, where a proxy in front of us tells it: in X-Forwarded-Proto or in Forwarded. Where one of them is
 * missing the other speaks for both, as in fabio. Hot path: no allocation.
 */
import { CLASS, DIGIT, DOT, latin1, sameLetters, TOKEN, textOf } from './bytes.ts';
import { type Fields, FORWARDED, X_FORWARDED_PROTO } from './fields.ts';

const PROTO = latin1('proto=');
const QUOTE = 34;
const PLUS = 43;
const DASH = 45;

/**
 * Sets `valueStart` and `valueEnd` to what is told. False when nothing is, or both fields are there and stand for themselves. Only what
 * can be a scheme counts (RFC 3986 §3.1), so that nothing else gets from the one field into the other.
 */
export function findToldScheme(memory: Uint8Array, fields: Fields): boolean {
  const isProto = fields.has(X_FORWARDED_PROTO);
  if (isProto === fields.has(FORWARDED)) return false;
  fields.trim(memory, fields.find(isProto ? X_FORWARDED_PROTO : FORWARDED));
  const end = fields.valueEnd;
  const from = isProto ? fields.valueStart : behindProto(memory, fields.valueStart, end);
  let to = from;
  while (to < end && isSchemeByte(memory[to]!)) to++;
  if (to === from || !isLetter(memory[from]!) || (isProto && to < end)) return false;
  fields.valueStart = from;
  fields.valueEnd = to;
  return true;
}

/** The same as a text; "" when nothing is told. */
export function toldScheme(memory: Uint8Array, fields: Fields): string {
  return findToldScheme(memory, fields) ? textOf(memory, fields.valueStart, fields.valueEnd) : '';
}

/** Behind the first `proto=` that is a parameter of its own; `end` without one. */
function behindProto(memory: Uint8Array, start: number, end: number): number {
  for (let at = start; at + PROTO.length < end; at++) {
    const isName = at === start || (CLASS[memory[at - 1]!]! & TOKEN) === 0;
    if (!isName || !sameLetters(memory, at, PROTO)) continue;
    const behind = at + PROTO.length;
    return memory[behind] === QUOTE ? behind + 1 : behind;
  }
  return end;
}

function isLetter(byte: number): boolean {
  const lower = byte | 32;
  return lower >= 97 && lower <= 122;
}

function isSchemeByte(byte: number): boolean {
  return isLetter(byte) || (CLASS[byte]! & DIGIT) !== 0 || byte === PLUS || byte === DASH || byte === DOT;
}
