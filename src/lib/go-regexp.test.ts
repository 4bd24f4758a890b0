import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compileGoRegexp } from './go-regexp.ts';

describe('Go regular expressions', () => {
  it.each([
    ['', 'anything', true],
    ['^t', 'two', true],
    ['e$', 'one', true],
    ['e$', 'ones', false],
    ['(?i)CONF', 'conf-1', true],
    ['(?i:a)b', 'Ab', true],
    ['(?i:a)b', 'AB', false],
    ['a(?i)b|c', 'aC', true],
    ['a.c', 'a\nc', false],
    ['(?s)a.c', 'a\nc', true],
    ['(?m)^b$', 'a\nb\nc', true],
    ['\\Ab\\z', 'a\nb', false],
    ['[[:digit:]]+', 'x12', true],
    ['^[^[:alpha:]]$', 'x', false],
    ['^\\p{Greek}\\pN$', 'λ4', true],
    ['^\\PL$', 'a', false],
    ['\\bcat\\b', 'a cat.', true],
    ['\\bcat\\b', 'concat', false],
    ['^(?P<x>a|bc){2,3}$', 'bcabc', true],
    ['^a{2}$', 'aaa', false],
    ['^a{,2}$', 'a{,2}', true],
    ['^[]a]$', ']', true],
    ['^[a\\-z]$', 'm', false],
    ['^\\Qa.b\\E$', 'a.b', true],
    ['^\\x41\\x{1F600}$', 'A😀', true],
    ['^.$', '😀', true],
  ])('%s on %j: %s', (pattern, text, expected) => {
    expect(compileGoRegexp(pattern).test(text)).toBe(expected);
  });

  it.each([
    ['(', 'error parsing regexp: missing closing ): `(`'],
    ['a)', 'error parsing regexp: unexpected ): `a)`'],
    ['[a', 'error parsing regexp: missing closing ]: `[a`'],
    ['*', 'error parsing regexp: missing argument to repetition operator: `*`'],
    ['a**', 'error parsing regexp: invalid nested repetition operator: `**`'],
    ['[z-a]', 'error parsing regexp: invalid character class range: `z-a`'],
    ['\\', 'error parsing regexp: trailing backslash at end of expression: ``'],
    ['\\y', 'error parsing regexp: invalid escape sequence: `\\y`'],
    ['(?=a)', 'error parsing regexp: invalid or unsupported Perl syntax: `(?=`'],
    ['a{2,1}', 'error parsing regexp: invalid repeat count: `{2,1}`'],
    ['((a{900}){900}){900}', 'error parsing regexp: expression too large: `((a{900}){900}){900}`'],
  ])('%s is refused', (pattern, message) => {
    expect(() => compileGoRegexp(pattern)).toThrow(message);
  });

  it('agrees with the engine of JavaScript where the two languages are the same', () => {
    const atom = fc.constantFrom('a', 'b', '.', '[ab]', '[^a]', '\\d', '\\w', '^', '$', '\\b');
    const { tree } = fc.letrec<{ tree: string }>((tie) => ({
      tree: fc.oneof(
        { maxDepth: 4 },
        atom,
        fc.tuple(tie('tree'), tie('tree')).map(([a, b]) => `${a}${b}`),
        fc.tuple(tie('tree'), tie('tree')).map(([a, b]) => `(?:${a}|${b})`),
        fc
          .tuple(tie('tree'), fc.constantFrom('*', '+', '?', '{2}', '{1,2}', '*?'))
          .map(([a, operator]) => `(?:${a})${operator}`),
      ),
    }));
    fc.assert(
      fc.property(
        tree,
        fc.string({ unit: fc.constantFrom('a', 'b', '1', ' ', '\n'), maxLength: 8 }),
        (pattern, text) => {
          expect(compileGoRegexp(pattern).test(text)).toBe(new RegExp(pattern, 'u').test(text));
        },
      ),
      { numRuns: 500 },
    );
  });

  it('repeating nothing costs nothing', () => {
    expect(compileGoRegexp('((((){1000}){1000}){1000}){1000}').test('')).toBe(true);
  });

  it('stays linear where backtracking explodes', () => {
    expect(compileGoRegexp('^(a+)+$').test(`${'a'.repeat(20_000)}b`)).toBe(false);
  });

  it.each([
    ['^conf-(.+)-at-(.+)$', 'conf-blue-at-web', ['conf-blue-at-web', 'blue', 'web']],
    ['^(.*?)-(.*?)-(.*)$', 'a-b-c-d', ['a-b-c-d', 'a', 'b', 'c-d']],
    ['(?U)^(.*)-(.*)$', 'a-b-c', ['a-b-c', 'a', 'b-c']],
    ['(a)|(b)', 'xb', ['b', '', 'b']],
    ['(?P<x>a+)(?:b)(c)?', 'zaab', ['aab', 'aa', '']],
    ['(a|ab)(c|bcd)(d*)', 'abcd', ['abcd', 'a', 'bcd', '']],
    ['(?:(a)|b)*', 'ab', ['ab', 'a']],
    ['()', '', ['', '']],
    ['x*', 'aaa', ['']],
    ['(.)$', 'a😀', ['😀', '😀']],
  ])('%s finds in %j: %j', (pattern, text, expected) => {
    expect(compileGoRegexp(pattern).find(text)).toEqual(expected);
  });

  it('finds nothing where nothing matches', () => {
    expect(compileGoRegexp('^(a)b$').find('ac')).toBeUndefined();
  });

  it('takes with its groups what the engine of JavaScript takes', () => {
    const atom = fc.constantFrom('a', 'b', '.', '[ab]', '[^a]', '\\d', '^', '$', '\\b');
    const { tree } = fc.letrec<{ tree: string }>((tie) => ({
      tree: fc.oneof(
        { maxDepth: 3 },
        atom,
        fc.tuple(tie('tree'), tie('tree')).map(([a, b]) => `${a}${b}`),
        fc.tuple(tie('tree'), tie('tree')).map(([a, b]) => `(?:${a}|${b})`),
        fc
          .tuple(atom, fc.constantFrom('*', '+', '?', '{2}', '{1,2}', '*?', '+?', '??'))
          .map(([a, operator]) => `(?:${a})${operator}`),
      ),
    }));
    fc.assert(
      fc.property(
        fc.array(tree, { minLength: 1, maxLength: 3 }),
        fc.string({ unit: fc.constantFrom('a', 'b', '1', ' '), maxLength: 8 }),
        (trees, text) => {
          const pattern = trees.map((one) => `(${one})`).join('');
          const expected = new RegExp(pattern, 'u').exec(text);
          expect(compileGoRegexp(pattern).find(text)).toEqual(
            expected === null ? undefined : [...expected].map((group) => group ?? ''),
          );
        },
      ),
      { numRuns: 500 },
    );
  });
});
