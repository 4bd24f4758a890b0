import fc from 'fast-check';
import { expect, it } from 'vitest';
import { editDistance, nearest } from './nearest.ts';

const word = fc.string({ maxLength: 12 });

it('distance is a metric between words', () => {
  fc.assert(
    fc.property(word, word, (a, b) => {
      expect(editDistance(a, b)).toBe(editDistance(b, a));
      expect(editDistance(a, b) === 0).toBe(a === b);
      expect(editDistance(a, b)).toBeLessThanOrEqual(Math.max(a.length, b.length));
    }),
  );
});

it.each([
  ['repicas', ['replicas', 'restart', 'name'], 'replicas'],
  ['timeout', ['connect_timeout', 'listen'], 'connect_timeout'],
  ['cehck', ['check', 'cwd'], 'check'],
  ['Listen', ['listen'], 'listen'],
  ['xyzzy', ['replicas', 'name'], undefined],
  ['a', [], undefined],
])('%s among %j is %s', (misspelt, known, meant) => {
  expect(nearest(misspelt, known)).toBe(meant);
});
