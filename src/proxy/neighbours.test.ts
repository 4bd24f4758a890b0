import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { Neighbourly, WaitingCounts } from './neighbours.ts';

describe('waiting counts', () => {
  it('draw a worker as often as requests wait there', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(20), { minLength: 1, maxLength: 8 }), (counts) => {
        const waiting = new WaitingCounts();
        for (const [worker, count] of counts.entries()) waiting.add(worker, count);
        const total = counts.reduce((sum, one) => sum + one, 0);
        expect(waiting.total).toBe(total);
        const drawn = counts.map(() => 0);
        for (let n = 0; n < total; n++) drawn[waiting.draw((n + 0.5) / total)]!++;
        expect(drawn).toEqual(counts);
      }),
    );
  });

  it('draw nobody where nobody waits, and forget who is gone', () => {
    const waiting = new WaitingCounts();
    expect(waiting.draw(0.5)).toBe(-1);
    waiting.add(0, 3);
    waiting.add(1, 2);
    waiting.forget(0);
    expect([waiting.total, waiting.draw(0), waiting.draw(0.99)]).toEqual([2, 1, 1]);
  });
});

describe('neighbours', () => {
  const all: Neighbourly[] = [];
  afterEach(() => {
    for (const one of all.splice(0)) one.close();
  });

  function pair(random: () => number): [Neighbourly, Neighbourly] {
    const { shared: counts } = new WaitingCounts();
    const name = `test-${process.pid}-${Math.random()}`;
    const made = [0, 1].map((index) => new Neighbourly({ name, counts, index }, random));
    all.push(...made);
    return made as [Neighbourly, Neighbourly];
  }

  it('keep their room while nobody else waits', () => {
    const [one, other] = pair(() => 0.99);
    one.add(1);
    expect([one.isOurs(), other.total]).toEqual([true, 1]);
  });

  it('leave room to who is drawn, and take it back when it is of no use there', async () => {
    const [one, other] = pair(() => 0.99);
    one.add(1);
    other.add(1);
    const offered = new Promise<() => void>((resolve) => other.heed(resolve));
    const returned = new Promise<() => void>((resolve) => one.heed(resolve));
    expect(one.isOurs()).toBe(false);
    (await offered)();
    await returned;
    expect(other.isOurs()).toBe(true);
  });
});
