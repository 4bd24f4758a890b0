import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Place, place } from './place.ts';

const nodes: readonly Place[] = [
  { id: 'a1', zone: 'a' },
  { id: 'a2', zone: 'a' },
  { id: 'b1', zone: 'b' },
];

/** Places `count` more, one after the other. */
function placeAll(on: readonly Place[], count: number, taken: readonly string[] = []): string[] {
  const all = [...taken];
  for (let at = 0; at < count; at++) all.push(place(on, all)!);
  return all;
}
const countOf = (taken: readonly string[], holds: (id: string) => boolean) => taken.filter(holds).length;

describe('where an instance goes', () => {
  it('to the zone with the fewest, then to the node with the fewest', () => {
    expect(placeAll(nodes, 6)).toEqual(['a1', 'b1', 'a2', 'b1', 'a1', 'b1']);
    expect(place(nodes, ['a1', 'gone', 'gone'])).toBe('b1');
    expect(place([], ['a1'])).toBeUndefined();
  });

  it('is fair to zones, and in each to its nodes, however many there are', () => {
    const some = fc.uniqueArray(fc.record({ id: fc.string(), zone: fc.constantFrom('', 'a', 'b', 'c') }), {
      selector: ({ id }) => id,
      minLength: 1,
      maxLength: 12,
    });
    fc.assert(
      fc.property(some, fc.nat(60), (on, count) => {
        const taken = placeAll(on, count);
        const zones = [...new Set(on.map(({ zone }) => zone))];
        const inZone = zones.map((zone) =>
          countOf(taken, (id) => on.some((one) => one.id === id && one.zone === zone)),
        );
        expect(Math.max(...inZone) - Math.min(...inZone)).toBeLessThanOrEqual(1);
        for (const zone of zones) {
          const onNodes = on
            .filter((one) => one.zone === zone)
            .map(({ id }) => countOf(taken, (one) => one === id));
          expect(Math.max(...onNodes) - Math.min(...onNodes)).toBeLessThanOrEqual(1);
        }
      }),
    );
  });

  it('fills up where one was lost, and moves nothing else', () => {
    fc.assert(
      fc.property(fc.integer({ min: 3, max: 40 }), (count) => {
        const before = placeAll(nodes, count);
        const left = before.filter((id) => id !== 'b1');
        const alive = nodes.filter(({ id }) => id !== 'b1');
        const after = placeAll(alive, count - left.length, left);
        expect(after.slice(0, left.length)).toEqual(left);
        expect(after).toHaveLength(count);
        expect(after).not.toContain('b1');
      }),
    );
  });
});
