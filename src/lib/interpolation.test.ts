import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compileInterpolation, InterpolationError } from './interpolation.ts';

const groups = ['hello-foo', 'foo', '7'];
const scope = {
  variables: new Map([
    ['name.full', 'hello-foo'],
    ['name.prefix', 'hello-'],
  ]),
  functions: new Map([['match', (n: number) => groups[n] ?? '']]),
};
const evaluate = (text: string) => compileInterpolation(text).evaluate(scope);

describe('texts with expressions', () => {
  it.each([
    ['', ''],
    ['plain {text} $5', 'plain {text} $5'],
    [`\${name.full}`, 'hello-foo'],
    [`a \${ name.prefix } b \${match(1)} c`, 'a hello- b foo c'],
    [`$\${name.full} costs $$5`, `\${name.full} costs $5`],
    [`\${match(-1)}|\${match(9)}`, '|'],
    [`\${match("1")}`, 'foo'],
    [`\${40 + 2}`, '42'],
    [`\${2 + 3 * 4 - 10 / 3 % 2}`, '13'],
    [`\${(2 + 3) * 4}`, '20'],
    [`\${-46 + 5}`, '-41'],
    [`\${1.5 * 2}`, '3'],
    [`\${match(2) + 1}`, '8'],
    [`\${"quoted \\"\${name.prefix}\\" \\\\ \\n"}`, 'quoted "hello-" \\ \n'],
    [`\${""}`, ''],
    [`\${match(1) == "foo" ? "yes" : "no"}`, 'yes'],
    [`\${match(1) != "foo" || !true ? 1 : 2}`, '2'],
    [`\${2 >= 1 && 1 < 2}`, 'true'],
    [`\${"über \${name.prefix}"}`, 'über hello-'],
  ])('%s is %j', (text, expected) => {
    expect(evaluate(text)).toBe(expected);
  });

  it.each([
    [`\${name.full`, 'parse error at 1:12: expected "}" but found end of string'],
    [`\${`, 'parse error at 1:3: expected expression but found end of string'],
    [`\${}`, 'parse error at 1:3: expected expression but found "}"'],
    [`a\n\${match(1}`, 'parse error at 2:10: expected ")" but found "}"'],
    [`\${match(1)) }`, 'parse error at 1:11: expected "}" but found ")"'],
    [`\${1 2}`, 'parse error at 1:5: expected "}" but found integer 2'],
    [`\${a ? b}`, 'parse error at 1:8: expected : but found "}"'],
    [`\${"open}`, `parse error at 1:4: expected "\${" but found invalid sequence "open}"`],
    [`\${"\\q"}`, 'parse error at 1:4: invalid backslash escape sequence'],
    [`\${#}`, 'parse error at 1:3: expected expression but found invalid sequence "#"'],
    [`\${${'('.repeat(500)}`, 'parse error at 1:103: expression nests too deeply'],
    [`\${${'-'.repeat(500)}1}`, 'expression nests too deeply'],
    [`\${1${'+1'.repeat(5000)}}`, 'expression too large'],
  ])('%s cannot be read', (text, message) => {
    expect(() => compileInterpolation(text)).toThrow(message);
  });

  it.each([
    [`x\${name.nope}`, '1:4: unknown variable accessed: name.nope'],
    [`\${nope(1)}`, '1:3: unknown function called: nope'],
    [`\${match()}`, '1:3: match: expected 1 arguments, got 0'],
    [`\${match(1, 2)}`, '1:3: match: expected 1 arguments, got 2'],
    [`\${match("x")}`, '__builtin_StringToInt: strconv.ParseInt: parsing "x": invalid syntax'],
    [`\${1 / 0}`, '__builtin_IntMath: divide by zero'],
  ])('%s has no value', (text, message) => {
    expect(() => evaluate(text)).toThrow(new InterpolationError(message));
  });

  it('a text without expressions stands for itself', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        fc.pre(!/\$[{$]/.test(text));
        expect(evaluate(text)).toBe(text);
      }),
    );
  });

  it('whatever the text, there is a value or an error of its own kind', () => {
    const piece = fc.constantFrom(
      `\${`,
      '}',
      '"',
      '\\',
      '(',
      ')',
      'match(',
      'name.full',
      '1',
      '+',
      '-',
      '?',
      ':',
      '$',
      ' ',
      'x',
      '😀',
      '.',
      '*',
      '==',
    );
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string({ unit: 'binary' }),
          fc.array(piece).map((pieces) => pieces.join('')),
        ),
        (text) => {
          try {
            expect(typeof evaluate(text)).toBe('string');
          } catch (error) {
            expect(error).toBeInstanceOf(InterpolationError);
          }
        },
      ),
      { numRuns: 1000 },
    );
  });
});
