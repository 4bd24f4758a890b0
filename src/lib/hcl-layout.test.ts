import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseHcl } from './hcl.ts';
import { layOutHcl } from './hcl-layout.ts';

/** What `hclfmt` of HCL 1 prints for the same text; looked at there. */
describe('the layout of HCL', () => {
  it.each([
    ['a block on a line', 'key "a" { policy = "read" }', 'key "a" {\n  policy = "read"\n}'],
    [
      'two on a line',
      'service "a" { policy = "write" intentions = "read" }',
      'service "a" {\n  policy = "write"\n\n  intentions = "read"\n}',
    ],
    [
      'neighbours, whose values stand below one another',
      'service "a" {\n policy = "write" # one\n  intentions = "read" # two\n}',
      'service "a" {\n  policy     = "write" # one\n  intentions = "read"  # two\n}',
    ],
    [
      'blank lines between all but empty blocks',
      'a = "1"\nb = 2\n\n\n\nnode "b" { policy = "read" }\nkey "x" {}\nkey "y" {}\n\nkey "z" {}',
      'a = "1"\n\nb = 2\n\nnode "b" {\n  policy = "read"\n}\n\nkey "x" {}\nkey "y" {}\n\nkey "z" {}',
    ],
    [
      'comments of all kinds',
      '# top\n\n# lead\nkey "" {\n  # in\n  policy = "read" # tail\n}\noperator = "read"\nacl="write" // x\n/* block\n comment */\nkey "x" {}\n# end\n',
      '# top\n\n# lead\nkey "" {\n  # in\n  policy = "read" # tail\n}\n\noperator = "read"\n\nacl = "write" // x\n\n/* block\n comment */\nkey "x" {}\n\n# end\n',
    ],
    ['commas between', 'key "a" { x = 1 }, key "b" {}', 'key "a" {\n  x = 1\n}\n\nkey "b" {}'],
    ['a heredoc', 'key "a" { policy = <<EOF\nread\nEOF\n}', 'key "a" {\n  policy = <<EOF\nread\nEOF\n}'],
    [
      'a block behind a sign of equality',
      'key = { "a" = { policy = "read" } }',
      'key = {\n  "a" = {\n    policy = "read"\n  }\n}',
    ],
    ['comments behind everything', 'a = 1\n# b\n\n# c\n', 'a = 1\n\n# b\n\n\n# c\n'],
    ['nothing', '', ''],
  ])('%s', (_what, text, expected) => {
    expect(layOutHcl(text)).toBe(expected);
  });

  it('means the same as the text, and is its own layout', () => {
    const word = fc.constantFrom('key', 'node', 'policy', 'x_1');
    const string = fc
      .string({ unit: fc.constantFrom('a', ' ', '{', '}', '#', '=', '\\"', '\\\\', 'ü'), maxLength: 6 })
      .map((text) => `"${text}"`);
    const value = fc.oneof(string, fc.nat(99).map(String), fc.constant('true'), fc.constant('["a", 1]'));
    const gap = fc.constantFrom(' ', '\n', '\n\n', ' # c\n', '\n// c\n', '\n\n/* c */\n\n');
    const { body } = fc.letrec<{ body: string; item: string }>((tie) => ({
      body: fc.array(fc.tuple(tie('item'), gap), { maxLength: 4 }).map((all) => all.flat().join('')),
      item: fc.oneof(
        { depthSize: 'small', withCrossShrink: true },
        fc.tuple(word, value).map(([name, of]) => `${name} = ${of}`),
        fc
          .tuple(word, string, tie('body'), gap)
          .map(([name, label, inner, end]) => `${name} ${label} {${end}${inner}}`),
      ),
    }));
    const meaning = (text: string) =>
      JSON.stringify(parseHcl(text), (name, one) =>
        name === 'offset' || name === 'length' ? undefined : one,
      );
    fc.assert(
      fc.property(body, (text) => {
        const laidOut = layOutHcl(text);
        expect(meaning(laidOut)).toBe(meaning(text));
        expect((laidOut.match(/# c|\/\/ c|\/\* c \*\//g) ?? []).length).toBe(
          (text.match(/# c|\/\/ c|\/\* c \*\//g) ?? []).length,
        );
      }),
    );
  });
});
