/** Who sends a request, by what the configuration of its route says tells people apart. For routes that ask for it only. */
import { keyOfText } from '../../balance/hash.ts';
import type { Asker } from '../../route/choice.ts';
import { latin1, sameLetters } from './bytes.ts';
import type { Engine } from './engine.ts';
import type { Forwarding } from './forwarding.ts';

/** Names that routes look for are few. */
const names = new Map<string, Uint8Array>();
const MOST_NAMES = 1_024;

function bytesOf(name: string): Uint8Array {
  let bytes = names.get(name);
  if (bytes === undefined) {
    if (names.size >= MOST_NAMES) names.clear();
    bytes = latin1(name);
    names.set(name, bytes);
  }
  return bytes;
}

/** The values of all lines of a field of the request whose head the engine has just read, joined. `name` in lower case. */
export function fieldText({ request, memory }: Engine, name: string, between = ','): string {
  const { fields } = request;
  const wanted = bytesOf(name);
  let text = '';
  for (let i = 0; i < fields.count; i++) {
    const from = fields.start[i]!;
    if (fields.colon[i]! - from !== wanted.length || !sameLetters(memory, from, wanted)) continue;
    fields.trim(memory, i);
    const { valueStart, valueEnd } = fields;
    const value = Buffer.from(memory.buffer, memory.byteOffset + valueStart, valueEnd - valueStart).toString(
      'latin1',
    );
    text = text === '' ? value : `${text}${between}${value}`;
  }
  return text;
}

/** The value of a cookie (RFC 6265 §5.4); "" without it. */
export function cookieText(engine: Engine, name: string): string {
  for (const pair of fieldText(engine, 'cookie', ';').split(';')) {
    const equals = pair.indexOf('=');
    if (equals > 0 && pair.slice(0, equals).trim() === name) return pair.slice(equals + 1).trim();
  }
  return '';
}

/** What the asker is known by; "" for one who is known by his address alone. */
export function askerText(engine: Engine, { kind, name }: Asker): string {
  if (kind === 'address') return '';
  return kind === 'header' ? fieldText(engine, name) : cookieText(engine, name);
}

/** The same as a key of balancing. */
export function askerKey(engine: Engine, asker: Asker | undefined, { clientKey }: Forwarding): number {
  const text = asker === undefined ? '' : askerText(engine, asker);
  return text === '' ? clientKey : keyOfText(text);
}
