import { describe, expect, it } from 'vitest';
import { ManualClock } from '../lib/clock.ts';
import { type Outcome, type ProbeContext, type ProbeKind, passing } from './kind.ts';
import { Runner } from './runner.ts';
import { Schedule } from './schedule.ts';
import { EMPTY_SPEC } from './spec.ts';

/** A kind whose probes are answered by the test. */
function scripted() {
  const running: { finish(outcome: Outcome): void; context: ProbeContext; at: number }[] = [];
  const clock = new ManualClock();
  const kind: ProbeKind = {
    mode: 'probe',
    recognises: () => true,
    probe: (_spec, context) =>
      new Promise((resolve) => {
        running.push({ finish: resolve, context, at: clock.now() });
      }),
  };
  return { running, clock, kind };
}

function setUp(maxInFlight = 10) {
  const { running, clock, kind } = scripted();
  const results: { id: string; outcome: Outcome }[] = [];
  const schedule = new Schedule(clock, (error) => {
    throw error;
  });
  const runner = new Runner({
    schedule,
    random: () => 0.5,
    onResult: (id, outcome) => results.push({ id, outcome }),
    maxInFlight,
  });
  const add = (id: string, interval = 1000) =>
    runner.add(id, kind, { ...EMPTY_SPEC, interval }, { outputMaxSize: 100 });
  return { running, clock, results, runner, schedule, add, kind };
}

const settle = () => new Promise<void>((resolve) => setImmediate(resolve));

describe('runner', () => {
  it('probes within a few milliseconds when the interval is short, and later when it is long', () => {
    const { running, clock, add } = setUp();
    add('quick', 1000);
    add('slow', 3_600_000);
    clock.advance(2);
    expect(running).toHaveLength(1);
    clock.advance(1000);
    expect(running).toHaveLength(1);
    clock.advance(7200);
    expect(running.map(({ at }) => at)).toHaveLength(2);
  });

  it('lets a check that begins as passing wait for a part of its interval', () => {
    const { running, clock, runner, kind } = setUp();
    runner.add('a', kind, { ...EMPTY_SPEC, interval: 1000 }, { outputMaxSize: 100, isPassing: true });
    clock.advance(50);
    expect(running).toHaveLength(0);
    clock.advance(50);
    expect(running).toHaveLength(1);
  });

  it('never runs two probes of one check at once, and waits an interval after the end of one', async () => {
    const { running, clock, results, add } = setUp();
    add('a');
    clock.advance(10_000);
    expect(running).toHaveLength(1);
    running[0]?.finish(passing('first'));
    await settle();
    expect(results).toEqual([{ id: 'a', outcome: passing('first') }]);
    clock.advance(750);
    expect(running).toHaveLength(2);
    running[1]?.finish(passing('second'));
    await settle();
    clock.advance(999);
    expect(running).toHaveLength(2);
    clock.advance(1);
    expect(running).toHaveLength(3);
  });

  it('drops what a probe finds out after its check was taken away or replaced', async () => {
    const { running, clock, results, runner, add } = setUp();
    add('a');
    clock.advance(10);
    add('a');
    expect(running[0]?.context.signal.aborted).toBe(true);
    running[0]?.finish(passing('late'));
    await settle();
    clock.advance(10);
    runner.remove('a');
    running[1]?.finish(passing('later'));
    await settle();
    expect(results).toEqual([]);
    clock.advance(100_000);
    expect(running).toHaveLength(2);
  });

  it('bounds the probes in flight and lets the others wait their turn', async () => {
    const { running, clock, add } = setUp(2);
    for (const id of ['a', 'b', 'c']) add(id);
    clock.advance(10);
    expect(running).toHaveLength(2);
    running[0]?.finish(passing(''));
    await settle();
    expect(running).toHaveLength(3);
  });

  it('takes a probe that rejects for a critical one', async () => {
    const { clock, results, runner } = setUp();
    const broken: ProbeKind = {
      mode: 'probe',
      recognises: () => true,
      probe: () => Promise.reject(new Error('broken')),
    };
    runner.add('a', broken, { ...EMPTY_SPEC, interval: 1000 }, { outputMaxSize: 100 });
    clock.advance(10);
    await settle();
    expect(results).toEqual([{ id: 'a', outcome: { status: 'critical', output: 'broken' } }]);
  });

  it('leaves nothing waiting when stopped', () => {
    const { runner, schedule, add } = setUp();
    for (const id of ['a', 'b', 'c']) add(id);
    runner.stop();
    expect(runner.size).toBe(0);
    expect(schedule.size).toBe(0);
  });
});
