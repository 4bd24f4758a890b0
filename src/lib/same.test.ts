import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { isSame } from './same.ts';

const data = fc.anything({
  withBigInt: true,
  values: [fc.constantFrom('a', 'b', ''), fc.nat(2), fc.boolean(), fc.constant(null), fc.constant(undefined)],
  key: fc.constantFrom('x', 'y', '__proto__'),
  maxDepth: 3,
});

it('finds the same what has the same content', () => {
  fc.assert(
    fc.property(data, data, (a, b) => {
      expect(isSame(a, b)).toBe(isDeepStrictEqual(a, b));
      expect(isSame(a, structuredClone(a))).toBe(true);
    }),
  );
});

it('does not mind where an object comes from', () => {
  const bare = Object.assign(Object.create(null), { a: [1, { b: new Uint8Array([1, 2]) }] });
  expect(isSame(bare, { a: [1, { b: Buffer.from([1, 2]) }] })).toBe(true);
  expect(isSame(bare, { a: [1, { b: new Uint8Array([1, 3]) }] })).toBe(false);
});

it('leaves out what does not count', () => {
  const except = new Set(['index']);
  expect(isSame({ a: 1, index: 2 }, { a: 1 }, except)).toBe(true);
  expect(isSame({ a: 1 }, { a: 1, index: 2 }, except)).toBe(true);
  expect(isSame({ a: { index: 1 } }, { a: { index: 2 } }, except)).toBe(false);
});
