import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { capacityOf, EMPTY_LEVEL, type FloodPolicy, type Level, takeOne, waitForOne } from './flood.ts';

const policies = fc.record({
  share: fc.double({ min: 0.01, max: 0.99, noNaN: true }),
  floor: fc.integer({ min: 1, max: 60 }),
  interval: fc.integer({ min: 1000, max: 600_000 }),
});
/** Moments at which an instance fails, as the time since the one before. */
const moments = fc.array(fc.integer({ min: 0, max: 20_000 }), { maxLength: 400 });

/** The moments at which an instance became critical, of those at which one failed. */
function admitted(policy: FloodPolicy, instances: number, pauses: readonly number[]): number[] {
  let level: Level = EMPTY_LEVEL;
  let now = 1_000_000;
  const times: number[] = [];
  for (const pause of pauses) {
    now += pause;
    const next = takeOne(level, policy, instances, now);
    if (next === undefined) continue;
    level = next;
    times.push(now);
  }
  return times;
}

describe('limit of instances that become critical', () => {
  it('is a share of the instances, but never less than the floor', () => {
    const policy = { share: 0.2, floor: 50, interval: 300_000 };
    expect(capacityOf(policy, 0)).toBe(50);
    expect(capacityOf(policy, 249)).toBe(50);
    expect(capacityOf(policy, 10_000)).toBe(2000);
    expect(capacityOf({ ...policy, share: 1 }, 10)).toBe(Number.POSITIVE_INFINITY);
  });

  it('holds in any stretch of time: what there was room for, and what flowed off since', () => {
    fc.assert(
      fc.property(policies, fc.integer({ min: 0, max: 2000 }), moments, (policy, instances, pauses) => {
        const times = admitted(policy, instances, pauses);
        const capacity = capacityOf(policy, instances);
        for (let from = 0; from < times.length; from += 7) {
          for (let to = from; to < times.length; to += 11) {
            const passed = (times[to] as number) - (times[from] as number);
            expect(to - from + 1).toBeLessThanOrEqual(
              capacity + (capacity * passed) / policy.interval + 1e-3,
            );
          }
        }
      }),
    );
  });

  it('never holds back small numbers: as many as the floor in any interval', () => {
    fc.assert(
      fc.property(policies, fc.integer({ min: 0, max: 2000 }), moments, (policy, instances, pauses) => {
        // Leaves out those that would make more than the floor within an interval.
        const recent: number[] = [];
        const few: number[] = [];
        let now = 0;
        let pause = 0;
        for (const more of pauses) {
          now += more;
          pause += more;
          while (recent.length > 0 && (recent[0] as number) <= now - policy.interval) recent.shift();
          if (recent.length >= policy.floor) continue;
          recent.push(now);
          few.push(pause);
          pause = 0;
        }
        expect(admitted(policy, instances, few)).toHaveLength(few.length);
      }),
    );
  });

  it('has room for one more after the time that it names, and not well before', () => {
    fc.assert(
      fc.property(policies, fc.integer({ min: 0, max: 2000 }), (policy, instances) => {
        let level = EMPTY_LEVEL;
        for (let next: Level | undefined = level; next !== undefined; ) {
          level = next;
          next = takeOne(level, policy, instances, 5000);
        }
        const wait = waitForOne(level, policy, instances, 5000);
        expect(wait).toBeGreaterThan(0);
        expect(takeOne(level, policy, instances, 5000 + wait)).toBeDefined();
        expect(takeOne(level, policy, instances, 5000 + wait * 0.9)).toBeUndefined();
      }),
    );
  });

  it('grows with the node at once, and does not mind a clock that goes back', () => {
    const policy = { share: 0.5, floor: 1, interval: 1000 };
    const full = takeOne(EMPTY_LEVEL, policy, 2, 5000) as Level;
    expect(takeOne(full, policy, 2, 5000)).toBeUndefined();
    expect(takeOne(full, policy, 4, 5000)).toBeDefined();
    expect(takeOne(full, policy, 2, 0)).toBeUndefined();
  });
});
