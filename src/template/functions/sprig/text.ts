/** sprig's functions for text. */
import { createHash } from 'node:crypto';
import { readBase64 } from '../../../lib/base64.ts';
import {
  ANY,
  BOOL,
  byteLength,
  fn,
  fromBytes,
  INT,
  mapOf,
  STRING,
  STRINGS,
  sprintf,
  toBytes,
  typed,
  type Value,
  variadic,
} from '../../language/index.ts';
import { type Group, pure } from '../entry.ts';
import { digest } from '../hash.ts';
import { lower, repeated, replaceAll, trimmed, trimSpace, upper } from '../strings.ts';
import { quoted, textOf, textsOf } from './shared.ts';

const bytes = (text: string, from: number, to?: number): string =>
  fromBytes(toBytes(text).subarray(from, to));

/** Cut to a width, with dots for what is missing. */
function abbreviated(text: string, offset: number, width: number): string {
  const size = byteLength(text);
  if (size <= width) return text;
  let from = Math.min(offset, size);
  if (size - from < width - 3) from = size - (width - 3);
  if (from <= 4) return `${bytes(text, 0, width - 3)}...`;
  if (from + width - 3 < size) return `...${abbreviated(bytes(text, from), 0, width - 3)}`;
  return `...${bytes(text, size - (width - 3))}`;
}

function truncated(count: number, text: string): string {
  const size = byteLength(text);
  if (count < 0 && size + count > 0) return bytes(text, size + count);
  return count >= 0 && size > count ? bytes(text, 0, count) : text;
}

function wrapped(text: string, width: number, lineBreak: string, cuts: boolean): string {
  const limit = Math.max(1, width);
  const lines: string[] = [];
  let rest = text;
  while (rest.length > limit) {
    if (rest.startsWith(' ')) {
      rest = rest.slice(1);
      continue;
    }
    let end = rest.lastIndexOf(' ', limit);
    let next = end + 1;
    if (end === -1 && cuts) {
      end = limit;
      next = limit;
    } else if (end === -1) {
      end = rest.indexOf(' ', limit);
      if (end === -1) break;
      next = end + 1;
    }
    lines.push(rest.slice(0, end));
    rest = rest.slice(next);
  }
  return [...lines, rest].join(lineBreak);
}

/** Words of a name: at capitals, digits kept with the word before them. */
function joinedWords(text: string, connector: string): string {
  return text
    .replace(/[-_\s]/g, connector)
    .replace(/(\p{Lu}+)(\p{Lu}\p{Ll})/gu, `$1${connector}$2`)
    .replace(/([\p{Ll}\p{Lo}])(\p{Lu})/gu, `$1${connector}$2`)
    .replace(/(\p{N})(\p{Lu})/gu, `$1${connector}$2`)
    .replace(/([\p{L}])(\p{N}+)(?=\p{Ll})/gu, `$1${connector}$2`)
    .toLowerCase();
}

function camelCase(text: string): string {
  const lead = /^[-_\s]*/.exec(text)?.[0] ?? '';
  return (
    lead +
    text
      .slice(lead.length)
      .split(/[-_\s](?=[^-_\s])/)
      .map((word) => word.slice(0, 1).toUpperCase() + word.slice(1).toLowerCase())
      .join('')
  );
}

const swapCase = (text: string): string =>
  text.replace(/\p{L}/gu, (char) => (char === char.toUpperCase() ? char.toLowerCase() : char.toUpperCase()));

const capitalised = (text: string): string =>
  text.replace(/(?<![\p{L}\p{N}_])\p{L}/gu, (char) => char.toUpperCase());
const initials = (text: string): string => (text.match(/(?<!\S)\S/g) ?? []).join('');

function numbered(parts: string[]): Value {
  return typed(mapOf(STRING, STRING), new Map<Value, Value>(parts.map((part, i) => [`_${i}`, part])));
}

/** Go's SplitN. */
function splitN(text: string, separator: string, count: number): string[] {
  if (count === 0) return [];
  const parts = separator === '' ? [...text] : text.split(separator);
  if (count < 0 || parts.length <= count) return parts;
  return [...parts.slice(0, count - 1), parts.slice(count - 1).join(separator)];
}

function substring(start: number, end: number, text: string): string {
  if (start < 0) return bytes(text, 0, end);
  return bytes(text, start, end < 0 || end > byteLength(text) ? undefined : end);
}

const base32 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';

function encode32(text: string): string {
  let bits = '';
  for (const byte of toBytes(text)) bits += byte.toString(2).padStart(8, '0');
  const groups = bits.match(/.{1,5}/g) ?? [];
  const out = groups.map((group) => base32[Number.parseInt(group.padEnd(5, '0'), 2)]).join('');
  return out.padEnd(Math.ceil(out.length / 8) * 8, '=');
}

function decode32(text: string): string {
  const clean = text.replace(/[\r\n]/g, '').replace(/=+$/, '');
  const bad = [...clean].findIndex((char) => !base32.includes(char));
  if (bad !== -1) return `illegal base32 data at input byte ${bad}`;
  const bits = [...clean].map((char) => base32.indexOf(char).toString(2).padStart(5, '0')).join('');
  return fromBytes(Uint8Array.from(bits.match(/.{8}/g) ?? [], (byte) => Number.parseInt(byte, 2)));
}

function decode64(text: string): string {
  const bytes = readBase64(text);
  return 'fault' in bytes ? bytes.fault : fromBytes(bytes);
}

function adler32(text: string): string {
  let [a, b] = [1, 0];
  for (const byte of toBytes(text)) {
    a = (a + byte) % 65521;
    b = (b + a) % 65521;
  }
  return String(b * 65536 + a);
}

const one = (call: (text: string) => Value) => fn([STRING], STRING, call);
const two = (call: (first: string, text: string) => Value) => fn([STRING, STRING], STRING, call);
const counted = (call: (count: number, text: string) => Value) =>
  fn([INT, STRING], STRING, (count: bigint, text: string) => call(Number(count), text));
const test = (call: (part: string, text: string) => boolean) => fn([STRING, STRING], BOOL, call);
const indent = (spaces: number, text: string): string => {
  const pad = repeated(' ', spaces);
  return pad + text.replaceAll('\n', `\n${pad}`);
};

export const TEXT: Group = {
  abbrev: pure(
    counted((width, text) => (width < 4 ? text : abbreviated(text, 0, width))),
    'Cut to a width, with "..." at the end.',
    '{{ sprig_abbrev 5 "hello world" }}',
  ),
  abbrevboth: pure(
    fn([INT, INT, STRING], STRING, (left: bigint, right: bigint, text: string) =>
      right < 4n || (left > 0n && right < 7n) ? text : abbreviated(text, Number(left), Number(right)),
    ),
    'Cut at both ends.',
    '{{ sprig_abbrevboth 5 10 "1234 5678 9123" }}',
  ),
  trunc: pure(
    counted(truncated),
    'The first bytes; the last ones for a number below 0.',
    '{{ sprig_trunc 5 "hello world" }}',
  ),
  trim: pure(one(trimSpace), 'Without space at both ends.', '{{ sprig_trim " x " }}'),
  trimAll: pure(
    two((set, text) => trimmed(text, set)),
    'Without the characters of a set at both ends.',
    '{{ "$5" | sprig_trimAll "$" }}',
  ),
  trimall: pure(
    two((set, text) => trimmed(text, set)),
    'The same.',
    '{{ "$5" | sprig_trimall "$" }}',
  ),
  trimPrefix: pure(
    two((prefix, text) => (text.startsWith(prefix) ? text.slice(prefix.length) : text)),
    'Without a beginning.',
    '{{ sprig_trimPrefix "-" "-x" }}',
  ),
  trimSuffix: pure(
    two((suffix, text) => (text.endsWith(suffix) ? text.slice(0, text.length - suffix.length) : text)),
    'Without an end.',
    '{{ sprig_trimSuffix "-" "x-" }}',
  ),
  upper: pure(one(upper), 'Capitals.', '{{ sprig_upper "x" }}'),
  lower: pure(one(lower), 'Small letters.', '{{ sprig_lower "X" }}'),
  title: pure(one(capitalised), 'A capital in front of each word.', '{{ sprig_title "hello world" }}'),
  untitle: pure(
    one((text) => text.replace(/(?<!\S)\S/gu, (char) => char.toLowerCase())),
    'No capital in front of words.',
    '{{ sprig_untitle "Hello World" }}',
  ),
  substr: pure(
    fn([INT, INT, STRING], STRING, (start: bigint, end: bigint, text: string) =>
      substring(Number(start), Number(end), text),
    ),
    'From one byte to before another.',
    '{{ sprig_substr 0 5 "hello world" }}',
  ),
  repeat: pure(
    counted((count, text) => repeated(text, count)),
    'A text several times.',
    '{{ sprig_repeat 3 "ab" }}',
  ),
  nospace: pure(
    one((text) => text.replace(/\s/g, '')),
    'Without any space.',
    '{{ sprig_nospace "a b" }}',
  ),
  initials: pure(one(initials), 'First letters.', '{{ sprig_initials "First Try" }}'),
  swapcase: pure(one(swapCase), 'Capitals small, small letters large.', '{{ sprig_swapcase "aB" }}'),
  snakecase: pure(
    one((text) => joinedWords(text, '_')),
    'snake_case.',
    '{{ sprig_snakecase "FirstName" }}',
  ),
  camelcase: pure(one(camelCase), 'CamelCase.', '{{ sprig_camelcase "http_server" }}'),
  kebabcase: pure(
    one((text) => joinedWords(text, '-')),
    'kebab-case.',
    '{{ sprig_kebabcase "FirstName" }}',
  ),
  wrap: pure(
    counted((width, text) => wrapped(text, width, '\n', false)),
    'Lines of a width.',
    '{{ sprig_wrap 80 .Text }}',
  ),
  wrapWith: pure(
    fn([INT, STRING, STRING], STRING, (width: bigint, lineBreak: string, text: string) =>
      wrapped(text, Number(width), lineBreak || '\n', true),
    ),
    'Lines of a width with a break of their own.',
    '{{ sprig_wrapWith 5 "\\t" "Hello World" }}',
  ),
  contains: pure(
    test((part, text) => text.includes(part)),
    'Is the first in the second?',
    '{{ sprig_contains "cat" "catch" }}',
  ),
  hasPrefix: pure(
    test((part, text) => text.startsWith(part)),
    'Does the second begin with the first?',
    '{{ sprig_hasPrefix "cat" "catch" }}',
  ),
  hasSuffix: pure(
    test((part, text) => text.endsWith(part)),
    'Does the second end with the first?',
    '{{ sprig_hasSuffix "tch" "catch" }}',
  ),
  quote: pure(
    variadic([ANY], STRING, (...values: Value[]) =>
      values
        .filter((value) => value !== null)
        .map(quoted)
        .join(' '),
    ),
    'In double quotes.',
    '{{ sprig_quote "x" }}',
  ),
  squote: pure(
    variadic([ANY], STRING, (...values: Value[]) =>
      values
        .filter((value) => value !== null)
        .map((value) => `'${sprintf('%v', [value])}'`)
        .join(' '),
    ),
    'In single quotes.',
    '{{ sprig_squote "x" }}',
  ),
  cat: pure(
    variadic([ANY], STRING, (...values: Value[]) =>
      values
        .filter((value) => value !== null)
        .map((value) => sprintf('%v', [value]))
        .join(' '),
    ),
    'Joined with spaces.',
    '{{ sprig_cat "a" 1 "b" }}',
  ),
  indent: pure(counted(indent), 'Spaces in front of each line.', '{{ sprig_indent 4 .Text }}'),
  nindent: pure(
    counted((spaces, text) => `\n${indent(spaces, text)}`),
    'The same, on a new line.',
    '{{ sprig_nindent 4 .Text }}',
  ),
  replace: pure(
    fn([STRING, STRING, STRING], STRING, (from: string, to: string, text: string) =>
      replaceAll(text, from, to),
    ),
    'Every occurrence replaced.',
    '{{ "a b" | sprig_replace " " "-" }}',
  ),
  plural: pure(
    fn([STRING, STRING, INT], STRING, (single: string, many: string, count: bigint) =>
      count === 1n ? single : many,
    ),
    'One word or the other by a number.',
    '{{ len .List | sprig_plural "one" "many" }}',
  ),
  toString: pure(fn([ANY], STRING, textOf), 'A value as text.', '{{ sprig_toString 5 }}'),
  toStrings: pure(
    fn([ANY], STRINGS, (value: Value) => typed(STRINGS, textsOf(value))),
    'A list as texts.',
    '{{ sprig_toStrings .List }}',
  ),
  join: pure(
    fn([STRING, ANY], STRING, (separator: string, value: Value) => textsOf(value).join(separator)),
    'A list as one text.',
    '{{ sprig_join "_" .List }}',
  ),
  sortAlpha: pure(
    fn([ANY], STRINGS, (value: Value) => typed(STRINGS, textsOf(value).sort())),
    'A list of texts in order.',
    '{{ sprig_sortAlpha .List }}',
  ),
  split: pure(
    fn([STRING, STRING], mapOf(STRING, STRING), (separator: string, text: string) =>
      numbered(splitN(text, separator, -1)),
    ),
    'Parts of a text as a map with the keys `_0`, `_1`, ….',
    '{{ (sprig_split "$" "a$b")._0 }}',
  ),
  splitn: pure(
    fn([STRING, INT, STRING], mapOf(STRING, STRING), (separator: string, count: bigint, text: string) =>
      numbered(splitN(text, separator, Number(count))),
    ),
    'The same, at most so many parts.',
    '{{ (sprig_splitn "$" 2 "a$b$c")._1 }}',
  ),
  splitList: pure(
    fn([STRING, STRING], STRINGS, (separator: string, text: string) =>
      typed(STRINGS, splitN(text, separator, -1)),
    ),
    'Parts of a text as a list.',
    '{{ sprig_splitList "$" "a$b" }}',
  ),
  b64enc: pure(
    one((text) => Buffer.from(toBytes(text)).toString('base64')),
    'Writes base64.',
    '{{ sprig_b64enc "x" }}',
  ),
  b64dec: pure(one(decode64), 'Reads base64.', '{{ sprig_b64dec "eA==" }}'),
  b32enc: pure(one(encode32), 'Writes base32.', '{{ sprig_b32enc "x" }}'),
  b32dec: pure(one(decode32), 'Reads base32.', '{{ sprig_b32dec "PA======" }}'),
  sha1sum: pure(
    one((text) => digest('sha1', text)),
    'SHA-1.',
    '{{ sprig_sha1sum "x" }}',
  ),
  sha256sum: pure(
    one((text) => digest('sha256', text)),
    'SHA-256.',
    '{{ sprig_sha256sum "x" }}',
  ),
  sha512sum: pure(
    one((text) => createHash('sha512').update(toBytes(text)).digest('hex')),
    'SHA-512.',
    '{{ sprig_sha512sum "x" }}',
  ),
  adler32sum: pure(one(adler32), 'Adler-32.', '{{ sprig_adler32sum "x" }}'),
};
