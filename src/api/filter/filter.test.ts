import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ENTRY_FIELDS, SERVICE_NODE_FIELDS } from './fields.ts';
import { compileFilter } from './filter.ts';

const item = {
  Node: 'n1',
  NodeMeta: { rack: 'a1' },
  ServiceID: 'one',
  ServiceTags: ['web', 'v1'],
  ServicePort: 80,
  ServiceMeta: { env: 'prod', 'a.b': 'c' },
  ServiceEnableTagOverride: true,
  ServiceTaggedAddresses: { lan: { Address: '10.0.0.1', Port: 80 } },
};

describe('a filter', () => {
  it.each([
    ['', true],
    ['ServiceID == one', true],
    ['ServiceID == "one"', true],
    ['ServiceID==`one`', true],
    ['ServiceID != one', false],
    ['ServicePort == 80', true],
    ['ServicePort != "0x50"', false],
    ['ServiceEnableTagOverride == true', true],
    ['web in ServiceTags', true],
    ['"v2" not in ServiceTags', true],
    ['ServiceTags contains v1', true],
    ['ServiceTags not contains v1', false],
    ['ServiceTags is empty', false],
    ['ServiceMeta is not empty', true],
    ['TaggedAddresses is empty', true],
    ['ServiceMeta.env == prod', true],
    ['ServiceMeta["a.b"] == c', true],
    ['ServiceMeta.nope == x', false],
    ['ServiceMeta.nope != x', true],
    ['env in ServiceMeta', true],
    ['ServiceID contains n', true],
    ['ServiceID matches "^o.e$"', true],
    ['ServiceID not matches o', false],
    ['ServiceTaggedAddresses.lan.Port == 80', true],
    ['ServiceTaggedAddresses.wan.Port == 80', false],
    ['ServiceID == two or ServicePort == 80 and web in ServiceTags', true],
    ['(ServiceID == one or ServicePort == 81) and v2 in ServiceTags', false],
    ['not (ServiceID == two)', true],
    ['not not ServiceID == one', true],
    ['( ServiceID == one )', true],
  ])('%s: %s', (text, expected) => {
    expect(compileFilter(text, SERVICE_NODE_FIELDS)(item)).toBe(expected);
  });

  it('asks any element of a list of checks', () => {
    const filter = compileFilter('Checks.Status == critical', ENTRY_FIELDS);
    const checks = (...statuses: string[]) => ({ Checks: statuses.map((Status) => ({ Status })) });
    expect([checks(), checks('passing'), checks('passing', 'critical')].map(filter)).toEqual([
      false,
      false,
      true,
    ]);
  });

  it.each([
    ['Colour == red', 'Selector "Colour" is not valid'],
    ['ServicePort matches 8', 'Invalid match operator "Matches" for selector "ServicePort"'],
    ['ServiceTags == web', 'Invalid match operator "Equal" for selector "ServiceTags"'],
    [
      'ServicePort == http',
      'Failed to coerce value "http" for selector "ServicePort": strconv.ParseInt: parsing "http": invalid syntax',
    ],
    [
      'ServiceEnableTagOverride == yes',
      'Failed to coerce value "yes" for selector "ServiceEnableTagOverride": strconv.ParseBool: parsing "yes": invalid syntax',
    ],
    [
      'ServiceID matches "("',
      'Failed to compile regular expression "(": error parsing regexp: missing closing ): `(`',
    ],
    ['Node ==', '1:8 (7): no match found'],
    ['Node = x', '1:6 (5): no match found'],
    ['(Node == x', '1:11 (10): no match found'],
    ['and', '1:4 (3): no match found'],
    ['Node == x y', '1:11 (10): no match found'],
    ['Node == "x', '1:9 (8): no match found'],
    [`${'('.repeat(5000)}`, 'no match found'],
    [`${'not '.repeat(5000)}`, 'no match found'],
  ])('%s is refused', (text, message) => {
    expect(() => compileFilter(text, SERVICE_NODE_FIELDS)).toThrow(
      `Failed to create boolean expression evaluator: ${message.startsWith('no match') ? '' : message}`,
    );
  });

  it('never fails otherwise than with an error of its own', () => {
    const word = fc.constantFrom(
      ...'ServiceID ServicePort ServiceTags ServiceMeta.env one 80 "x" and or not in is empty contains matches == != ( ) ` " ['.split(
        ' ',
      ),
    );
    fc.assert(
      fc.property(fc.array(word, { maxLength: 10 }), (words) => {
        try {
          compileFilter(words.join(' '), SERVICE_NODE_FIELDS)(item);
        } catch (error) {
          expect(String(error)).toContain('Failed to create boolean expression evaluator: ');
        }
      }),
      { numRuns: 2000 },
    );
  });

  it('joins as the operators of JavaScript do', () => {
    interface Sample {
      text: string;
      value: boolean;
    }
    const { tree } = fc.letrec<{ tree: Sample }>((tie) => ({
      tree: fc.oneof(
        { maxDepth: 5 },
        fc.boolean().map((value) => ({ text: value ? 'ServicePort == 80' : 'ServicePort == 81', value })),
        fc.tuple(tie('tree'), tie('tree')).map(([a, b]) => ({
          text: `(${a.text}) and (${b.text})`,
          value: a.value && b.value,
        })),
        fc.tuple(tie('tree'), tie('tree')).map(([a, b]) => ({
          text: `(${a.text}) or (${b.text})`,
          value: a.value || b.value,
        })),
        tie('tree').map((a) => ({ text: `not (${a.text})`, value: !a.value })),
      ),
    }));
    fc.assert(
      fc.property(tree, ({ text, value }) => {
        expect(compileFilter(text, SERVICE_NODE_FIELDS)(item)).toBe(value);
      }),
    );
  });
});

it('refuses what would take long, and begins to count anew in the next turn', async () => {
  const long = { ServiceID: 'a'.repeat(100_000) };
  const costly = compileFilter('ServiceID matches "a{0,900}b"', SERVICE_NODE_FIELDS);
  expect(() => costly(long)).toThrow('take too long');
  // What adds up in one request does so, too; one that waits and looks again and again is not stopped by what it did before.
  const cheap = compileFilter('ServiceID matches "b"', SERVICE_NODE_FIELDS);
  const often = () => {
    for (let i = 0; i < 40; i++) cheap(long);
  };
  for (let turn = 0; turn < 3; turn++) {
    often();
    await new Promise((resolve) => setImmediate(resolve));
  }
  expect(() => {
    for (let i = 0; i < 1_000; i++) cheap(long);
  }).toThrow('take too long');
});
