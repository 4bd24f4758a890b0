import { expect, it, onTestFinished, vi } from 'vitest';
import { kvAcquire, kvSet } from '../catalog/commands/kv.ts';
import { register } from '../catalog/commands/register.ts';
import { createSession, destroySession } from '../catalog/commands/session.ts';
import { NODE } from '../catalog/rows.test-support.ts';
import type { Transaction, Write } from '../catalog/transaction.ts';
import { MusterError } from '../errors.ts';
import { systemClock } from '../lib/clock.ts';
import { silentLogger } from '../lib/log.ts';
import { soon } from '../lib/soon.test-support.ts';
import { openMemoryStore } from '../store/memory.ts';
import { commandOf, type Proposal } from '../store/proposal.ts';
import { isReadable, type Store } from '../store/store.ts';
import { EventLog, type UserEvent } from './event-log.ts';
import { Feed, type Following } from './feed.ts';
import { type FeedMessage, lineOf } from './feed-message.ts';
import { openFollowerStore } from './follower-store.ts';
import { listen, newKey, ringOf } from './link/links.test-support.ts';
import type { Calls } from './link/rpc.ts';

const fail = (error: unknown) => {
  throw error;
};
const HOUR = 3_600_000;

/** What a server is to those who follow it. */
async function serve(store: Store, keyring: ReturnType<typeof ringOf>, more: Calls = {}, known = true) {
  const feed = new Feed(store.catalog, {
    clock: systemClock,
    state: () => ({ known, silence: 0, servers: [], leader: '', time: Date.now() }),
    keys: () => keyring.list(),
    hear: () => {},
  });
  const calls: Calls = {
    commit: async (proposal: Proposal) => ({
      index: (await store.write(commandOf(proposal))).index,
      outdated: false,
    }),
    refresh: () => ({ index: store.catalog.index }),
    ...more,
  };
  const { server } = await listen(keyring, calls, (following: Following, outlet) =>
    feed.follow(following, outlet),
  );
  onTestFinished(() => feed.close());
  return {
    address: server.address,
    close: () => feed.close(),
    tell: (event: UserEvent) => feed.news({ event }),
  };
}

/** Follows one of these servers; resolves when the catalog is there. */
async function follow(...how: Parameters<typeof open>) {
  const store = open(...how);
  await store.ready;
  return store;
}

function open(
  servers: { host: string; port: number }[],
  keyring: ReturnType<typeof ringOf>,
  time = () => Date.now(),
  onEvent: (event: UserEvent) => void = () => {},
) {
  const store = openFollowerStore({
    self: { id: 'a', name: 'a', version: '1.2.3' },
    keyring,
    servers: async () => servers,
    onServers: () => {},
    onNews: ({ event }) => {
      if (event !== undefined) onEvent(event);
    },
    onSubscriberError: fail,
    clock: systemClock,
    time,
    logger: silentLogger,
  });
  onTestFinished(() => store.close());
  return store;
}

const session = (id: string) => ({
  id,
  name: '',
  node: NODE.name,
  nodeChecks: [],
  checks: [],
  serviceChecks: [],
  behavior: 'release' as const,
  ttl: '',
  lockDelay: 15_000,
});
const [FIRST, SECOND] = [1, 2].map((n) => `00000000-0000-4000-8000-00000000000${n}`) as [string, string];
const lock = { key: 'lock', value: new Uint8Array(), flags: 0n };

it('holds a lock back for as long as the servers do, though the clock of its node is wrong', async () => {
  const keyring = ringOf(newKey());
  const truth = openMemoryStore({ onSubscriberError: fail });
  await truth.write((tx) => {
    register(tx, { node: NODE });
    createSession(tx, session(FIRST));
    createSession(tx, session(SECOND));
    kvAcquire(tx, lock, FIRST);
  });
  const { address } = await serve(truth, keyring);
  const early = await follow([address], keyring, () => Date.now() - HOUR);
  const late = await follow([address], keyring, () => Date.now() + HOUR);
  await early.write((tx) => destroySession(tx, FIRST));
  for (const store of [early, late]) {
    await store.remote?.refresh();
    expect((await store.write((tx) => kvAcquire(tx, lock, SECOND))).answer).toBe(false);
  }
  const [delay] = truth.catalog.all('lockDelays');
  expect(Math.abs((delay?.until ?? 0) - Date.now())).toBeLessThan(HOUR / 2);
});

it('what may be asked twice is asked of the next server when the one that is followed stops', async () => {
  const keyring = ringOf(newKey());
  const truth = openMemoryStore({ onSubscriberError: fail });
  await truth.write((tx) => kvSet(tx, lock));
  const renewed: unknown[] = [];
  const stopping = await serve(truth, keyring, {
    renew: () => {
      stopping.close();
      throw new MusterError('cluster.refused', 'this server stops');
    },
  });
  const other = await serve(truth, keyring, { renew: (request) => void renewed.push(request) });
  const store = await follow([stopping.address, other.address], keyring);
  await store.ask('renew', { sessions: [FIRST] });
  expect(renewed).toEqual([{ sessions: [FIRST] }]);
  // A refusal of the request itself is passed on.
  await expect(store.ask('unknown', undefined)).rejects.toMatchObject({ code: 'request.rejected' });
});

it('leaves a server that hears of no majority for one that does', async () => {
  const keyring = ringOf(newKey());
  const truth = openMemoryStore({ onSubscriberError: fail });
  await truth.write((tx) => kvSet(tx, lock));
  const cutOff = await serve(truth, keyring, {}, false);
  const other = await serve(truth, keyring);
  const store = await follow([cutOff.address, other.address], keyring);
  await soon(() => expect(store.remote?.contact().known).toBe(true));
  expect(store.link().server).toEqual(other.address);
  expect((await store.write((tx) => kvSet(tx, { ...lock, key: 'x' }))).answer.key).toBe('x');
});

it('hears of events that were fired while it went to another server, of each once, and of none from before it began', async () => {
  const keyring = ringOf(newKey());
  const truth = openMemoryStore({ onSubscriberError: fail });
  await truth.write((tx) => kvSet(tx, lock));
  const [one, other] = [await serve(truth, keyring), await serve(truth, keyring)];
  const log = new EventLog(systemClock);
  const filters = { nodeFilter: '', serviceFilter: '', tagFilter: '', payload: new Uint8Array() };
  /** Reaches those servers that are there. */
  const fire = (name: string, servers: (typeof one)[]) => {
    const event = log.fire({ name, ...filters });
    for (const { tell } of servers) tell(event);
  };
  fire('before', [one, other]);
  const heard: string[] = [];
  await follow([one.address, other.address], keyring, Date.now, ({ name }) => heard.push(name));
  fire('with both', [one, other]);
  await soon(() => expect(heard).toEqual(['with both']));
  one.close();
  fire('meanwhile', [other]);
  await soon(() => expect(heard).toContain('meanwhile'));
  fire('afterwards', [other]);
  await soon(() => expect(heard).toEqual(['with both', 'meanwhile', 'afterwards']));
});

it('goes to the next server when one says what it does not understand', async () => {
  const keyring = ringOf(newKey());
  const truth = openMemoryStore({ onSubscriberError: fail });
  await truth.write((tx) => kvSet(tx, lock));
  let garbled = 0;
  const { server: strange } = await listen(keyring, {}, (_following, outlet) => {
    garbled++;
    outlet.write(Buffer.from('{"kind":'));
  });
  const good = await serve(truth, keyring);
  const store = await follow([strange.address, good.address], keyring);
  expect(garbled).toBe(1);
  expect(store.catalog.get('kv', lock.key)).toBeDefined();
});

it('does not read or write by a part of the first catalog', async () => {
  const keyring = ringOf(newKey());
  const truth = openMemoryStore({ onSubscriberError: fail });
  await truth.write((tx) => kvSet(tx, lock));
  const [row] = truth.catalog.all('kv');
  let send = (_: FeedMessage) => {};
  const calls: Calls = {
    commit: async (proposal: Proposal) => ({
      index: (await truth.write(commandOf(proposal))).index,
      outdated: false,
    }),
  };
  const { server } = await listen(keyring, calls, (_following, outlet) => {
    send = (message) => outlet.write(lineOf(message));
    send({ kind: 'state', index: 2, pace: HOUR, known: true, silence: 0, servers: [], leader: '' });
    send({ kind: 'rows', writes: [] });
  });
  const store = open([server.address], keyring);
  await soon(() => expect(store.link().server).toEqual(server.address));
  expect(isReadable(store)).toBe(false);
  expect(store.remote?.contact().known).toBe(false);
  const present = vi.fn((tx: Transaction) => tx.get('kv', lock.key) !== undefined);
  const written = store.write((tx) => {
    kvSet(tx, { ...lock, key: 'x' });
    return present(tx);
  });
  send({ kind: 'rows', writes: [{ table: 'kv', key: lock.key, row } as Write] });
  await soon(() => expect(store.catalog.get('kv', lock.key)).toBeDefined());
  expect(isReadable(store)).toBe(false);
  expect(present).not.toHaveBeenCalled();
  send({ kind: 'whole', index: truth.catalog.index });
  await store.ready;
  expect(isReadable(store)).toBe(true);
  await soon(() => expect(truth.catalog.get('kv', 'x')).toBeDefined());
  const { index } = truth.catalog;
  send({ kind: 'commit', base: index - 1, index, writes: [] });
  expect((await written).answer).toBe(true);
});

it('refuses at once what needs a server while none was ever reached, and says when all were tried', async () => {
  const keyring = ringOf(newKey());
  const { server } = await listen(keyring);
  await server.stop();
  const store = open([server.address], keyring);
  await store.tried;
  const refused = { code: 'store.no_leader', message: 'No known Consul servers' };
  await expect(store.write((tx) => kvSet(tx, lock))).rejects.toMatchObject(refused);
  await expect(store.ask('renew', { sessions: [FIRST] })).rejects.toMatchObject(refused);
  expect(store.remote?.contact()).toEqual({ known: false, silence: Number.POSITIVE_INFINITY });
});
