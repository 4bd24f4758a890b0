import { describe, expect, it } from 'vitest';
import { Gather } from './gather.ts';

const turn = () => new Promise((resolve) => setImmediate(resolve));

/** Something that carries groups out when it is told to. */
function slow(most?: number) {
  const groups: number[][] = [];
  const ends: (() => void)[] = [];
  const gather = new Gather<number>((group) => {
    groups.push(group);
    return new Promise((resolve) => ends.push(resolve));
  }, most);
  return { gather, groups, end: () => ends.shift()?.() };
}

describe('gather', () => {
  it('begins at once with what comes alone', () => {
    const { gather, groups } = slow();
    gather.add(1);
    expect(groups).toEqual([[1]]);
  });

  it('carries out together what comes in one turn of the event loop, once several came together', async () => {
    const { gather, groups, end } = slow();
    for (const item of [1, 2, 3]) gather.add(item);
    expect(groups).toEqual([[1]]);
    end();
    await turn();
    end();
    await turn();
    for (const item of [4, 5]) gather.add(item);
    expect(groups).toEqual([[1], [2, 3]]);
    await turn();
    expect(groups).toEqual([[1], [2, 3], [4, 5]]);
  });

  it('gathers the next group while one is under way, and keeps to the most', async () => {
    const { gather, groups, end } = slow(2);
    gather.add(1);
    await turn();
    for (const item of [2, 3, 4]) gather.add(item);
    await turn();
    expect(groups).toEqual([[1]]);
    end();
    await turn();
    expect(groups).toEqual([[1], [2, 3]]);
    end();
    await turn();
    expect(groups).toEqual([[1], [2, 3], [4]]);
  });

  it('is idle when all is done, and begins anew', async () => {
    const { gather, groups, end } = slow();
    await gather.idle();
    gather.add(1);
    let idle = false;
    const ended = gather.idle().then(() => {
      idle = true;
    });
    await turn();
    expect(idle).toBe(false);
    end();
    await ended;
    gather.add(2);
    expect(groups).toEqual([[1], [2]]);
  });
});
