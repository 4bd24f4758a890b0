import fc from 'fast-check';
import { expect, it } from 'vitest';
import { compareUtf8 } from './order.ts';
import { SortedKeys } from './sorted-keys.ts';

/** Few different ones, so that keys are removed and added again; enough for several arrays. */
const key = fc.nat({ max: 3000 }).map((n) => `k${n}`);

it('holds what a sorted set holds, whatever comes and goes', () => {
  const step = fc.record({ key, adds: fc.boolean() });
  fc.assert(
    fc.property(fc.array(key, { maxLength: 2000 }), fc.array(step, { maxLength: 500 }), (first, steps) => {
      const keys = new SortedKeys();
      const model = new Set<string>();
      for (const one of first) {
        expect(keys.add(one)).toBe(!model.has(one));
        model.add(one);
      }
      for (const { key, adds } of steps) {
        if (adds) expect(keys.add(key)).toBe(!model.has(key));
        else expect(keys.delete(key)).toBe(model.has(key));
        if (adds) model.add(key);
        else model.delete(key);
      }
      const sorted = [...model].sort(compareUtf8);
      expect([...keys]).toEqual(sorted);
      expect(keys.size).toBe(sorted.length);
      const seen: string[] = [];
      keys.forEach((one) => {
        seen.push(one);
      });
      expect(seen).toEqual(sorted);
      for (const prefix of ['', 'k', 'k1', 'k29', 'l'])
        expect([...keys.startingWith(prefix)]).toEqual(sorted.filter((one) => one.startsWith(prefix)));
    }),
    { numRuns: 50 },
  );
});

it('orders any strings by their bytes', () => {
  fc.assert(
    fc.property(fc.array(fc.string({ unit: 'binary' })), (list) => {
      const keys = new SortedKeys();
      for (const one of list) keys.add(one);
      expect([...keys]).toEqual([...new Set(list)].sort(compareUtf8));
    }),
  );
});
