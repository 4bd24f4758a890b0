/** sprig's functions that look at what a value is, and those that choose. */
import { randomBytes, randomUUID } from 'node:crypto';
import path from 'node:path';
import { placesOfAll } from '../../../lib/go-regexp.ts';
import {
  ANY,
  BOOL,
  fn,
  INT,
  isStruct,
  Scalar,
  STRING,
  STRINGS,
  truth,
  typed,
  typeName,
  typeOf,
  type Value,
  ValueError,
  variadic,
} from '../../language/index.ts';
import { bound, type Group, own, pure } from '../entry.ts';
import { encodeJson } from '../json.ts';
import { parseJson } from '../parse.ts';
import { regexpOf, replaceMatches } from '../strings.ts';
import { isEmpty } from './shared.ts';

/** Go's reflect.DeepEqual: the same type, the same parts. */
export function deepEqual(a: Value, b: Value): boolean {
  if (a === b) return true;
  if (a === null || b === null || a === undefined || b === undefined) return (a ?? null) === (b ?? null);
  if (typeName(a) !== typeName(b)) return false;
  if (a instanceof Scalar && b instanceof Scalar) return a.value === b.value;
  if (Array.isArray(a) && Array.isArray(b))
    return a.length === b.length && a.every((one, i) => deepEqual(one, b[i]));
  if (a instanceof Map && b instanceof Map)
    return a.size === b.size && [...a].every(([key, one]) => b.has(key) && deepEqual(one, b.get(key)));
  if (a instanceof Uint8Array && b instanceof Uint8Array) return Buffer.compare(a, b) === 0;
  if (isStruct(a) && isStruct(b))
    return [...(typeOf(a)?.elem?.fields?.keys() ?? [])].every((name) => deepEqual(a[name], b[name]));
  return false;
}

const kindOf = (value: Value): string => {
  const type = typeOf(value);
  return type === undefined ? 'invalid' : type.kind === 'pointer' ? 'ptr' : type.kind;
};

const ALPHABETS = {
  randAlphaNum: 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789',
  randAlpha: 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz',
  randNumeric: '0123456789',
  randAscii: Array.from({ length: 95 }, (_, i) => String.fromCharCode(32 + i)).join(''),
} as const;

/** Longest random text. */
const MOST = 100_000n;

function randomText(alphabet: string, count: bigint): string {
  if (count < 0n || count > MOST) throw new ValueError(`cannot make ${count} characters: from 0 to ${MOST}`);
  return Array.from(randomBytes(Number(count) * 4).values())
    .reduce<number[]>((all, byte, i) => {
      if (i % 4 === 0) all.push(byte);
      else all[all.length - 1] = (all.at(-1) as number) * 256 + byte;
      return all;
    }, [])
    .map((word) => alphabet[word % alphabet.length])
    .join('');
}

const json = (pretty: boolean, escapeHtml: boolean) =>
  fn([ANY], STRING, (value: Value) => encodeJson(value, { pretty, escapeHtml }));

function orElse(call: () => Value, otherwise: Value): Value {
  try {
    return call();
  } catch {
    return otherwise;
  }
}

const found = (pattern: string, text: string, most: number): string[] =>
  placesOfAll(regexpOf(pattern), text, most < 0 ? Number.POSITIVE_INFINITY : most).map((places) =>
    text.slice(places[0], places[1]),
  );

/** Go's regexp.Split. */
function splitBy(pattern: string, text: string, most: bigint): string[] {
  if (most === 0n) return [];
  if (pattern !== '' && text === '') return [''];
  const parts: string[] = [];
  let from = 0;
  let end = 0;
  for (const places of placesOfAll(regexpOf(pattern), text)) {
    if (most > 0n && parts.length >= Number(most) - 1) break;
    end = places[0] as number;
    const next = places[1] as number;
    if (next !== 0) parts.push(text.slice(from, end));
    from = next;
  }
  return end === text.length ? parts : [...parts, text.slice(from)];
}

const strings = (list: string[]): Value => typed(STRINGS, list);
const onPath = (call: (text: string) => Value) => fn([STRING], STRING, call);
const clean = (text: string): string => {
  const normal = path.posix.normalize(text);
  return normal.length > 1 && normal.endsWith('/') ? normal.slice(0, -1) : normal;
};

const REGEXPS: Group = {
  regexMatch: pure(
    fn([STRING, STRING], BOOL, (pattern: string, text: string) =>
      orElse(() => regexpOf(pattern).test(text), false),
    ),
    'Does the pattern match?',
    '{{ sprig_regexMatch "^a" "abc" }}',
  ),
  mustRegexMatch: pure(
    fn([STRING, STRING], BOOL, (pattern: string, text: string) => regexpOf(pattern).test(text)),
    'The same.',
    '{{ sprig_mustRegexMatch "^a" "abc" }}',
  ),
  regexFind: pure(
    fn([STRING, STRING], STRING, (pattern: string, text: string) => found(pattern, text, 1)[0] ?? ''),
    'The first match.',
    '{{ sprig_regexFind "[a-z]+" "12ab" }}',
  ),
  mustRegexFind: pure(
    fn([STRING, STRING], STRING, (pattern: string, text: string) => found(pattern, text, 1)[0] ?? ''),
    'The same.',
    '{{ sprig_mustRegexFind "[a-z]+" "12ab" }}',
  ),
  regexFindAll: pure(
    fn([STRING, STRING, INT], STRINGS, (pattern: string, text: string, most: bigint) =>
      strings(found(pattern, text, Number(most))),
    ),
    'All matches, or the first so many.',
    '{{ sprig_regexFindAll "[0-9]" "1a2b" -1 }}',
  ),
  mustRegexFindAll: pure(
    fn([STRING, STRING, INT], STRINGS, (pattern: string, text: string, most: bigint) =>
      strings(found(pattern, text, Number(most))),
    ),
    'The same.',
    '{{ sprig_mustRegexFindAll "[0-9]" "1a2b" -1 }}',
  ),
  regexReplaceAll: pure(
    fn([STRING, STRING, STRING], STRING, (pattern: string, text: string, to: string) =>
      replaceMatches(pattern, to, text),
    ),
    'Every match replaced.',
    '{{ sprig_regexReplaceAll "a(x*)b" "-ab-axxb-" "$1" }}',
  ),
  mustRegexReplaceAll: pure(
    fn([STRING, STRING, STRING], STRING, (pattern: string, text: string, to: string) =>
      replaceMatches(pattern, to, text),
    ),
    'The same.',
    '{{ sprig_mustRegexReplaceAll "a" "abc" "b" }}',
  ),
  regexReplaceAllLiteral: pure(
    fn([STRING, STRING, STRING], STRING, (pattern: string, text: string, to: string) =>
      replaceMatches(pattern, to, text, true),
    ),
    'Every match replaced by the text as it stands.',
    '{{ sprig_regexReplaceAllLiteral "a" "abc" "$1" }}',
  ),
  mustRegexReplaceAllLiteral: pure(
    fn([STRING, STRING, STRING], STRING, (pattern: string, text: string, to: string) =>
      replaceMatches(pattern, to, text, true),
    ),
    'The same.',
    '{{ sprig_mustRegexReplaceAllLiteral "a" "abc" "$1" }}',
  ),
  regexSplit: pure(
    fn([STRING, STRING, INT], STRINGS, (pattern: string, text: string, most: bigint) =>
      strings(splitBy(pattern, text, most)),
    ),
    'Parts between matches.',
    '{{ sprig_regexSplit "z+" "pizza" -1 }}',
  ),
  mustRegexSplit: pure(
    fn([STRING, STRING, INT], STRINGS, (pattern: string, text: string, most: bigint) =>
      strings(splitBy(pattern, text, most)),
    ),
    'The same.',
    '{{ sprig_mustRegexSplit "z+" "pizza" -1 }}',
  ),
  regexQuoteMeta: pure(
    fn([STRING], STRING, (text: string) => text.replace(/[\\.+*?()|[\]{}^$]/g, '\\$&')),
    'A text as a pattern that matches it.',
    '{{ sprig_regexQuoteMeta "1.2" }}',
  ),
};

const ENCODINGS: Group = {
  fromJson: pure(
    fn([STRING], ANY, (text: string) => orElse(() => (text === '' ? null : parseJson(text)), null)),
    'JSON as a value.',
    '{{ sprig_fromJson "[1]" }}',
  ),
  mustFromJson: pure(
    fn([STRING], ANY, (text: string) => {
      if (text === '') throw new ValueError('unexpected end of JSON input');
      return parseJson(text);
    }),
    'The same.',
    '{{ sprig_mustFromJson "[1]" }}',
  ),
  toJson: pure(json(false, true), 'A value as JSON.', '{{ sprig_toJson .List }}'),
  mustToJson: pure(json(false, true), 'The same.', '{{ sprig_mustToJson .List }}'),
  toPrettyJson: pure(json(true, true), 'Over several lines.', '{{ sprig_toPrettyJson .List }}'),
  mustToPrettyJson: pure(json(true, true), 'The same.', '{{ sprig_mustToPrettyJson .List }}'),
  toRawJson: pure(json(false, false), '`<`, `>` and `&` stay.', '{{ sprig_toRawJson .List }}'),
  mustToRawJson: pure(json(false, false), 'The same.', '{{ sprig_mustToRawJson .List }}'),
};

export const REFLECTION: Group = {
  default: pure(
    variadic([ANY, ANY], ANY, (otherwise: Value, ...given: Value[]) =>
      given.length === 0 || isEmpty(given[0]) ? otherwise : given[0],
    ),
    'The second, or the first when it is empty.',
    '{{ key "a" | sprig_default "b" }}',
  ),
  empty: pure(fn([ANY], BOOL, isEmpty), 'Is it empty?', '{{ sprig_empty "" }}'),
  coalesce: pure(
    variadic([ANY], ANY, (...values: Value[]) => values.find((value) => !isEmpty(value)) ?? null),
    'The first that is not empty.',
    '{{ sprig_coalesce "" "a" }}',
  ),
  all: pure(
    variadic([ANY], BOOL, (...values: Value[]) => !values.some(isEmpty)),
    'Is none of them empty?',
    '{{ sprig_all 1 "a" }}',
  ),
  any: pure(
    variadic([ANY], BOOL, (...values: Value[]) => values.some((value) => truth(value))),
    'Is one of them not empty?',
    '{{ sprig_any "" 1 }}',
  ),
  ternary: pure(
    fn([ANY, ANY, BOOL], ANY, (yes: Value, no: Value, which: boolean) => (which ? yes : no)),
    'The first for true, the second for false.',
    '{{ true | sprig_ternary "yes" "no" }}',
  ),
  fail: pure(
    fn([STRING], STRING, (message: string) => {
      throw new ValueError(message);
    }),
    'Fails with a message.',
    '{{ sprig_fail "set the key first" }}',
  ),
  typeOf: pure(fn([ANY], STRING, typeName), "Go's name of the type.", '{{ sprig_typeOf 1 }}'),
  typeIs: pure(
    fn([STRING, ANY], BOOL, (name: string, value: Value) => typeName(value) === name),
    'Is it of that type?',
    '{{ sprig_typeIs "int" 1 }}',
  ),
  typeIsLike: pure(
    fn(
      [STRING, ANY],
      BOOL,
      (name: string, value: Value) => typeName(value) === name || typeName(value) === `*${name}`,
    ),
    'Is it of that type, or points to one?',
    '{{ sprig_typeIsLike "int" 1 }}',
  ),
  kindOf: pure(fn([ANY], STRING, kindOf), "Go's kind of value.", '{{ sprig_kindOf 1 }}'),
  kindIs: pure(
    fn([STRING, ANY], BOOL, (kind: string, value: Value) => kindOf(value) === kind),
    'Is it of that kind?',
    '{{ sprig_kindIs "int" 1 }}',
  ),
  deepEqual: pure(
    fn([ANY, ANY], BOOL, deepEqual),
    'Are they the same in all parts?',
    '{{ sprig_deepEqual $a $b }}',
  ),
  env: bound(
    (context) => fn([STRING], STRING, (name: string) => context.environment(name) ?? ''),
    'A variable of the environment.',
    '{{ sprig_env "HOME" }}',
  ),
  expandenv: bound(
    (context) =>
      fn([STRING], STRING, (text: string) =>
        text.replace(
          /\$(?:\{(\w+)\}|(\w+))/g,
          (_all, braced: string | undefined, bare: string | undefined) =>
            context.environment(braced ?? bare ?? '') ?? '',
        ),
      ),
    'Variables in a text.',
    '{{ sprig_expandenv "in $HOME" }}',
  ),
  base: pure(
    onPath((text) => (text === '' ? '.' : path.posix.basename(text) || '/')),
    'Last part of a path.',
    '{{ sprig_base "a/b" }}',
  ),
  dir: pure(
    onPath((text) => clean(path.posix.dirname(text))),
    'All but the last part of a path.',
    '{{ sprig_dir "a/b" }}',
  ),
  clean: pure(onPath(clean), 'A path without detours.', '{{ sprig_clean "a/../b" }}'),
  ext: pure(
    onPath((text) => /\.[^./]*$/.exec(text)?.[0] ?? ''),
    'End of a file name.',
    '{{ sprig_ext "a.txt" }}',
  ),
  isAbs: pure(
    fn([STRING], BOOL, (text: string) => text.startsWith('/')),
    'Does a path begin at the root?',
    '{{ sprig_isAbs "/a" }}',
  ),
  osBase: pure(
    onPath((text) => (text === '' ? '.' : path.posix.basename(text) || '/')),
    '`base`.',
    '{{ sprig_osBase "a/b" }}',
  ),
  osDir: pure(
    onPath((text) => clean(path.posix.dirname(text))),
    '`dir`.',
    '{{ sprig_osDir "a/b" }}',
  ),
  osClean: pure(onPath(clean), '`clean`.', '{{ sprig_osClean "a/../b" }}'),
  osExt: pure(
    onPath((text) => /\.[^./]*$/.exec(text)?.[0] ?? ''),
    '`ext`.',
    '{{ sprig_osExt "a.txt" }}',
  ),
  osIsAbs: pure(
    fn([STRING], BOOL, (text: string) => text.startsWith('/')),
    '`isAbs`.',
    '{{ sprig_osIsAbs "/a" }}',
  ),
  uuidv4: own(
    fn([], STRING, () => randomUUID()),
    'A random UUID. Renders anew each time.',
    '{{ sprig_uuidv4 }}',
  ),
  ...Object.fromEntries(
    Object.entries(ALPHABETS).map(([name, alphabet]) => [
      name,
      own(
        fn([INT], STRING, (count: bigint) => randomText(alphabet, count)),
        'Random characters. Renders anew each time.',
        `{{ sprig_${name} 5 }}`,
      ),
    ]),
  ),
  randInt: bound(
    (context) =>
      fn([INT, INT], INT, (least: bigint, most: bigint) => {
        if (most <= least) throw new ValueError('randInt: the second has to be above the first');
        return least + BigInt(Math.floor(context.random() * Number(most - least)));
      }),
    'A random number, below the second. Renders anew each time.',
    '{{ sprig_randInt 1 7 }}',
  ),
  ...ENCODINGS,
  ...REGEXPS,
};
