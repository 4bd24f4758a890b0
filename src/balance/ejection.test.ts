import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ManualClock } from '../lib/clock.ts';
import type { Target } from './balancer.ts';
import { connectFailed, connectionCut, EJECTION, freshState, isEjected, succeeded } from './ejection.ts';
import { Probes } from './probes.ts';
import { TargetStates } from './states.ts';

describe('ejection', () => {
  it('a refused connect ejects at once', () => {
    const state = freshState();
    connectFailed(state, 1000, 0);
    expect(isEjected(state)).toBe(true);
    expect(state).toMatchObject({ failures: 1, ejections: 1, ejectedAt: 1000 });
    expect(state.ejectedUntil).toBeGreaterThan(1000);
  });

  it('cut connections eject only in a row', () => {
    const state = freshState();
    for (let i = 1; i < EJECTION.cuts; i++) connectionCut(state, i, 0);
    expect(isEjected(state)).toBe(false);
    succeeded(state);
    for (let i = 1; i < EJECTION.cuts; i++) connectionCut(state, i, 0);
    expect(isEjected(state)).toBe(false);
    connectionCut(state, 100, 0);
    expect(isEjected(state)).toBe(true);
  });

  it('requests that fail together are one ejection', () => {
    const state = freshState();
    for (let i = 0; i < 50; i++) connectFailed(state, 1000, 0.5);
    expect(state).toMatchObject({ failures: 50, ejections: 1 });
  });

  it('is longer each time, never beyond its bound, and forgotten after a success', () => {
    fc.assert(
      fc.property(fc.array(fc.double({ min: 0, max: 0.999, noNaN: true }), { maxLength: 30 }), (draws) => {
        const state = freshState();
        let now = 1;
        for (const [round, random] of draws.entries()) {
          connectFailed(state, now, random);
          const wait = state.ejectedUntil - now;
          const full = Math.min(EJECTION.backoff.max, EJECTION.backoff.base * 2 ** round);
          expect(wait).toBeGreaterThanOrEqual(full / 2);
          expect(wait).toBeLessThanOrEqual(full);
          expect(state.ejectedAt).toBe(1);
          now = state.ejectedUntil;
        }
        succeeded(state);
        expect(state).toEqual(freshState());
      }),
    );
  });
});

describe('probes', () => {
  const target = (): Target => ({ id: 'n/a', host: 'h', port: 1, weight: 1, slot: 1, state: freshState() });
  const settle = () => new Promise((resolve) => setImmediate(resolve));

  function start(answers: boolean[]) {
    const clock = new ManualClock(1000);
    const asked: number[] = [];
    const returned: number[] = [];
    const probes = new Probes({
      clock,
      random: () => 0,
      connect: async () => {
        asked.push(clock.now());
        return answers.shift() ?? false;
      },
      onReturn: (_, outFor) => returned.push(outFor),
    });
    return { clock, asked, returned, probes };
  }

  it('tries again with growing pauses until a connect gets through', async () => {
    const { clock, asked, returned, probes } = start([false, false, true]);
    const one = target();
    connectFailed(one.state, clock.now(), 0);
    probes.watch(one);
    probes.watch(one);
    for (let i = 0; i < 80; i++) {
      clock.advance(50);
      await settle();
    }
    const pauses = asked.map((at, i) => at - (asked[i - 1] ?? 1000));
    expect(pauses).toEqual([250, 500, 1000]);
    expect(isEjected(one.state)).toBe(false);
    expect(returned).toHaveLength(1);
    expect(probes.size).toBe(0);
  });

  it('does not connect when a request got through in the meantime', async () => {
    const { clock, asked, probes } = start([true]);
    const one = target();
    connectFailed(one.state, clock.now(), 0);
    probes.watch(one);
    succeeded(one.state);
    clock.advance(60_000);
    await settle();
    expect(asked).toEqual([]);
    expect(probes.size).toBe(0);
  });

  it('ends with its instance, and altogether', async () => {
    const { clock, asked, probes } = start([]);
    const [one, two] = [target(), target()];
    for (const each of [one, two]) {
      connectFailed(each.state, clock.now(), 0);
      probes.watch(each);
    }
    probes.forget(one.state);
    expect(probes.size).toBe(1);
    probes.stop();
    clock.advance(60_000);
    await settle();
    expect(asked).toEqual([]);
  });

  it('an instance that goes while it is being probed is not watched any more', async () => {
    const { clock, asked, probes } = start([false, false]);
    const one = target();
    connectFailed(one.state, clock.now(), 0);
    probes.watch(one);
    clock.advance(500);
    probes.forget(one.state);
    await settle();
    clock.advance(60_000);
    await settle();
    expect(asked).toHaveLength(1);
    expect(probes.size).toBe(0);
  });
});

describe('target states', () => {
  it('are one for an instance in several routes, until the last lets go', () => {
    const gone: unknown[] = [];
    const states = new TargetStates((state) => gone.push(state));
    const state = states.take('n/a', 'h', 1);
    expect(states.take('n/a', 'h', 1)).toBe(state);
    states.release('n/a', 'h', 1);
    expect(gone).toEqual([]);
    states.release('n/a', 'h', 1);
    expect(gone).toEqual([state]);
    expect(states.size).toBe(0);
  });

  it('begin anew at another address', () => {
    const states = new TargetStates();
    connectFailed(states.take('n/a', 'h', 1), 0, 0);
    expect(isEjected(states.take('n/a', 'h', 2))).toBe(false);
  });
});
