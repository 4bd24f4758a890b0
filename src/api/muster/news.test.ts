import { afterEach, beforeEach, expect, it } from 'vitest';
import { kvAcquire, kvSet } from '../../catalog/commands/kv.ts';
import { register } from '../../catalog/commands/register.ts';
import { createSession } from '../../catalog/commands/session.ts';
import { checkRow, NODE } from '../../catalog/rows.test-support.ts';
import { MEMBER_CHECK } from '../../catalog/rows.ts';
import { EventLog } from '../../cluster/event-log.ts';
import { silentLogger } from '../../lib/log.ts';
import type { ClusterWatch } from './cluster-watch.ts';
import { dashboardFixture, type Fixture } from './fixtures.ts';
import { type Live, startLive } from './live.ts';
import { Samples } from './news.ts';
import type { Delta } from './wire.ts';
import type { ClusterAnswer } from './wire-answers.ts';

let fixture: Fixture;

beforeEach(() => {
  fixture = dashboardFixture();
  fixture.follow();
});

afterEach(() => fixture.dashboard.stop());

/** Subjects that were told of since the last call. */
function news(): string[] {
  fixture.clock.advance(200);
  const told = fixture.deltas.flatMap((delta) => delta.news ?? []).filter((subject) => subject !== 'latency');
  fixture.deltas.length = 0;
  return [...new Set(told)].sort();
}

const session = {
  name: '',
  node: 'n1',
  behavior: 'release',
  ttl: '',
  checks: [],
  nodeChecks: [],
  serviceChecks: [],
} as const;
const value = new Uint8Array([1]);

const SESSION = '11111111-2222-3333-4444-555555555555';

it('tells of what is not in the stream itself, and of nothing else', async () => {
  await fixture.join('web', 'web-1');
  expect(news()).toEqual(['history']);
  await fixture.store.write((tx) => kvSet(tx, { key: 'a', value, flags: 0n }));
  expect(news()).toEqual(['keys']);
  await fixture.store.write((tx) => createSession(tx, { ...session, id: SESSION, lockDelay: 0 }));
  expect(news()).toEqual(['sessions']);
  // Who holds it stands in the key, and what it holds in the session.
  await fixture.store.write((tx) => kvAcquire(tx, { key: 'a', value, flags: 0n }, SESSION));
  expect(news()).toEqual(['keys', 'sessions']);
  expect(news()).toEqual([]);
});

it('tells of events, which are in no catalog', () => {
  const { clock, traffic, look, store, dashboard } = fixture;
  const events = new EventLog(clock);
  const { about } = dashboard.live.current();
  const live = startLive({
    catalog: store.catalog,
    traffic,
    about,
    clock,
    look,
    events,
    logger: silentLogger,
  });
  const told: Delta[] = [];
  live.follow((delta) => told.push(delta));
  const all = { nodeFilter: '', serviceFilter: '', tagFilter: '' };
  events.receive(events.fire({ name: 'deploy', payload: value, ...all }));
  clock.advance(100);
  expect(told.flatMap((delta) => delta.news ?? [])).toContain('events');
  live.stop();
});

it('what is told by nobody is news when it looks other than before', () => {
  let groups = [{ size: 1 }];
  const samples = new Samples({ groups: () => groups, connections: () => [] });
  expect(samples.changed()).toEqual(['groups', 'connections']);
  expect(samples.changed()).toEqual([]);
  groups = [{ size: 1 }];
  expect(samples.changed()).toEqual([]);
  groups = [{ size: 2 }];
  expect(samples.changed()).toEqual(['groups']);
});

/** Lets what was asked be answered. */
const answered = () => new Promise((resolve) => setImmediate(resolve));

/** A picture whose cluster is what `answer` says; counts how often it is asked. */
function watched(answer: () => Promise<ClusterAnswer>): { live: Live; asked: () => number } {
  const { clock, traffic, store, dashboard } = fixture;
  let count = 0;
  const look: ConstructorParameters<typeof ClusterWatch>[0]['look'] = () => {
    count++;
    return answer();
  };
  const { about } = dashboard.live.current();
  const live = startLive({ catalog: store.catalog, traffic, about, clock, look, logger: silentLogger });
  return { live, asked: () => count };
}

it('looks at the cluster while somebody follows, and forgets it when nobody does', async () => {
  const { live, asked } = watched(() => fixture.look(new Map()));
  fixture.clock.advance(5_000);
  await answered();
  expect(asked()).toBe(0);
  const told: Delta[] = [];
  const unfollow = live.follow((delta) => told.push(delta));
  await answered();
  fixture.clock.advance(100);
  expect(told.flatMap(({ set }) => set?.members ?? [])).toMatchObject([{ name: 'n1', role: 'server' }]);
  expect(told.flatMap(({ set }) => set?.cluster ?? [])).toMatchObject([{ kind: 'alone', isHeard: true }]);
  for (let second = 0; second < 3; second++) {
    fixture.clock.advance(1_000);
    await answered();
  }
  expect(asked()).toBe(4);
  // Nothing of it changed.
  expect(told.filter(({ set }) => set?.members !== undefined)).toHaveLength(1);
  unfollow();
  fixture.clock.advance(5_000);
  await answered();
  expect(asked()).toBe(4);
  expect(live.current().members.size).toBe(0);
  live.stop();
});

it('looks soon after a node came or fell silent, however many do', async () => {
  await fixture.join('web', 'web-1');
  const { live, asked } = watched(() => fixture.look(new Map()));
  live.follow(() => {});
  await answered();
  expect(asked()).toBe(1);
  for (let number = 0; number < 50; number++)
    await fixture.store.write((tx) =>
      register(tx, { node: { ...NODE, name: `n${number}` }, checks: [checkRow(MEMBER_CHECK)] }),
    );
  fixture.clock.advance(200);
  await answered();
  expect(asked()).toBe(2);
  // A check of an instance is none of the node's.
  await fixture.check('web-1', 'critical', 'refused');
  fixture.clock.advance(200);
  await answered();
  expect(asked()).toBe(2);
  live.stop();
});

it('looks soon again after a node came while it looked', async () => {
  let answer = () => {};
  const { live, asked } = watched(async () => {
    await new Promise<void>((resolve) => {
      answer = resolve;
    });
    return fixture.look(new Map());
  });
  live.follow(() => {});
  await fixture.join('web', 'web-1');
  expect(asked()).toBe(1);
  answer();
  await answered();
  fixture.clock.advance(200);
  expect(asked()).toBe(2);
  live.stop();
});

it('goes on looking after it could not', async () => {
  let isBroken = true;
  const { live } = watched(() =>
    isBroken ? Promise.reject(new Error('on purpose')) : fixture.look(new Map()),
  );
  live.follow(() => {});
  await answered();
  isBroken = false;
  fixture.clock.advance(1_000);
  await answered();
  expect(live.current().members.size).toBe(1);
  live.stop();
});
