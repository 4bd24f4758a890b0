import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AUTOSCALE_MODES, Autoscaler } from './autoscaler.ts';
import { Hpa, type HpaOptions } from './hpa.ts';
import type { Observation, Policy } from './observation.ts';
import { leastAt, type ScheduleWindow, WEEKDAYS } from './schedule.ts';
import { simulate } from './simulate.ts';
import { TargetTracking } from './target-tracking.ts';

const MINUTE = 60_000;
const HPA: HpaOptions = {
  tolerance: 0.1,
  out: {
    stabilization: 0,
    rates: [
      { instances: 4, period: 15_000 },
      { share: 1, period: 15_000 },
    ],
    select: 'max',
  },
  in: { stabilization: 5 * MINUTE, rates: [{ share: 1, period: 15_000 }], select: 'max' },
};
const makers: Record<string, () => Policy> = {
  target: () => new TargetTracking({ stabilization: 10 * MINUTE, initialization: MINUTE }),
  'target with scale-in control': () =>
    new TargetTracking({
      stabilization: 10 * MINUTE,
      initialization: MINUTE,
      scaleIn: { most: 2, window: 20 * MINUTE },
    }),
  hpa: () => new Hpa(HPA),
};

/** All instances old and ready, with these values of one signal whose target is 1. */
function seen(values: readonly (number | undefined)[], now: number, size = values.length): Observation {
  return {
    now,
    size,
    instances: values.map(() => ({ startedAt: now - 60 * MINUTE, ready: true })),
    readings: [{ signal: 'load', target: 1, values }],
  };
}

const bounds = { min: 1, max: 50, mode: 'on', schedule: [] } as const;

describe.each(Object.entries(makers))('%s', (_name, make) => {
  it('never leaves its bounds, whatever it reads', () => {
    const observation = fc.record({
      step: fc.integer({ min: 1, max: 20 * MINUTE }),
      values: fc.array(fc.option(fc.double({ min: 0, max: 1e6, noNaN: true }), { nil: undefined }), {
        maxLength: 12,
      }),
      size: fc.integer({ min: 0, max: 100 }),
      fresh: fc.boolean(),
      ready: fc.boolean(),
    });
    fc.assert(
      fc.property(
        fc.array(observation, { minLength: 1, maxLength: 30 }),
        fc.constantFrom('on' as const, 'only-out' as const),
        (all, mode) => {
          const autoscaler = new Autoscaler({ min: 2, max: 20, mode, schedule: [], policy: make() });
          let now = 1_000_000_000;
          for (const { step, values, size, fresh, ready } of all) {
            now += step;
            const decision = autoscaler.decide({
              ...seen(values, now, size),
              instances: values.map(() => ({ startedAt: fresh ? now : 0, ready })),
            });
            expect(decision.size).toBeGreaterThanOrEqual(2);
            expect(decision.size).toBeLessThanOrEqual(20);
            if (mode === 'only-out' && size <= 20) expect(decision.size).toBeGreaterThanOrEqual(size);
          }
        },
      ),
    );
  });

  it('does not shrink while something is not known', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 20 }),
        fc.array(fc.option(fc.double({ min: 0, max: 2, noNaN: true }), { nil: undefined }), {
          minLength: 40,
          maxLength: 40,
        }),
        (size, pool) => {
          const autoscaler = new Autoscaler({ ...bounds, policy: make() });
          for (let round = 0; round < 40; round++) {
            const values = Array.from({ length: size }, (_, at) => pool[(at + round) % pool.length]);
            // Nobody tells, or at best some: what is missing may be the load.
            values[0] = undefined;
            const decision = autoscaler.decide(
              seen(make === makers.hpa ? [undefined] : values, round * MINUTE, size),
            );
            expect(decision.size).toBeGreaterThanOrEqual(size);
          }
        },
      ),
    );
  });

  it('comes to rest under a constant load, and carries it', () => {
    fc.assert(
      fc.property(
        fc.double({ min: 0.1, max: 4000, noNaN: true }),
        fc.integer({ min: 1, max: 40 }),
        fc.integer({ min: 0, max: 120 }),
        (load, size, boot) => {
          const { steps, decisions } = simulate({
            trace: {
              start: 0,
              points: [
                { at: 0, load },
                { at: 120 * MINUTE, load },
              ],
            },
            autoscaler: new Autoscaler({ ...bounds, policy: make() }),
            signals: [{ kind: 'requests_per_second', target: 100 }],
            interval: 10_000,
            capacity: 150,
            boot: boot * 1000,
            work: 10,
            size,
          });
          const late = steps.filter(({ at }) => at > 100 * MINUTE);
          expect(new Set(late.map((step) => step.size)).size).toBe(1);
          expect(late.every(({ refused }) => refused === 0)).toBe(true);
          // One direction only: no swinging on the way.
          const signs = new Set(
            decisions.map((decision, at) => Math.sign(decision.size - (decisions[at - 1]?.size ?? size))),
          );
          expect(signs.size).toBeLessThanOrEqual(1);
        },
      ),
      { numRuns: 60 },
    );
  });

  it('comes to rest by a number of the whole group, too', () => {
    fc.assert(
      fc.property(
        fc.double({ min: 0, max: 4000, noNaN: true }),
        fc.integer({ min: 1, max: 40 }),
        (load, size) => {
          const { steps } = simulate({
            trace: {
              start: 0,
              points: [
                { at: 0, load },
                { at: 120 * MINUTE, load },
              ],
            },
            autoscaler: new Autoscaler({ ...bounds, policy: make() }),
            signals: [{ kind: 'metric', target: 100, source: { kind: 'key', key: 'jobs' } }],
            interval: 10_000,
            capacity: 150,
            boot: 30_000,
            work: 10,
            size,
          });
          const last = new Set(steps.filter(({ at }) => at > 100 * MINUTE).map((step) => step.size));
          expect(last.size).toBe(1);
          const [end] = last;
          expect(end! * 100 * 1.1 + 1e-6).toBeGreaterThanOrEqual(load);
        },
      ),
      { numRuns: 40 },
    );
  });

  it('only ever grows by how long requests wait, at most twofold at a time', () => {
    fc.assert(
      fc.property(
        fc.array(fc.option(fc.double({ min: 0, max: 1e6, noNaN: true }), { nil: undefined }), {
          maxLength: 10,
        }),
        fc.integer({ min: 1, max: 25 }),
        (values, size) => {
          const policy = make();
          const observation = seen(values, 0, size);
          const [reading] = observation.readings;
          const proposed = policy.propose({
            ...observation,
            readings: [{ ...reading!, onlyGrows: true }],
          }).size;
          expect(proposed).toBeGreaterThanOrEqual(size);
          expect(proposed).toBeLessThanOrEqual(Math.max(size + 1, size * 2, size + 4));
        },
      ),
    );
  });

  it('lets other signals make it smaller while nobody waits', () => {
    const policy = make();
    const waits = { signal: 'queue_wait', target: 10, values: [0, 0, 0, 0], onlyGrows: true };
    let size = 4;
    for (let minute = 0; minute <= 40; minute++) {
      const { readings, ...rest } = seen(
        Array.from({ length: size }, () => 0.4),
        minute * MINUTE,
      );
      size = policy.propose({ ...rest, readings: [...readings, waits] }).size;
    }
    expect(size).toBeLessThan(4);
  });

  it('does not shrink at once after another run of the program chose the size', () => {
    const policy = make();
    policy.remember(0, 6);
    const calm = (now: number) => policy.propose(seen([0.1, 0.1, 0.1, 0.1, 0.1, 0.1], now)).size;
    expect(calm(1000)).toBe(6);
    expect(calm(4 * MINUTE)).toBe(6);
  });

  it('keeps a smaller size that was set by hand, however much was needed before', () => {
    const policy = make();
    policy.propose(seen(Array(6).fill(1), 0));
    policy.hold(1000, 2);
    const calm = (now: number) => policy.propose(seen([0.5, 0.5], now, 2)).size;
    expect(calm(2000)).toBe(2);
    expect(calm(4 * MINUTE)).toBe(2);
    expect(calm(30 * MINUTE)).toBe(1);
  });

  it('makes a size that was set by hand larger when the load needs it', () => {
    const policy = make();
    policy.hold(1000, 2);
    expect(policy.propose(seen([3, 3], 2000)).size).toBe(6);
  });

  it('grows at the first decision after a jump of the load, and within its rates reaches what is needed', () => {
    const { steps } = simulate({
      trace: {
        start: 0,
        points: [
          { at: 0, load: 190 },
          { at: 30 * MINUTE, load: 1900 },
          { at: 60 * MINUTE, load: 1900 },
        ],
      },
      autoscaler: new Autoscaler({ ...bounds, policy: make() }),
      signals: [{ kind: 'requests_per_second', target: 100 }],
      interval: 10_000,
      capacity: 1000,
      boot: 20_000,
      work: 10,
      size: 2,
    });
    const at = (minutes: number) => steps.find((step) => step.at >= minutes * MINUTE)!;
    expect(at(29).size).toBe(2);
    expect(at(30.2).size).toBeGreaterThan(2);
    expect(at(32).size).toBeGreaterThanOrEqual(18);
  });
});

describe('target tracking', () => {
  const target = () => new TargetTracking({ stabilization: 10 * MINUTE, initialization: MINUTE });

  it('keeps what served the peak of the last ten minutes', () => {
    const policy = target();
    expect(policy.propose(seen([2, 2], 0)).size).toBe(4);
    expect(policy.propose(seen([0.5, 0.5, 0.5, 0.5], 9 * MINUTE)).size).toBe(4);
    expect(policy.propose(seen([0.5, 0.5, 0.5, 0.5], 10 * MINUTE)).size).toBe(4);
    expect(policy.propose(seen([0.5, 0.5, 0.5, 0.5], 10.1 * MINUTE)).size).toBe(2);
  });

  it('does not grow because of an instance that warms up, and does not shrink while it does', () => {
    const policy = target();
    const observation = {
      now: 30_000,
      size: 2,
      instances: [
        { startedAt: -MINUTE, ready: true },
        { startedAt: 0, ready: false },
      ],
      readings: [{ signal: 'cpu', target: 0.6, values: [0.6, 1] }],
    };
    expect(policy.propose(observation).size).toBe(2);
  });

  it('lets go what the scale-in control allows', () => {
    const policy = new TargetTracking({
      stabilization: 0,
      initialization: 0,
      scaleIn: { most: 0.1, window: 10 * MINUTE },
    });
    const sizes: number[] = [];
    let size = 20;
    policy.propose(seen(Array(20).fill(1), 0));
    for (let minute = 1; minute <= 30; minute++) {
      size = policy.propose(seen(Array(size).fill(0.1), minute * MINUTE)).size;
      sizes.push(size);
    }
    expect(sizes[0]).toBe(18);
    expect(sizes.slice(0, 10)).toEqual(Array(10).fill(18));
    expect(Math.min(...sizes.slice(11, 20))).toBeGreaterThanOrEqual(16);
  });

  it('takes the signal that wants most', () => {
    const policy = target();
    const observation = seen([1, 1], 0);
    const readings = [...observation.readings, { signal: 'cpu', target: 0.5, values: [0.9, 0.9] }];
    const proposal = policy.propose({ ...observation, readings });
    expect(proposal.size).toBe(4);
    expect(proposal.reason).toContain('cpu is 1.8 in all');
  });
});

describe('hpa', () => {
  it.each([
    // values, unready, proposal
    [[1.05, 1.05], 0, 2],
    [[2, 2], 0, 4],
    [[1.5, 1.5, undefined], 0, 3],
    [[3, 3, undefined], 0, 6],
    [[2, 2], 2, 4],
    [[undefined], 0, 1],
  ])('reads %j with %i that are not ready as %i', (values, unready, proposal) => {
    const policy = new Hpa({ ...HPA, out: { ...HPA.out, rates: [{ instances: 100, period: 1 }] } });
    const size = values.length + unready;
    const observation = seen([...values, ...Array(unready).fill(0)], 0, size);
    const instances = observation.instances.map((one, at) => ({ ...one, ready: at < values.length }));
    expect(policy.propose({ ...observation, instances }).size).toBe(proposal);
  });

  it('shrinks to the highest proposal of its window', () => {
    const policy = new Hpa(HPA);
    expect(policy.propose(seen(Array(4).fill(1), 0)).size).toBe(4);
    expect(policy.propose(seen(Array(4).fill(0.25), MINUTE)).size).toBe(4);
    expect(policy.propose(seen(Array(4).fill(0.5), 5.5 * MINUTE)).size).toBe(2);
  });

  it('doubles at most, or takes four, in fifteen seconds', () => {
    const policy = new Hpa(HPA);
    const sizes: number[] = [];
    let size = 1;
    for (let at = 0; at < 5; at++) {
      size = policy.propose(seen(Array(size).fill(100 / size), at * 16_000)).size;
      sizes.push(size);
    }
    expect(sizes).toEqual([5, 10, 20, 40, 80]);
  });

  it('does not change at all where no rate is given', () => {
    const policy = new Hpa({ ...HPA, in: { ...HPA.in, stabilization: 0, rates: [] } });
    expect(policy.propose(seen([0.1, 0.1], 0)).size).toBe(2);
  });
});

describe('the schedule', () => {
  const window: ScheduleWindow = {
    days: ['mon', 'fri'],
    from: 22 * 60,
    to: 6 * 60,
    timeZone: 'Europe/Berlin',
    min: 7,
  };
  it.each([
    ['2026-11-27T20:59:00Z', 0],
    ['2026-11-27T21:00:00Z', 7],
    ['2026-11-28T04:59:00Z', 7],
    ['2026-11-28T05:00:00Z', 0],
    ['2026-11-29T23:00:00Z', 0],
    // Summer time: an hour earlier.
    ['2026-07-06T20:00:00Z', 7],
  ])('at %s asks for %i', (time, least) => {
    expect(leastAt([window], Date.parse(time))).toBe(least);
  });

  it('lifts a proposal, up to the largest size', () => {
    const autoscaler = new Autoscaler({
      ...bounds,
      max: 5,
      schedule: [{ days: WEEKDAYS, from: 0, to: 0, timeZone: 'UTC', min: 7 }],
      policy: makers.target!(),
    });
    const decision = autoscaler.decide(seen([0.1], 0));
    expect(decision).toMatchObject({ size: 5, recommended: 5 });
    expect(decision.reason).toContain('schedule asks for 7');
  });
});

it.each(AUTOSCALE_MODES)('mode %s does what it says', (mode) => {
  const policy: Policy = { remember: () => {}, hold: () => {}, propose: () => ({ size: 2, reason: 'so' }) };
  const decision = new Autoscaler({ ...bounds, mode, policy }).decide(seen([1, 1, 1, 1], 0));
  expect(decision.recommended).toBe(2);
  expect(decision.size).toBe(mode === 'on' ? 2 : 4);
});
