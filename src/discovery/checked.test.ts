import { describe, expect, it } from 'vitest';
import { critical, type ProbeKind, passing } from '../health/kind.ts';
import { ManualClock } from '../lib/clock.ts';
import { createLogger } from '../lib/log.ts';
import { instanceOf } from './backend.ts';
import { followChecked } from './checked.ts';
import type { CheckPlan } from './checks.ts';
import type { DiscoveredInstance, InstanceListener } from './instance.ts';
import { parseStaticUpstream } from './static.ts';

const place = (text: string) => instanceOf(parseStaticUpstream(text)!, 'static', 'web');

/** A source that is told by hand, its instances, and what their checks find; every look is awaited. */
function world(plan: Partial<CheckPlan> = {}) {
  const clock = new ManualClock();
  const well = new Map<string, boolean>();
  const heard: [id: string, out: string | undefined][] = [];
  let say: InstanceListener = () => {};
  const looked: string[] = [];
  const probe = ({ id }: DiscoveredInstance): ProbeKind => ({
    mode: 'probe',
    recognises: () => true,
    async probe() {
      looked.push(id);
      return well.get(id) === false ? critical('503 Service Unavailable') : passing('200 OK');
    },
  });
  let stopped = 0;
  const followed = followChecked(
    (listener) => {
      say = listener;
      return { instances: () => [], resync() {}, stop: () => void stopped++ };
    },
    {
      plan: { probe, interval: 1_000, timeout: 0, fails: 3, passes: 2, startsHealthy: true, ...plan },
      clock,
      random: () => 0,
      log: createLogger({ level: 'error', sink: () => {} }),
    },
    (changes) =>
      heard.push(...changes.map(({ id, after }): [string, string | undefined] => [id, after?.out])),
  );
  return {
    followed,
    well,
    looked,
    /** What was told since the last time. */
    heard: () => heard.splice(0),
    tell: (...changes: [id: string, after: DiscoveredInstance | undefined][]) =>
      say(changes.map(([id, after]) => ({ id, before: undefined, after }))),
    stops: () => stopped,
    /** Lets `count` intervals pass. */
    async pass(count: number) {
      for (let i = 0; i < count; i++) {
        clock.advance(1_000);
        await new Promise((later) => setImmediate(later));
      }
    },
  };
}

const A = place('127.0.0.1:1');
const FAILS = 'its check fails: 503 Service Unavailable';

describe('instances that the balancer checks itself', () => {
  it('are told as out once enough checks in a row failed, and as in once enough passed', async () => {
    const { tell, pass, well, heard, followed } = world();
    tell([A.id, A]);
    expect(heard()).toEqual([[A.id, '']]);
    await pass(2);
    well.set(A.id, false);
    await pass(2);
    expect(heard()).toEqual([]);
    await pass(1);
    expect(heard()).toEqual([[A.id, FAILS]]);
    expect([...followed.instances()]).toEqual([{ ...A, out: FAILS, doubt: 'failing' }]);
    well.set(A.id, true);
    await pass(1);
    expect(heard()).toEqual([]);
    await pass(1);
    expect(heard()).toEqual([[A.id, '']]);
  });

  it('are believed at the first look where nothing else is known', async () => {
    const { tell, pass, well, heard } = world({ firstCounts: true });
    well.set(A.id, false);
    tell([A.id, A]);
    await pass(1);
    expect(heard()).toEqual([
      [A.id, ''],
      [A.id, FAILS],
    ]);
  });

  it('wait for their first check where they do not begin as well', async () => {
    const { tell, pass, heard } = world({ startsHealthy: false });
    tell([A.id, A]);
    expect(heard()).toEqual([[A.id, 'it was not checked yet']]);
    await pass(2);
    expect(heard()).toEqual([[A.id, '']]);
  });

  it('keep the reason that their source gives, and their state when it tells of them anew', async () => {
    const { tell, pass, well, heard, followed } = world({ firstCounts: true });
    well.set(A.id, false);
    tell([A.id, A]);
    await pass(1);
    heard();
    tell([A.id, { ...A, weight: 3 }]);
    tell([A.id, { ...A, out: 'it is in maintenance', drains: true }]);
    expect(heard()).toEqual([
      [A.id, FAILS],
      [A.id, 'it is in maintenance'],
    ]);
    expect([...followed.instances()], 'it is not well besides').toEqual([
      { ...A, out: 'it is in maintenance' },
    ]);
  });

  it('are not checked any more once they are gone, or everything stops', async () => {
    const { tell, pass, looked, followed, stops, heard } = world();
    const b = place('127.0.0.1:2');
    tell([A.id, A], [b.id, b]);
    await pass(1);
    tell([A.id, undefined]);
    looked.length = 0;
    await pass(1);
    expect(looked).toEqual([b.id]);
    followed.stop();
    heard();
    looked.length = 0;
    await pass(2);
    expect([looked, stops(), heard()]).toEqual([[], 1, []]);
  });
});
