import { expect, it } from 'vitest';
import { register } from '../catalog/commands/register.ts';
import { checkRow, NODE } from '../catalog/rows.test-support.ts';
import { MEMBER_CHECK } from '../catalog/rows.ts';
import { ManualClock } from '../lib/clock.ts';
import { silentLogger } from '../lib/log.ts';
import { soon } from '../lib/soon.test-support.ts';
import { openMemoryStore } from '../store/memory.ts';
import { membersOf, Presence, watchMembers } from './liveness.ts';

const fail = (error: unknown) => {
  throw error;
};
const idOf = (name: string) => `00000000-0000-0000-0000-${name.padStart(12, '0')}`;

async function setUp(names: readonly string[]) {
  const clock = new ManualClock(1_000_000);
  const store = openMemoryStore({ onSubscriberError: fail });
  for (const name of names)
    await store.write((tx) =>
      register(tx, {
        node: { ...NODE, id: idOf(name), name },
        checks: [checkRow(MEMBER_CHECK)],
      }),
    );
  const presence = new Presence(idOf('self'), clock);
  const stop = watchMembers({
    store,
    presence,
    forgetAfter: 60_000,
    isServer: (id) => id === idOf('server'),
    clock,
    time: () => clock.now(),
    logger: silentLogger,
  });
  const critical = () =>
    membersOf(store.catalog)
      .filter(({ status }) => status === 'critical')
      .map(({ name }) => name);
  /** Lets time pass in which these nodes are heard of. */
  const pass = async (ms: number, heard: readonly string[]) => {
    for (let left = ms; left > 0; left -= 200) {
      for (const name of heard) presence.hear(idOf(name));
      clock.advance(200);
      // Writes of the turn are made.
      await Promise.resolve();
      await Promise.resolve();
      await Promise.resolve();
    }
  };
  return { clock, store, presence, stop, critical, pass };
}

it('a node that nobody hears is critical in less than three seconds, and passing when it is back', async () => {
  const { pass, critical } = await setUp(['self', 'a', 'b']);
  await pass(3_000, ['a', 'b']);
  expect(critical()).toEqual([]);
  await pass(2_800, ['b']);
  await soon(() => expect(critical()).toEqual(['a']));
  await pass(600, ['a', 'b']);
  await soon(() => expect(critical()).toEqual([]));
});

it('who has just begun to listen takes nobody for silent', async () => {
  const { pass, critical } = await setUp(['self', 'a']);
  await pass(1_000, []);
  expect(critical()).toEqual([]);
});

it('a leader that stood still itself reads what it was told before it takes anybody for silent', async () => {
  const { clock, pass, critical } = await setUp(['self', 'a', 'b']);
  await pass(3_000, ['a', 'b']);
  const now = clock.now.bind(clock);
  const standStill = (ms: number) => {
    const slept = clock.now() - now() + ms;
    clock.now = () => now() + slept;
  };
  standStill(5_000);
  // The first turn comes before what is in the sockets.
  await pass(200, []);
  expect(critical()).toEqual([]);
  await pass(400, ['a', 'b']);
  expect(critical()).toEqual([]);
  // On a machine that is slow all the time it still finds out.
  for (let round = 0; round < 4; round++) {
    standStill(700);
    await pass(200, ['b']);
  }
  await soon(() => expect(critical()).toEqual(['a']));
});

it('what another server hears counts, and what it heard when it is silent itself does not', async () => {
  const { presence, pass, critical } = await setUp(['self', 'server', 'a']);
  const told = async (ms: number) => {
    for (let left = ms; left > 0; left -= 400) {
      presence.take(idOf('server'), { version: 1, ids: [idOf('a')] });
      await pass(400, ['server']);
    }
  };
  await told(4_000);
  expect(critical()).toEqual([]);
  await pass(3_000, []);
  await soon(() => expect(critical()).toEqual(['a', 'server']));
});

it('a node that is known only through a server which others see, but which says nothing here, is left alone', async () => {
  const { presence, pass, critical } = await setUp(['self', 'x', 'y', 'a']);
  presence.take(idOf('y'), { version: 1, ids: [idOf('a')] });
  for (let round = 0; round < 10; round++) {
    presence.take(idOf('x'), { version: 1, ids: [idOf('y')] });
    await pass(400, ['x']);
  }
  expect(critical()).toEqual([]);
});

it('many at once are believed to be there for a while: it may be the observer who is cut off', async () => {
  const names = Array.from({ length: 20 }, (_, at) => `n${at}`);
  const { pass, critical } = await setUp(['self', ...names]);
  await pass(3_000, names);
  await pass(10_000, []);
  expect(critical()).toEqual([]);
  await pass(8_000, []);
  await soon(() => expect(critical()).toHaveLength(20));
});

it('a node that stays away is forgotten with all that is its own, a server or one that comes back is not', async () => {
  const { store, pass, critical } = await setUp(['self', 'server', 'a', 'b']);
  const names = () => membersOf(store.catalog).map(({ name }) => name);
  await pass(3_000, ['server', 'a', 'b']);
  await pass(40_000, []);
  await soon(() => expect(critical()).toEqual(['a', 'b', 'server']));
  await pass(2_000, ['b']);
  await pass(30_000, []);
  await soon(() => expect(names()).toEqual(['b', 'self', 'server']));
  expect(store.catalog.get('nodes', 'a')).toBeUndefined();
});

it('a report is sent whole only to who does not have it', () => {
  const clock = new ManualClock(1_000_000);
  const presence = new Presence(idOf('self'), clock);
  presence.hear(idOf('a'));
  const first = presence.report(0);
  expect(first.ids).toEqual([idOf('a')]);
  expect(presence.report(first.version).ids).toBeUndefined();
  presence.hear(idOf('b'));
  const second = presence.report(first.version);
  expect(second.version).toBeGreaterThan(first.version);
  expect(second.ids).toEqual([idOf('a'), idOf('b')]);
});

it('of nodes that were not heard of for long nothing is kept, however many come and go', () => {
  const clock = new ManualClock(1_000_000);
  const [one, other] = [new Presence('one', clock, 60_000), new Presence('other', clock, 60_000)];
  for (let at = 0; at < 100; at++) {
    one.hear(`agent ${at}`);
    other.take('one', one.report(other.versionOf('one')));
    expect(other.of(`agent ${at}`)).toBe('there');
    clock.advance(10_000);
  }
  one.hear('agent 100');
  other.hear('one');
  other.take('one', one.report(other.versionOf('one')));
  expect([...one.silences().keys()]).toEqual([94, 95, 96, 97, 98, 99, 100].map((at) => `agent ${at}`));
  expect(['agent 99', 'agent 100'].map((id) => other.of(id))).toEqual(['silent', 'there']);
  // The one that told of them says nothing for a while.
  clock.advance(2_000);
  other.hear('one');
  expect(['agent 99', 'agent 100'].map((id) => other.of(id))).toEqual(['silent', 'unknown']);
});
