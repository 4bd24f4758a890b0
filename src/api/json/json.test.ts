import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { encodeJson } from './encode.ts';
import { type Json, JsonError, parseJson } from './parse.ts';

function plain(json: Json): unknown {
  if (Array.isArray(json)) return json.map(plain);
  if (typeof json === 'bigint') return Number(json);
  if (!(json instanceof Map)) return json;
  return Object.fromEntries([...json].map(([name, value]) => [name, plain(value)]));
}

describe('reading', () => {
  it('reads what JSON.stringify writes, whatever follows it', () => {
    fc.assert(
      fc.property(fc.jsonValue({ noUnicodeString: false }), fc.boolean(), (value, indent) => {
        const text = JSON.stringify(value, undefined, indent ? 2 : 0);
        expect(JSON.stringify(plain(parseJson(`${text} rest`)))).toBe(JSON.stringify(JSON.parse(text)));
      }),
    );
  });

  it('reads whatever JSON.parse reads', () => {
    const text = fc.string({
      unit: fc.constantFrom(...'{}[]":,0-1.e+truefalsnl \\u'.split('')),
      maxLength: 12,
    });
    fc.assert(
      fc.property(text, (text) => {
        let value: unknown;
        try {
          value = JSON.parse(text);
        } catch {
          return;
        }
        expect(JSON.stringify(plain(parseJson(text)))).toBe(JSON.stringify(value));
      }),
      { numRuns: 1000 },
    );
  });

  it.each([
    ['', 'EOF'],
    ['  ', 'EOF'],
    ['{', 'unexpected EOF'],
    ['{"a":', 'unexpected EOF'],
    ['"abc', 'unexpected EOF'],
    ['{nope', "invalid character 'n' looking for beginning of object key string"],
    ['nope', "invalid character 'o' in literal null (expecting 'u')"],
    ['this', "invalid character 'h' in literal true (expecting 'r')"],
    ['[1 2]', "invalid character '2' after array element"],
    ['{"a" 1}', "invalid character '1' after object key"],
    ['{"a":1 "b"}', "invalid character '\"' after object key:value pair"],
    ['"\\x"', "invalid character 'x' in string escape code"],
    ['"a\nb"', "invalid character '\\n' in string literal"],
    ['<', "invalid character '<' looking for beginning of value"],
  ])('%j: %s', (text, message) => {
    expect(() => parseJson(text)).toThrow(new JsonError(message));
  });

  it('makes no text of half a surrogate pair', () => {
    // Two keys that differed only in such a half were one on the disk.
    expect(parseJson('["\\ud800", "x\\udfff", "\\ud83d\\ude42"]')).toEqual([
      '\ufffd',
      'x\ufffd',
      '\u{1f642}',
    ]);
  });

  it('is not exhausted by nesting', () => {
    expect(() => parseJson('['.repeat(100_000))).toThrow('exceeded max depth');
  });
});

describe('writing', () => {
  it('writes what JSON.stringify writes, but for the characters that Go escapes', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.boolean(), (value, pretty) => {
        const text = encodeJson(value, pretty);
        expect(JSON.parse(text)).toEqual(JSON.parse(JSON.stringify(value)));
        expect(text).not.toMatch(/[<>&\u2028\u2029]/);
      }),
    );
  });

  it('is the same with a large number in it', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.boolean(), (value, pretty) => {
        const number = 2n ** 64n - 1n;
        const expected = encodeJson({ value, number: 7 }, pretty).replace(/7(\s*\}\s*)$/, `${number}$1`);
        expect(encodeJson({ value, number }, pretty)).toBe(expected);
      }),
    );
  });
});
