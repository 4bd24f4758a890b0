/**
 * Reads TOML (https://toml.io/en/v1.0.0) and says where each key stands. The reading is smol-toml's, which gives
 * places only for syntax errors; the walk below runs over text that smol-toml has accepted, so it looks only
 * at what decides structure: headers, keys, brackets, strings and comments.
 */
import { parse, TomlError } from 'smol-toml';
import { type Key, type Path, Places, placesIn, SyntaxFault } from './places.ts';

export function parseTomlWithPlaces(text: string): { value: unknown; places: Places } {
  const source = text.replace(/^\ufeff/, '');
  let value: unknown;
  try {
    value = parse(source);
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
    const sentence = error.message.split('\n', 1)[0]!.replace(/^Invalid TOML document: /, '');
    throw new SyntaxFault(sentence, { line: error.line, column: error.column });
  }
  return { value, places: findPlaces(source) };
}

function findPlaces(text: string): Places {
  const places = new Places();
  /** How many tables an array of tables has so far, by its full path. */
  const counts = new Map<string, number>();
  const placeOf = placesIn(text);
  let at = 0;

  const mark = (path: Path, offset: number): void => places.addKey(path, placeOf(offset));
  const skip = (characters: string): void => {
    while (at < text.length && characters.includes(text[at] as string)) at++;
  };
  /** White space, line breaks and comments. */
  const skipBlank = (): void => {
    for (;;) {
      skip(' \t\r\n');
      if (text[at] !== '#') return;
      while (at < text.length && text[at] !== '\n') at++;
    }
  };
  const skipString = (): void => {
    const quote = text[at] as string;
    const long = text.startsWith(quote.repeat(3), at);
    at += long ? 3 : 1;
    const end = quote.repeat(long ? 3 : 1);
    while (at < text.length && !text.startsWith(end, at)) at += quote === '"' && text[at] === '\\' ? 2 : 1;
    at += end.length;
    // A long string may end with up to two quotes of its own.
    if (long) skip(quote);
  };
  const readKey = (): string => {
    const start = at;
    if (text[at] === '"' || text[at] === "'") {
      skipString();
      const raw = text.slice(start, at);
      return raw.startsWith("'") ? raw.slice(1, -1) : (Object.values(parse(`k = ${raw}`))[0] as string);
    }
    while (at < text.length && /[A-Za-z0-9_-]/.test(text[at] as string)) at++;
    return text.slice(start, at);
  };
  /** `a.b."c"`, each part marked below `base`. */
  const readDottedKey = (base: Path, markFrom: (path: Path, offset: number) => void): Path => {
    let path = base;
    for (;;) {
      skip(' \t');
      const offset = at;
      const key = readKey();
      path = [...path, key];
      markFrom(path, offset);
      skip(' \t');
      if (text[at] !== '.') return path;
      at++;
    }
  };
  const readValue = (path: Path): void => {
    const first = text[at];
    if (first === '"' || first === "'") {
      skipString();
    } else if (first === '[') {
      at++;
      for (let index = 0; ; index++) {
        skipBlank();
        if (text[at] === ']') break;
        mark([...path, index], at);
        readValue([...path, index]);
        skipBlank();
        if (text[at] === ',') at++;
        else break;
      }
      skipBlank();
      at++;
    } else if (first === '{') {
      at++;
      for (;;) {
        skipBlank();
        if (text[at] === '}' || at >= text.length) break;
        readPair(path);
        skipBlank();
        if (text[at] === ',') at++;
      }
      at++;
    } else {
      while (at < text.length && !',]}#\r\n'.includes(text[at] as string)) at++;
    }
  };
  const readPair = (base: Path): void => {
    const path = readDottedKey(base, mark);
    skip(' \t');
    at++; // "="
    skip(' \t');
    places.addValue(path, placeOf(at));
    readValue(path);
  };
  /** The path of a header with the index of the current element put in behind each array of tables. */
  const resolve = (keys: readonly Key[]): Path => {
    let path: Path = [];
    for (const key of keys) {
      path = [...path, key];
      const count = counts.get(JSON.stringify(path));
      if (count !== undefined) path = [...path, count - 1];
    }
    return path;
  };

  let table: Path = [];
  for (;;) {
    skipBlank();
    if (at >= text.length) return places;
    if (text[at] !== '[') {
      readPair(table);
      continue;
    }
    const start = at;
    const many = text[at + 1] === '[';
    at += many ? 2 : 1;
    const keys = readDottedKey([], () => {});
    at += many ? 2 : 1;
    const parent = resolve(keys.slice(0, -1));
    const own = [...parent, keys[keys.length - 1] as Key];
    for (let length = 1; length <= own.length; length++) mark(own.slice(0, length), start);
    if (many) {
      const count = (counts.get(JSON.stringify(own)) ?? 0) + 1;
      counts.set(JSON.stringify(own), count);
      table = [...own, count - 1];
      mark(table, start);
    } else {
      table = own;
    }
  }
}
