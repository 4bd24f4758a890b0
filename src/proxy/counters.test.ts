import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { nextTurn } from '../lib/in-turns.ts';
import { CounterReader, Counters, createCounterBlock, IN_FLIGHT, REQUESTS, SLOTS } from './counters.ts';
import { BUCKETS, bucketEdge } from './latency-buckets.ts';

function counted() {
  const block = createCounterBlock();
  const reader = new CounterReader();
  reader.add(block);
  return { block, reader, counters: new Counters(block) };
}

describe('counters', () => {
  it('keep slots apart, and put everything beyond the last into slot 0', () => {
    const { counters, reader } = counted();
    counters.slot(SLOTS - 1, REQUESTS);
    counters.slot(SLOTS, REQUESTS);
    counters.slot(-1, REQUESTS);
    expect([SLOTS - 1, 0, 1].map((slot) => reader.slot(slot).requests)).toEqual([1, 2, 0]);
    expect(reader.overall().requests).toBe(0);
  });

  it('keep what a worker counted that is gone, but not what it had under way', () => {
    const { counters, reader, block } = counted();
    counters.slot(3, REQUESTS, 7);
    counters.slot(3, IN_FLIGHT);
    expect(reader.isIdle(3)).toBe(false);
    reader.retire(block);
    reader.retire(block);
    expect(reader.slot(3)).toMatchObject({ requests: 7, inFlight: 0 });
    expect(reader.isIdle(3)).toBe(true);
    reader.clear(3);
    expect(reader.slot(3).requests).toBe(0);
  });

  it('are neither lost nor counted twice when workers go, whenever one looks', async () => {
    const reader = new CounterReader();
    const expected = new Map<number, number>();
    let own = 0;
    const left = new Map<number, number>();
    const readable = () => {
      for (const [slot, requests] of expected) expect(reader.field(slot, REQUESTS)).toBe(requests);
      expect(reader.slot(5).requests).toBe(expected.get(5) ?? 0);
      expect(reader.overall().requests).toBe(own);
      expect(reader.codes().map(({ status, own: count }) => [status, count])).toEqual([[404, own]]);
      for (const slot of left.keys()) expect(reader.isIdle(slot)).toBe(true);
    };
    const retire = (first: number, count: number) => {
      const block = createCounterBlock();
      reader.add(block);
      const counters = new Counters(block);
      for (let slot = first; slot < first + count; slot++) {
        counters.slot(slot, REQUESTS, slot);
        counters.slot(slot, IN_FLIGHT, 2);
        expected.set(slot, (expected.get(slot) ?? 0) + slot);
      }
      counters.overall(REQUESTS);
      counters.own(404, 1);
      own++;
      reader.retire(block, (slot, inFlight) => left.set(slot, (left.get(slot) ?? 0) + inFlight));
    };
    retire(1, 600);
    readable();
    retire(300, 1_500);
    readable();
    retire(1, 1_200);
    readable();
    // While they are being added up.
    reader.clear(5);
    expected.set(5, 0);
    reader.clear(1_199);
    expected.set(1_199, 0);
    for (let turn = 0; turn < 10; turn++) {
      await nextTurn();
      readable();
    }
    expect([left.get(1), left.get(400), left.get(1_799), left.get(1_800)]).toEqual([4, 6, 2, undefined]);
  });

  it('give quantiles that are at most a quarter too high', () => {
    fc.assert(
      fc.property(fc.double({ min: 0.02, max: 100_000, noNaN: true }), (ms) => {
        const { counters, reader } = counted();
        counters.answered(1, 2, 200, ms);
        const { p50, p99, mean, classes } = reader.slot(2);
        expect(p50).toBeGreaterThanOrEqual(ms * 0.999);
        expect(p50).toBeLessThanOrEqual(ms * 1.26 + 0.002);
        expect(p99).toBe(p50);
        expect(mean).toBe(ms);
        expect(classes).toEqual([0, 1, 0, 0, 0]);
      }),
      { numRuns: 50 },
    );
  });

  it('have buckets with growing edges', () => {
    for (let bucket = 1; bucket < BUCKETS; bucket++)
      expect(bucketEdge(bucket)).toBeGreaterThan(bucketEdge(bucket - 1));
  });
});
