import fc from 'fast-check';
import { stringify } from 'smol-toml';
import { describe, expect, it } from 'vitest';
import { parseJsonWithPlaces } from './json-places.ts';
import { type Path, type Places, SyntaxFault } from './places.ts';
import { parseTomlWithPlaces } from './toml-places.ts';

/** Every path in a value, leaves and tables. */
function* pathsOf(value: unknown, path: Path = []): Generator<Path> {
  if (path.length > 0) yield path;
  if (Array.isArray(value)) for (const [index, one] of value.entries()) yield* pathsOf(one, [...path, index]);
  else if (typeof value === 'object' && value !== null)
    for (const [key, one] of Object.entries(value)) yield* pathsOf(one, [...path, key]);
}

function textAt(text: string, places: Places, path: Path): string {
  const place = places.key(path)!;
  return text.split('\n')[place.line - 1]!.slice(place.column - 1);
}

const key = fc.oneof(fc.constantFrom('a', 'b', 'name', 'data_dir', 'x-y', '1'), fc.string({ minLength: 1 }));
const leaf = fc.oneof(
  fc.string(),
  fc.integer({ min: -1e9, max: 1e9 }),
  fc.boolean(),
  fc.constantFrom('#', ']', '}', '"', "'''", 'a = 1', '[x]', '\n[y]\n'),
);
const { table } = fc.letrec<{ value: unknown; table: Record<string, unknown> }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 3 },
    leaf,
    tie('table'),
    fc.array(leaf, { maxLength: 3 }),
    fc.array(tie('table'), { minLength: 1, maxLength: 3 }),
  ),
  table: fc.dictionary(key, tie('value'), { maxKeys: 4, noNullPrototype: true }),
}));

describe('places in TOML', () => {
  it('every key that is read has a place of its own, where that key or its header stands', () => {
    fc.assert(
      fc.property(table, (value) => {
        const text = stringify(value);
        const { value: read, places } = parseTomlWithPlaces(text);
        for (const path of pathsOf(read)) {
          expect(places.hasKey(path), `${JSON.stringify(path)} in\n${text}`).toBe(true);
          const last = path[path.length - 1]!;
          if (typeof last === 'number') continue;
          const there = textAt(text, places, path);
          const bare = JSON.stringify(last).slice(1, -1);
          expect(there.startsWith('[') || there.replace(/^["']/, '').startsWith(bare.slice(0, 1))).toBe(true);
        }
      }),
      { numRuns: 300 },
    );
  });

  it('finds keys in tables, arrays of tables, inline tables, dotted and quoted keys', () => {
    const text = [
      '# comment with = and [brackets]',
      'title = """',
      '[not.a.header]',
      'no = "key" """ # after',
      'a."b c".d = 1',
      '[[group]]',
      'name = "one"',
      'list = [ 1, # one',
      '  2, { x = 3, y.z = 4 } ]',
      '[group.env]',
      'FOO = "1"',
      '[[group]]',
      "name = 'two'",
      '  [group.env] # indented',
      '  BAR = "2"',
    ].join('\r\n');
    const { places } = parseTomlWithPlaces(text);
    const at = (...path: Path) => {
      const { line, column } = places.key(path)!;
      return `${line}:${column}`;
    };
    expect(at('title')).toBe('2:1');
    expect(at('a', 'b c')).toBe('5:3');
    expect(at('a', 'b c', 'd')).toBe('5:9');
    expect(at('group', 0)).toBe('6:1');
    expect(at('group', 0, 'list', 1)).toBe('9:3');
    expect(at('group', 0, 'list', 2, 'y', 'z')).toBe('9:17');
    expect(at('group', 0, 'env', 'FOO')).toBe('11:1');
    expect(at('group', 1, 'name')).toBe('13:1');
    expect(at('group', 1, 'env')).toBe('14:3');
    expect(at('group', 1, 'env', 'BAR')).toBe('15:3');
    expect(at('group', 1, 'unwritten')).toBe('12:1');
    expect(places.value(['group', 0, 'name'])).toEqual({ line: 7, column: 8 });
    expect(places.value(['group', 0, 'env'])).toEqual({ line: 10, column: 1 });
  });

  it('a syntax error has its place', () => {
    expect(() => parseTomlWithPlaces('a = 1\nb = = 2\n')).toThrowError(SyntaxFault);
    try {
      parseTomlWithPlaces('a = 1\nb = = 2\n');
    } catch (error) {
      expect((error as SyntaxFault).place.line).toBe(2);
    }
  });
});

describe('places in JSON', () => {
  it('every key that is read has a place of its own, where that key stands', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.nat(3), (value, indent) => {
        const text = JSON.stringify(value, null, indent);
        const { value: read, places } = parseJsonWithPlaces(text);
        expect(read).toEqual(JSON.parse(text));
        for (const path of pathsOf(read)) {
          const last = path[path.length - 1]!;
          expect(typeof last === 'number' ? places.value(path) : places.hasKey(path)).toBeTruthy();
          if (typeof last === 'string')
            expect(textAt(text, places, path).startsWith(JSON.stringify(last))).toBe(true);
        }
      }),
    );
  });

  it('agrees with JSON.parse on what is JSON', () => {
    const fragment = fc.constantFrom(
      '{',
      '}',
      '[',
      ']',
      ',',
      ':',
      '"a"',
      '1',
      '-',
      '01',
      'true',
      ' ',
      '"\\u12"',
      '"\n"',
    );
    fc.assert(
      fc.property(fc.array(fragment, { maxLength: 8 }), (parts) => {
        const text = parts.join('');
        let valid = true;
        try {
          JSON.parse(text);
        } catch {
          valid = false;
        }
        if (valid) expect(() => parseJsonWithPlaces(text)).not.toThrow();
        else expect(() => parseJsonWithPlaces(text)).toThrow(SyntaxFault);
      }),
      { numRuns: 1000 },
    );
  });

  it.each([
    ['{\n  "a": 1,\n}', 3, 1, 'a key in double quotes'],
    ['{"a" 1}', 1, 6, '":"'],
    ['[1 2]', 1, 4, '"," or "]"'],
    ['', 1, 1, 'a value'],
  ])('%j is wrong at %d:%d', (text, line, column, expected) => {
    try {
      parseJsonWithPlaces(text);
      expect.unreachable();
    } catch (error) {
      expect((error as SyntaxFault).place).toEqual({ line, column });
      expect((error as SyntaxFault).message).toContain(expected);
    }
  });
});
