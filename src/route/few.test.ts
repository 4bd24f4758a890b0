import fc from 'fast-check';
import { expect, it } from 'vitest';
import { Few } from './few.ts';

it('is a map, in the order of insertion, through any history', () => {
  const step = fc.record({ key: fc.constantFrom('a', 'b', 'c'), value: fc.option(fc.nat(9)) });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 20 }), (steps) => {
      const few = new Few<string, number>();
      const map = new Map<string, number>();
      for (const { key, value } of steps) {
        if (value === null) {
          few.delete(key);
          map.delete(key);
        } else {
          few.set(key, value);
          map.set(key, value);
        }
        expect([few.size, few.has(key), few.values()]).toEqual([map.size, map.has(key), [...map.values()]]);
      }
    }),
  );
});
