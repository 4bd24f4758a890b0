import { afterAll, describe, expect, it } from 'vitest';
import { Arena, SCRATCH } from './arena.ts';
import { Estate } from './estate.ts';
import { OBSTACLE } from './fixtures.ts';
import { loadLibc } from './libc.ts';
import { Ring } from './ring.ts';

const TIME_AT = SCRATCH + 2_048;

describe.skipIf(OBSTACLE !== undefined)('a ring that waits for several completions', async () => {
  const libc = await loadLibc();
  const estate = new Estate();
  const arena = new Arena(libc, estate, 1);
  const ring = new Ring(libc, arena, estate, { entries: 8, completions: 8 });
  afterAll(() => estate.settle(libc));

  const tags = () => {
    const seen: number[] = [];
    ring.complete((tag) => seen.push(tag));
    return seen;
  };

  it.runIf(ring.canWaitForSeveral)('takes them all when they are there', () => {
    for (const tag of [1, 2, 3]) ring.nop(tag);
    ring.enterForSeveral(3);
    expect(tags()).toEqual([1, 2, 3]);
  });

  it.runIf(ring.canWaitForSeveral)('goes on with fewer when no more come', () => {
    ring.nop(4);
    ring.enterForSeveral(8);
    expect(tags()).toEqual([4]);
  });

  it.runIf(ring.canWaitForSeveral)('goes on with the first one, when it comes late', () => {
    // Seconds and nanoseconds: longer than it waits for several.
    arena.ints.set([0, 0, 20_000_000, 0], TIME_AT >> 2);
    ring.timeout(arena.low(TIME_AT), 5);
    ring.enterForSeveral(8);
    expect(tags()).toEqual([5]);
  });
});
