import fc from 'fast-check';
import { expect, it } from 'vitest';
import { Tally } from './tally.ts';

it('knows who is held as a list of all who hold would', () => {
  const step = fc.record({ isMore: fc.boolean(), key: fc.constantFrom('a', 'b', 'c') });
  fc.assert(
    fc.property(fc.array(step), (steps) => {
      const tally = new Tally<string>();
      const list: string[] = [];
      for (const { isMore, key } of steps) {
        const held = list.filter((one) => one === key).length;
        if (isMore) {
          expect(tally.add(key)).toBe(held === 0);
          list.push(key);
        } else {
          expect(tally.remove(key)).toBe(held === 1);
          if (held > 0) list.splice(list.indexOf(key), 1);
        }
        expect([...tally.keys()].sort()).toEqual([...new Set(list)].sort());
        expect([tally.size, tally.has(key)]).toEqual([new Set(list).size, list.includes(key)]);
      }
    }),
  );
});
