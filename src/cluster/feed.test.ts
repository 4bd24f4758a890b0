import { expect, it } from 'vitest';
import { Catalog } from '../catalog/catalog.ts';
import { kvDelete } from '../catalog/commands/kv.ts';
import { ManualClock } from '../lib/clock.ts';
import { soon } from '../lib/soon.test-support.ts';
import { bytes, fail, setUp, WELL } from './feed.test-support.ts';
import { Feed } from './feed.ts';
import { lineOf, messageIn } from './feed-message.ts';

it('an agent gets the whole catalog, and then every commit', async () => {
  const { agent, fill, set, store, expectSame } = setUp();
  await fill();
  const one = agent();
  one.follow();
  one.settle();
  expectSame(one.catalog);
  await set('y');
  await store.write((tx) => kvDelete(tx, 'x'));
  one.settle();
  expectSame(one.catalog);
  expect(one.messages.filter(({ kind }) => kind === 'whole')).toHaveLength(1);
});

it('an agent that was away for a while gets what it missed, nothing else', async () => {
  const { agent, fill, set, expectSame } = setUp();
  await fill();
  const one = agent();
  one.follow();
  one.settle();
  one.lose();
  await set('y');
  await set('z');
  one.messages.length = 0;
  one.follow();
  one.settle();
  expectSame(one.catalog);
  expect(one.messages.map(({ kind }) => kind)).toEqual(['state', 'news', 'commit', 'commit']);
});

it('agents that come at the same time are sent the same lines, each at its pace, whatever is written meanwhile', async () => {
  const { agent, fill, set, clock, expectSame } = setUp();
  await fill();
  const [fast, slow] = [agent('fast'), agent('slow')];
  slow.follow();
  const first = slow.take(2);
  await set('meanwhile');
  fast.follow();
  const same = fast.take(2);
  expect(same[1]).toBe(first[1]);
  fast.settle();
  expectSame(fast.catalog);
  await set('later');
  clock.advance(100);
  slow.settle();
  fast.settle();
  expectSame(slow.catalog);
  expectSame(fast.catalog);
});

it('a first catalog that broke off in the middle leaves nothing behind', async () => {
  const { agent, fill, store, clock, expectSame } = setUp();
  await fill();
  const one = agent();
  one.follow();
  while (one.catalog.count('services') === 0) {
    one.take();
    clock.advance(10);
  }
  one.lose();
  await store.write((tx) => {
    for (const row of tx.all('services').slice(0, 100)) tx.delete('services', `${row.node}\u0000${row.id}`);
  });
  one.follow();
  one.settle();
  expectSame(one.catalog);
});

it('a follower is heard of when it sends anything, and cut off when it sends nothing for long', () => {
  const { agent, hear, clock } = setUp();
  const one = agent('one');
  one.follow();
  expect(hear).toHaveBeenCalledTimes(1);
  clock.advance(1_000);
  expect(hear).toHaveBeenCalledTimes(1);
  one.ping();
  clock.advance(200);
  expect(hear).toHaveBeenCalledTimes(2);
  expect(hear).toHaveBeenLastCalledWith('one', 0);
  clock.advance(9_800);
  expect(one.cut).not.toHaveBeenCalled();
  clock.advance(400);
  expect(one.cut).toHaveBeenCalled();
});

it('the state of the cluster is told when it changes, and again and again while it is not well', () => {
  const { agent, clock, say } = setUp();
  const one = agent();
  one.follow();
  one.settle();
  const told = () => {
    one.messages.length = 0;
    one.ping();
    clock.advance(1_200);
    one.take();
    return one.messages.map((message) => (message.kind === 'state' ? message.known : message.kind));
  };
  expect(told()).toEqual([]);
  say({ silence: 700 });
  expect(told()).toEqual([]);
  say({ known: false, silence: 2_600 });
  expect(told()).toEqual([false, false, false]);
  say({ known: true, silence: 10, leader: '10.0.0.2:8300' });
  expect(told()).toEqual([true]);
});

it('news reach all who follow, with bytes in them', () => {
  const { agent, feed } = setUp();
  const one = agent();
  one.follow();
  const event = {
    id: 'e',
    name: 'deploy',
    payload: bytes('ä\n'),
    nodeFilter: '',
    serviceFilter: '',
    tagFilter: '',
    time: 1,
  };
  feed.news({ event });
  one.take();
  expect(one.messages.at(-1)).toEqual({ kind: 'news', event });
  expect(lineOf({ kind: 'news', event }).filter((byte) => byte === 10)).toHaveLength(1);
});

it('one who takes little is sent more as it takes it, and begins anew once what it lacks is not kept any more', async () => {
  const { agent, fill, set, store, clock, expectSame } = setUp();
  await set('x');
  const one = agent();
  one.follow();
  one.settle();
  await set('y');
  await set('z');
  clock.advance(100);
  one.settle();
  expectSame(one.catalog);
  expect(one.cut).not.toHaveBeenCalled();
  await set('taken by nobody');
  for (let round = 0; round < 24; round++) {
    await fill();
    await store.write((tx) => {
      for (const row of tx.all('services')) tx.delete('services', `${row.node}\u0000${row.id}`);
    });
  }
  one.take();
  clock.advance(10);
  expect(one.cut).toHaveBeenCalled();
  one.lose();
  one.follow();
  one.settle();
  expectSame(one.catalog);
});

it('thousands are served in turns, and what is committed meanwhile goes along to those who wait', async () => {
  const { agent, set, store } = setUp();
  const all = Array.from({ length: 1_000 }, (_, at) => agent(`n${at}`));
  await set('x');
  for (const one of all) {
    one.takesAtOnce(10);
    one.follow();
    one.take();
  }
  const [first, last] = [all[0], all.at(-1)] as [(typeof all)[0], (typeof all)[0]];
  await set('y');
  await set('z');
  expect(first.take()).toHaveLength(1);
  expect(last.take()).toHaveLength(0);
  await soon(() => {
    for (const one of all) one.take();
    for (const one of all) expect(one.catalog.index).toBe(store.catalog.index);
  });
  expect(first.messages.filter(({ kind }) => kind === 'commit')).toHaveLength(2);
  expect(last.messages.filter(({ kind }) => kind === 'commit')).toHaveLength(2);
});

it('agents have the keys of the server, also those that were changed while they were away', () => {
  const { agent, exchange } = setUp();
  const [one, other] = [agent('a'), agent('b')];
  const keysOf = ({ messages }: typeof one) =>
    messages.flatMap((message) =>
      message.kind === 'news' && message.keys !== undefined ? [message.keys] : [],
    );
  one.follow();
  exchange(['k1', 'k2']);
  one.settle();
  other.follow();
  other.settle();
  expect(keysOf(one)).toEqual([['k1'], ['k1', 'k2']]);
  expect(keysOf(other)).toEqual([['k1', 'k2']]);
});

it('what several lack is one piece, made once', async () => {
  const catalog = new Catalog(fail);
  const feed = new Feed(catalog, {
    clock: new ManualClock(),
    state: () => WELL,
    keys: () => [],
    hear: () => {},
  });
  const sent = Array.from({ length: 600 }, (_, at) => {
    const pieces: Buffer[] = [];
    const outlet = { backlog: 0, received: 0, close: () => {}, onClose: () => {}, onNumber: () => {} };
    feed.follow(
      { index: catalog.index, id: `n${at}` },
      { ...outlet, write: (piece) => void pieces.push(piece) },
    );
    pieces.length = 0;
    return pieces;
  });
  for (const index of [1, 2, 3]) catalog.apply(index, []);
  await soon(() => expect(sent.at(-1)).toHaveLength(1));
  const indexes = (pieces: Buffer[] | undefined) =>
    String(pieces?.join(''))
      .split('\n')
      .slice(0, -1)
      .map((line) => (messageIn(line) as { index: number }).index);
  expect(sent[0]).toHaveLength(2);
  expect(indexes(sent[0])).toEqual([1, 2, 3]);
  expect(indexes(sent.at(-1))).toEqual([1, 2, 3]);
  expect(sent[300]?.[0]).toBe(sent[599]?.[0]);
});

it('asks many for signs of life less often, and takes them to be there for as long as it asked', () => {
  const { clock, feed, hear, agent } = setUp();
  const paceTold = () =>
    one.messages.flatMap((message) => (message.kind === 'state' ? [message.pace] : [])).at(-1);
  const one = agent();
  one.follow();
  one.settle();
  expect(paceTold()).toBe(400);
  expect(hear).toHaveBeenLastCalledWith('a', 0);
  const others = Array.from({ length: 2_500 }, (_, at) => agent(`${at}`));
  for (const other of others) other.follow();
  one.settle();
  expect(paceTold()).toBe(1_000);
  one.ping();
  clock.advance(200);
  expect(hear).toHaveBeenLastCalledWith('a', 900);
  // As few as it takes to be asked often again.
  for (const other of others.slice(0, 500)) other.lose();
  one.settle();
  expect(paceTold()).toBe(1_000);
  others[500]?.lose();
  one.settle();
  expect(paceTold()).toBe(400);
  feed.close();
});

it('knows of each that follows since when it does, what it has, and how far it is behind', async () => {
  const { agent, feed, set, clock, store } = setUp();
  const [quick, slow, old] = [agent('quick'), agent('slow'), agent('old')];
  const began = clock.now();
  for (const one of [quick, slow, old]) one.follow();
  for (const one of [quick, slow, old]) one.settle();
  const before = store.catalog.index;
  await set('x');
  const lacked = clock.now();
  clock.advance(3_000);
  await set('y');
  quick.settle();
  quick.sign();
  slow.sign();
  // As agents of earlier versions do.
  old.ping();
  const signed = clock.now();
  clock.advance(500);
  const links = [{ kind: 'feed', isUp: true, age: clock.now() - began, trouble: '' }];
  const index = store.catalog.index;
  const lag = { revisions: index - before, ms: signed - lacked };
  expect(feed.sightings()).toMatchObject([
    { id: 'quick', version: '1.2.3', index, lag: { revisions: 0, ms: 0 }, silence: 500, links },
    { id: 'slow', index: before, lag, silence: 500, links },
    // It says nothing of its catalog.
    { id: 'old', index: null, lag: null, links },
  ]);
  slow.settle();
  slow.sign();
  expect(feed.sightings()[1]).toMatchObject({ index, lag: { revisions: 0, ms: 0 }, silence: 0 });
  // It stands still, and so does its link: nobody ends it.
  clock.advance(2_000);
  const down = { kind: 'feed', isUp: false, age: 2_000, trouble: 'nothing comes over it' };
  expect(feed.sightings()[1]).toMatchObject({ silence: 2_000, links: [down] });
  slow.lose();
  expect(feed.sightings().map(({ id }) => id)).toEqual(['quick', 'old']);
  feed.close();
});
