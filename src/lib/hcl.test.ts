import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type HclBody, HclError, type HclValue, isHclBody, parseHcl } from './hcl.ts';

/** The tree as plain objects, repeated keys as a list. */
function plain(value: HclValue): unknown {
  if (Array.isArray(value)) return value.map(plain);
  if (!isHclBody(value)) return value;
  return value.items.map(({ keys, value: inner }) => [...keys.map(({ text }) => text), plain(inner)]);
}

const read = (text: string) => plain(parseHcl(text));

describe('reading HCL', () => {
  test('assignments, labels, lists and bodies', () => {
    expect(
      read(`
        # a comment
        name = "web" // another
        ports { http = 80, dns = -1 }
        key_prefix "a/b" { policy = "read" } /* and
        one more */ tags = ["x", "y",]
        on = true
      `),
    ).toEqual([
      ['name', 'web'],
      [
        'ports',
        [
          ['http', 80],
          ['dns', -1],
        ],
      ],
      ['key_prefix', 'a/b', [['policy', 'read']]],
      ['tags', ['x', 'y']],
      ['on', true],
    ]);
  });

  test('escapes, interpolations and heredocs', () => {
    expect(read('a = "\\"x\\"\\n\\u00e9"')).toEqual([['a', '"x"\né']]);
    expect(read(`a = "\${match("b")}"`)).toEqual([['a', `\${match("b")}`]]);
    expect(read('a = <<EOF\none\n  two\nEOF\nb = 1')).toEqual([
      ['a', 'one\n  two\n'],
      ['b', 1],
    ]);
    expect(read('a = <<-EOF\n    one\n      two\n    EOF\n')).toEqual([['a', 'one\n  two\n']]);
  });

  test('JSON is taken too', () => {
    expect(read('{"key": {"": {"policy": "read"}}, "acl": "write"}')).toEqual([
      ['key', [['', [['policy', 'read']]]]],
      ['acl', 'write'],
    ]);
  });

  test('what is wrong is said with its place', () => {
    const fault = (text: string) => {
      try {
        parseHcl(text);
      } catch (error) {
        return (error as HclError).message;
      }
      return undefined;
    };
    expect(fault('nonsense {')).toBe('At 1:11: object expected closing RBRACE got: EOF');
    expect(fault('a = 1\n  b = "x')).toBe('At 2:7: literal not terminated');
    expect(fault('a = "x\ny"')).toBe('At 1:5: literal not terminated');
    expect(fault('a b = 1')).toBe('At 1:5: nested object expected: LBRACE got: ASSIGN');
    expect(fault('a')).toBe("At 1:2: key 'a' expected start of object ('{') or assignment ('=')");
    expect(fault(`${'a {'.repeat(100)}`)).toContain('nested too deeply');
    expect(fault(`{"a":${'['.repeat(100)}${']'.repeat(100)}}`)).toContain('nested too deeply');
  });

  test('any text is a tree or an HclError', () => {
    const pieces = fc.constantFrom(
      'a',
      '"',
      '{',
      '}',
      '[',
      ']',
      '=',
      ',',
      '<<E\n',
      'E\n',
      '\\',
      '#',
      '/*',
      ' ',
      '${',
      '9',
    );
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.array(pieces).map((parts) => parts.join('')),
        ),
        (text) => {
          try {
            parseHcl(text);
          } catch (error) {
            if (!(error instanceof HclError)) throw error;
          }
        },
      ),
    );
  });

  test('texts come back as they were written', () => {
    const written = (text: string) => JSON.stringify(text).replaceAll('$', '\\u0024');
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), fc.integer(), (text, number) => {
        const body = parseHcl(
          `kind ${written(text)} {\n value = ${written(text)}\n n = ${number}\n}`,
        ) as HclBody;
        expect(plain(body)).toEqual([
          [
            'kind',
            text,
            [
              ['value', text],
              ['n', number],
            ],
          ],
        ]);
      }),
    );
  });
});
