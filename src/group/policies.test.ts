import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type HealPolicy, heal } from './heal.ts';
import { type PlannedInstance, plan, type UpdatePolicy } from './plan.ts';
import { type Progress, Rollout } from './rollout.ts';
import type { Template, Update } from './spec.ts';
import { verdict } from './verdict.ts';

describe('the plan', () => {
  const policy: UpdatePolicy = { maxSurge: 1, maxUnavailable: 0, minReady: 0 };
  const one = (id: string, over: Partial<PlannedInstance> = {}): PlannedInstance => ({
    id,
    edition: 1,
    startedAt: 0,
    readySince: 0,
    ...over,
  });
  const input = { now: 100, size: 2, leaving: 0, edition: 1, wanted: 2, policy };

  it('starts what is missing and lets go what is too much: what is not ready, then the youngest', () => {
    expect(plan({ ...input, size: 3, wanted: 3, instances: [one('a')] }).start).toEqual({
      current: 2,
      previous: 0,
    });
    const instances = [
      one('a'),
      one('b', { startedAt: 5 }),
      one('c', { readySince: undefined }),
      one('d', { startedAt: 9 }),
    ];
    expect(plan({ ...input, instances }).leave).toEqual(['c', 'd']);
  });

  it('has a new one ready before an old one goes', () => {
    const old = [one('a'), one('b')];
    const rolling = { ...input, edition: 2 };
    expect(plan({ ...rolling, instances: old })).toEqual({ start: { current: 1, previous: 0 }, leave: [] });
    const fresh = one('c', { edition: 2, startedAt: 50, readySince: undefined });
    expect(plan({ ...rolling, instances: [...old, fresh] })).toEqual({
      start: { current: 0, previous: 0 },
      leave: [],
    });
    const ready = { ...fresh, readySince: 60 };
    expect(plan({ ...rolling, instances: [...old, ready] }).leave).toEqual(['b']);
    const patient = { ...rolling, policy: { ...policy, minReady: 50 } };
    expect(plan({ ...patient, instances: [...old, ready] }).leave).toEqual([]);
  });

  it('keeps old ones that pass, however young they are', () => {
    const old = [one('a', { readySince: 95 }), one('b', { readySince: 99 })];
    const fresh = one('c', { edition: 2, startedAt: 98, readySince: undefined });
    const rolling = { ...input, edition: 2, policy: { ...policy, minReady: 50 } };
    expect(plan({ ...rolling, instances: [...old, fresh] }).leave).toEqual([]);
  });

  it('replaces the sick ones of the old edition first', () => {
    const instances = [one('a'), one('b', { readySince: undefined }), one('c', { edition: 2 })];
    expect(plan({ ...input, edition: 2, instances }).leave).toEqual(['b']);
  });

  it('keeps to its bounds and comes to an end, whatever becomes ready when', () => {
    const world = fc.record({
      size: fc.integer({ min: 0, max: 8 }),
      before: fc.integer({ min: 0, max: 8 }),
      maxSurge: fc.integer({ min: 0, max: 3 }),
      maxUnavailable: fc.integer({ min: 0, max: 3 }),
      minReady: fc.integer({ min: 0, max: 20 }),
      luck: fc.infiniteStream(fc.boolean()),
    });
    fc.assert(
      fc.property(world, ({ size, before, maxSurge, maxUnavailable, minReady, luck }) => {
        fc.pre(maxSurge + maxUnavailable > 0);
        let instances = Array.from({ length: before }, (_, at) => one(`old-${at}`));
        let started = 0;
        for (let now = 1; now < 300; now++) {
          const ready = instances.filter(({ readySince }) => readySince !== undefined).length;
          const { start, leave } = plan({
            now,
            size,
            instances,
            leaving: 0,
            edition: 2,
            wanted: size,
            policy: { maxSurge, maxUnavailable, minReady },
          });
          const left = instances.filter(({ id }) => !leave.includes(id));
          const stillReady = left.filter(({ readySince }) => readySince !== undefined).length;
          // What was not there cannot be kept; what was is not given up below the bound.
          expect(stillReady).toBeGreaterThanOrEqual(Math.min(ready, size - maxUnavailable));
          expect(start.previous).toBe(0);
          instances = [
            ...left,
            ...Array.from({ length: start.current }, () =>
              one(`new-${++started}`, { edition: 2, startedAt: now, readySince: undefined }),
            ),
          ];
          expect(instances.length).toBeLessThanOrEqual(Math.max(before, size + maxSurge));
          instances = instances.map((instance) =>
            instance.readySince === undefined && (now > 100 || luck.next().value)
              ? { ...instance, readySince: now }
              : instance,
          );
        }
        expect(instances.length).toBe(size);
        expect(instances.every(({ edition }) => edition === 2)).toBe(true);
      }),
    );
  });

  it('keeps both editions at their numbers while canaries are looked at', () => {
    const instances = [one('a'), one('b'), one('c'), one('d', { edition: 2 })];
    const waiting = { ...input, size: 4, edition: 2, wanted: 1 };
    expect(plan({ ...waiting, instances })).toEqual({ start: { current: 0, previous: 0 }, leave: [] });
    expect(plan({ ...waiting, instances: instances.slice(1) }).start).toEqual({ current: 0, previous: 1 });
    expect(plan({ ...waiting, instances: instances.slice(0, 3) }).start).toEqual({ current: 1, previous: 0 });
  });
});

describe('healing', () => {
  const policy: HealPolicy = { after: 10, initialDelay: 50, most: 1, window: 100, holdAbove: 0.5 };
  const patient = (id: string, failingSince?: number, startedAt = 0) => ({ id, startedAt, failingSince });

  it('replaces the one that has failed longest, one at a time', () => {
    const patients = [patient('a', 120), patient('b', 100), patient('c'), patient('d'), patient('e')];
    expect(heal(200, patients, [], policy)).toEqual({
      replace: ['b'],
      held: '1 more wait: at most 1 are replaced at a time',
    });
    expect(heal(200, patients, [150], policy).replace).toEqual([]);
    expect(heal(260, patients, [150], policy).replace).toEqual(['b']);
  });

  it('waits for those that may still be starting, and for a failure to last', () => {
    expect(heal(200, [patient('a', 195), patient('b'), patient('c')], [], policy).replace).toEqual([]);
    expect(heal(200, [patient('a', 180, 180), patient('b'), patient('c')], [], policy).replace).toEqual([]);
  });

  it('leaves everything alone when most fails at once, but replaces a single instance', () => {
    const treated = heal(
      200,
      [patient('a', 100), patient('b', 100), patient('c', 199), patient('d')],
      [],
      policy,
    );
    expect(treated.replace).toEqual([]);
    expect(treated.held).toContain('3 of 4 instances fail at once');
    expect(heal(200, [patient('a', 100)], [], policy).replace).toEqual(['a']);
  });

  it('never replaces more than it may, whatever fails', () => {
    fc.assert(
      fc.property(
        fc.array(fc.option(fc.integer({ min: 0, max: 199 }), { nil: undefined }), { maxLength: 20 }),
        fc.array(fc.integer({ min: 0, max: 200 }), { maxLength: 5 }),
        fc.integer({ min: 1, max: 4 }),
        (failing, healed, most) => {
          const patients = failing.map((since, at) => patient(`p${at}`, since));
          const { replace } = heal(200, patients, healed, { ...policy, most });
          const recent = healed.filter((at) => 200 - at < policy.window).length;
          expect(replace.length + recent).toBeLessThanOrEqual(Math.max(most, recent));
          const count = failing.filter((since) => since !== undefined).length;
          if (count > 1 && count / failing.length > 0.5) expect(replace).toEqual([]);
        },
      ),
    );
  });
});

describe('the verdict over a new edition', () => {
  const policy = { worse: 0.05, requests: 50, deadline: 0 };
  it.each([
    ['few requests say nothing', { requests: 49, errors: 49 }, { requests: 1000, errors: 0 }, ''],
    ['no worse than before', { requests: 100, errors: 14 }, { requests: 100, errors: 10 }, ''],
    [
      'worse',
      { requests: 100, errors: 16 },
      { requests: 100, errors: 10 },
      '16.0 % of the requests to new instances fail, 10.0 % of those to the others',
    ],
    ['nothing to compare with', { requests: 100, errors: 6 }, { requests: 0, errors: 0 }, '6.0 %'],
  ])('%s', (_, current, previous, words) => {
    const said = verdict(current, previous, policy);
    if (words === '') expect(said).toBe('');
    else expect(said).toContain(words);
  });
});

describe('a rollout', () => {
  const template = {} as Template;
  const update: Update = {
    maxSurge: 1,
    maxUnavailable: 0,
    minReady: 0,
    canary: 0,
    rollback: { worse: 0.05, requests: 50, deadline: 1000 },
  };
  const progress = (edition: number, over: Partial<Progress> = {}): Progress => ({
    id: `${edition}-${Math.random()}`,
    edition,
    readySince: 0,
    tally: { requests: 0, errors: 0 },
    ...over,
  });

  it('is done when all are new and ready', () => {
    const rollout = new Rollout(template, 0);
    rollout.begin(10, template, [progress(1), progress(1)]);
    expect(rollout.judge(20, 2, [progress(1), progress(2)], update)).toBe(false);
    expect(rollout.judge(30, 2, [progress(2), progress(2, { readySince: undefined })], update)).toBe(false);
    expect(rollout.judge(40, 2, [progress(2), progress(2)], update)).toBe(true);
    expect(rollout.state).toEqual({ mode: 'idle', since: 40 });
    const patient = { ...update, minReady: 5 };
    rollout.begin(50, template, [progress(2)]);
    expect(rollout.judge(64, 1, [progress(3, { readySince: 60 })], patient)).toBe(false);
    expect(rollout.judge(65, 1, [progress(3, { readySince: 60 })], patient)).toBe(true);
  });

  it('waits for somebody to look at the canaries, then goes on to the end', () => {
    const rollout = new Rollout(template, 0);
    const canary = { ...update, canary: 0.3 };
    rollout.begin(0, template, []);
    const instances = [progress(2), progress(2), progress(1), progress(1), progress(1)];
    expect(rollout.wanted(5, instances, canary)).toBe(2);
    expect(rollout.judge(1, 5, instances, canary)).toBe(true);
    expect(rollout.state.mode).toBe('paused');
    expect(rollout.wanted(5, instances, canary)).toBe(2);
    // They stay a share of a group that becomes smaller, and of one that becomes larger what they were.
    expect(rollout.wanted(2, instances, canary)).toBe(1);
    expect(rollout.wanted(10, instances, canary)).toBe(2);
    expect(rollout.resume(2)).toBe(true);
    expect(rollout.wanted(5, instances, canary)).toBe(5);
    expect(rollout.judge(3, 5, instances, canary)).toBe(false);
  });

  it('is taken back when the new ones do worse, counted from its beginning', () => {
    const rollout = new Rollout(template, 0);
    const old = progress(1, { tally: { requests: 1000, errors: 900 } });
    rollout.begin(0, template, [old]);
    const later = { ...old, tally: { requests: 1100, errors: 900 } };
    const fresh = progress(2, { tally: { requests: 60, errors: 6 } });
    expect(rollout.judge(1, 2, [later, fresh], update)).toBe(true);
    expect(rollout.state.mode).toBe('rolling-back');
    expect(rollout.current.number).toBe(1);
    expect(rollout.judge(2, 1, [later], update)).toBe(true);
    expect(rollout.state.mode).toBe('idle');
  });

  it('is taken back when nothing new comes up, and goes back to what was proven, not to what was tried before', () => {
    const rollout = new Rollout(template, 0);
    rollout.begin(0, template, []);
    rollout.begin(5, template, []);
    expect(rollout.current.number).toBe(3);
    expect(rollout.judge(1006, 1, [progress(1), progress(3, { readySince: undefined })], update)).toBe(true);
    expect(rollout.current.number).toBe(1);
  });

  it('refuses what there is nothing for', () => {
    const rollout = new Rollout(template, 0);
    expect([rollout.pause(0, ''), rollout.resume(0), rollout.rollBack(0, '')]).toEqual([false, false, false]);
  });
});
