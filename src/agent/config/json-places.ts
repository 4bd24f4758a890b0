/** Reads JSON as `JSON.parse` does, and says where each key stands and where the text is wrong (RFC 8259). */
import { type Path, Places, placesIn, SyntaxFault } from './places.ts';

/** Deeper nesting than any configuration has; keeps the scanner's own stack bounded. */
const DEEPEST = 64;

export function parseJsonWithPlaces(text: string): { value: unknown; places: Places } {
  const places = new Places();
  const placeOf = placesIn(text);
  let at = 0;

  const fail = (expected: string): never => {
    const found = at >= text.length ? 'the end of the file' : JSON.stringify(text[at]);
    throw new SyntaxFault(`expected ${expected}, found ${found}`, placeOf(at));
  };
  const skipSpace = (): void => {
    while (at < text.length && ' \t\r\n'.includes(text[at] as string)) at++;
  };
  const literal = (pattern: RegExp, expected: string): string => {
    pattern.lastIndex = at;
    const match = pattern.exec(text);
    if (match === null) return fail(expected);
    at += match[0].length;
    return match[0];
  };
  const string = (expected: string): string => {
    const start = at;
    if (text[at] !== '"') fail(expected);
    for (at++; text[at] !== '"'; at++) {
      if (at >= text.length || (text[at] as string) < ' ') fail('the closing " of a string');
      if (text[at] === '\\') {
        at++;
        if (!/^(?:["\\/bfnrt]|u[0-9a-fA-F]{4})/.test(text.slice(at, at + 5))) fail('a valid escape after \\');
      }
    }
    at++;
    return JSON.parse(text.slice(start, at)) as string;
  };
  const value = (path: Path): void => {
    if (path.length > DEEPEST) fail(`at most ${DEEPEST} levels`);
    skipSpace();
    if (path.length > 0) places.addValue(path, placeOf(at));
    const first = text[at];
    if (first === '{') {
      members(path);
    } else if (first === '[') {
      elements(path);
    } else if (first === '"') {
      string('a string');
    } else if (first === '-' || (first !== undefined && first >= '0' && first <= '9')) {
      literal(/-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y, 'a number');
    } else {
      literal(/true|false|null/y, 'a value');
    }
    skipSpace();
  };
  const members = (path: Path): void => {
    at++;
    skipSpace();
    if (text[at] === '}') {
      at++;
      return;
    }
    for (;;) {
      skipSpace();
      const keyPlace = placeOf(at);
      const key = string('a key in double quotes');
      places.addKey([...path, key], keyPlace);
      skipSpace();
      if (text[at] !== ':') fail('":" after a key');
      at++;
      value([...path, key]);
      if (text[at] === '}') break;
      if (text[at] !== ',') fail('"," or "}"');
      at++;
    }
    at++;
  };
  const elements = (path: Path): void => {
    at++;
    skipSpace();
    if (text[at] === ']') {
      at++;
      return;
    }
    for (let index = 0; ; index++) {
      value([...path, index]);
      if (text[at] === ']') break;
      if (text[at] !== ',') fail('"," or "]"');
      at++;
    }
    at++;
  };

  if (text.startsWith('\ufeff')) at = 1;
  value([]);
  if (at < text.length) fail('the end of the file');
  return { value: JSON.parse(text.replace(/^\ufeff/, '')), places };
}
