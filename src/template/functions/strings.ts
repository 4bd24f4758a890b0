/** Text: cut, changed, searched. */
import { readBase64 } from '../../lib/base64.ts';
import { compileGoRegexp, type GoRegexp, placesOfAll } from '../../lib/go-regexp.ts';
import {
  BOOL,
  fn,
  fromBytes,
  INT,
  STRING,
  STRING_MAP,
  STRINGS,
  toBytes,
  typed,
  type Value,
  ValueError,
} from '../language/index.ts';
import { type Group, pure } from './entry.ts';

/** Text that functions make of little: nobody means to have more. */
const MAX_TEXT = 64 * 2 ** 20;

export function repeated(text: string, count: number): string {
  if (count < 0) throw new ValueError('negative count');
  if (text.length * count > MAX_TEXT)
    throw new ValueError(`the text would be longer than ${MAX_TEXT} characters`);
  return text.repeat(count);
}

const compiled = new Map<string, GoRegexp>();
const MAX_COMPILED = 500;

/** A pattern of Go's regexp, compiled once. */
export function regexpOf(pattern: string): GoRegexp {
  let regexp = compiled.get(pattern);
  if (regexp === undefined) {
    regexp = compileGoRegexp(pattern);
    if (compiled.size >= MAX_COMPILED) compiled.clear();
    compiled.set(pattern, regexp);
  }
  return regexp;
}

/** Go's ReplaceAllString: `$1`, `${name}` and `$$` in the replacement. */
export function replaceMatches(pattern: string, replacement: string, text: string, literal = false): string {
  const regexp = regexpOf(pattern);
  let out = '';
  let end = 0;
  for (const places of placesOfAll(regexp, text)) {
    out += text.slice(end, places[0]);
    out += literal ? replacement : expanded(replacement, regexp.names, places, text);
    end = places[1] as number;
  }
  return out + text.slice(end);
}

function expanded(template: string, names: readonly string[], places: Int32Array, text: string): string {
  return template.replace(
    /\$(?:(\$)|\{([A-Za-z0-9_\p{L}]+)\}|([A-Za-z0-9_\p{L}]+))/gu,
    (_all, dollar, braced, bare) => {
      if (dollar !== undefined) return '$';
      const name = (braced ?? bare) as string;
      const group = /^\d+$/.test(name) ? Number(name) : names.lastIndexOf(name);
      const [begin = -1, stop = -1] = group < 0 ? [] : places.subarray(2 * group, 2 * group + 2);
      return begin < 0 ? '' : text.slice(begin, stop);
    },
  );
}

/** Go's strings.Trim: characters of a set, at both ends. */
export function trimmed(text: string, set: string): string {
  const characters = new Set(set);
  const all = [...text];
  let from = 0;
  let to = all.length;
  while (from < to && characters.has(all[from] as string)) from++;
  while (to > from && characters.has(all[to - 1] as string)) to--;
  return all.slice(from, to).join('');
}

/** Go's unicode.IsSpace at both ends; JavaScript's trim takes U+FEFF too, and not U+0085. */
export function trimSpace(text: string): string {
  return text.replace(
    /^[\t-\r \x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]+|[\t-\r \x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]+$/g,
    '',
  );
}

/** The first letter of each word as a capital; the others stay. */
function titled(text: string): string {
  return text.replace(/[\p{L}\p{N}\p{M}_]+(?:['’.:·][\p{L}]+)*/gu, (word) =>
    word.replace(/\p{L}/u, (letter) => letter.toUpperCase()),
  );
}

export function indented(spaces: number, text: string): string {
  if (spaces < 0) throw new ValueError('indent value must be a positive integer');
  const prefix = repeated(' ', spaces);
  return text.replace(/^(?=[^\n])/gm, prefix);
}

function decoded(text: string, url: boolean, name: string): string {
  const bytes = readBase64(text, url ? 'base64url' : 'base64');
  if ('fault' in bytes) throw new ValueError(`${name}: ${bytes.fault}`);
  return fromBytes(bytes);
}

function encoded(text: string, url: boolean): string {
  const base64 = Buffer.from(toBytes(text)).toString('base64');
  return url ? base64.replaceAll('+', '-').replaceAll('/', '_') : base64;
}

/** Nothing stands around every character: between the halves of one that takes two units there is no place. */
export function replaceAll(text: string, from: string, to: string): string {
  return from === '' ? ['', ...text, ''].join(to) : text.split(from).join(to);
}

function split(separator: string, text: string): Value {
  const whole = trimSpace(text);
  if (whole === '') return typed(STRINGS, []);
  return typed(STRINGS, separator === '' ? [...whole] : whole.split(separator));
}

function splitToMap(between: string, inside: string, text: string): Value {
  const map = new Map<Value, Value>();
  for (const part of split(between, text) as string[]) {
    const at = part.indexOf(inside);
    if (at !== -1) map.set(part.slice(0, at), part.slice(at + inside.length));
  }
  return typed(STRING_MAP, map);
}

/** Letter by letter, as Go does: none becomes two ("ß"). */
const lettersOf =
  (change: (letter: string) => string) =>
  (text: string): string =>
    /^[\0-\x7f]*$/.test(text)
      ? change(text)
      : Array.from(text, (letter) => {
          const changed = change(letter);
          return [...changed].length === 1 ? changed : letter;
        }).join('');

export const upper = lettersOf((letter) => letter.toUpperCase());
export const lower = lettersOf((letter) => letter.toLowerCase());

const text1 = (call: (text: string) => Value) => fn([STRING], STRING, call);
const text2 = (call: (first: string, text: string) => Value) => fn([STRING, STRING], STRING, call);

export const STRING_FUNCTIONS: Group = {
  base64Decode: pure(
    text1((text) => decoded(text, false, 'base64Decode')),
    'Reads base64.',
    '{{ base64Decode "aGVsbG8=" }}',
  ),
  base64Encode: pure(
    text1((text) => encoded(text, false)),
    'Writes base64.',
    '{{ base64Encode "hello" }}',
  ),
  base64URLDecode: pure(
    text1((text) => decoded(text, true, 'base64URLDecode')),
    'Reads base64 of the kind that stands in URLs.',
    '{{ base64URLDecode "Ym9sZC9vZj8-fg==" }}',
  ),
  base64URLEncode: pure(
    text1((text) => encoded(text, true)),
    'Writes base64 of the kind that stands in URLs.',
    '{{ base64URLEncode "bold" }}',
  ),
  indent: pure(
    fn([INT, STRING], STRING, (spaces: bigint, text: string) => indented(Number(spaces), text)),
    'Spaces in front of each line that is not empty.',
    '{{ key "conf" | indent 4 }}',
  ),
  join: pure(
    fn([STRING, STRINGS], STRING, (separator: string, list: string[]) => list.join(separator)),
    'A list of texts as one.',
    '{{ .Tags | join "," }}',
  ),
  regexMatch: pure(
    fn([STRING, STRING], BOOL, (pattern: string, text: string) => regexpOf(pattern).test(text)),
    "Does the pattern (Go's syntax) match somewhere in the text?",
    '{{ if .Name | regexMatch "^web-" }}',
  ),
  regexReplaceAll: pure(
    fn([STRING, STRING, STRING], STRING, (pattern: string, replacement: string, text: string) =>
      replaceMatches(pattern, replacement, text),
    ),
    'Every match replaced; `$1` stands for a group.',
    '{{ "foobar" | regexReplaceAll "o+" "0" }}',
  ),
  replaceAll: pure(
    fn([STRING, STRING, STRING], STRING, (from: string, to: string, text: string) =>
      replaceAll(text, from, to),
    ),
    'Every occurrence replaced.',
    '{{ .Name | replaceAll "-" "_" }}',
  ),
  split: pure(
    fn([STRING, STRING], STRINGS, split),
    'The parts of a text between separators.',
    '{{ range key "hosts" | split "," }}',
  ),
  splitToMap: pure(
    fn([STRING, STRING, STRING], STRING_MAP, splitToMap),
    'Pairs of a text as a map.',
    '{{ index ("a:1,b:2" | splitToMap "," ":") "a" }}',
  ),
  toLower: pure(text1(lower), 'Small letters.', '{{ key "name" | toLower }}'),
  toTitle: pure(text1(titled), 'A capital in front of each word.', '{{ key "name" | toTitle }}'),
  toUpper: pure(text1(upper), 'Capitals.', '{{ key "name" | toUpper }}'),
  trim: pure(
    text2((set, text) => trimmed(text, set)),
    'Without the characters of a set at both ends.',
    '{{ "!!x!!" | trim "!" }}',
  ),
  trimPrefix: pure(
    text2((prefix, text) => (text.startsWith(prefix) ? text.slice(prefix.length) : text)),
    'Without a beginning.',
    '{{ "web-1" | trimPrefix "web-" }}',
  ),
  trimSpace: pure(text1(trimSpace), 'Without space at both ends.', '{{ file "/etc/hostname" | trimSpace }}'),
  trimSuffix: pure(
    text2((suffix, text) => (text.endsWith(suffix) ? text.slice(0, text.length - suffix.length) : text)),
    'Without an end.',
    '{{ "a.conf" | trimSuffix ".conf" }}',
  ),
};
