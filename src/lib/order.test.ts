import fc from 'fast-check';
import { expect, it } from 'vitest';
import { compareUtf8, lowerBound } from './order.ts';

it('orders as the UTF-8 bytes do', () => {
  const text = fc.string({ unit: 'binary' });
  fc.assert(
    fc.property(text, text, (a, b) => {
      expect(Math.sign(compareUtf8(a, b))).toBe(Buffer.compare(Buffer.from(a), Buffer.from(b)));
    }),
  );
});

it('finds the place of a key', () => {
  fc.assert(
    fc.property(fc.array(fc.string()), fc.string(), (list, key) => {
      const sorted = list.sort(compareUtf8);
      const at = lowerBound(sorted, key);
      expect(sorted.slice(0, at).every((k) => compareUtf8(k, key) < 0)).toBe(true);
      expect(sorted.slice(at).every((k) => compareUtf8(k, key) >= 0)).toBe(true);
    }),
  );
});
