import { expect, it, onTestFinished, vi } from 'vitest';
import { ManualClock } from '../lib/clock.ts';
import type { HostPort } from '../lib/host-port.ts';
import { silentLogger } from '../lib/log.ts';
import { Book } from './book.ts';
import { FIRST_ANSWERS, Gossip, type Hello } from './gossip.ts';
import { listen, newKey, ringOf } from './link/links.test-support.ts';
import { Presence } from './liveness.ts';

const keyring = ringOf(newKey());

/** A server that takes hellos at an address of its own, and looks for others at `contacts`. */
async function serve(id: string, contacts: () => Promise<HostPort[]>, cluster?: string) {
  const clock = new ManualClock(1_000_000);
  const calls = { hello: (hello: Hello): Hello => gossip.answer(hello) };
  const { server } = await listen(keyring, calls);
  const self = { id, name: id, ...server.address, version: '1' };
  const gossip: Gossip = new Gossip({
    book: new Book(self, undefined, silentLogger),
    keyring,
    findContacts: contacts,
    clock,
    time: () => clock.now(),
    logger: silentLogger,
    presence: new Presence(id, clock, 1_000_000),
    hello: () => ({ expect: 1, ...(cluster === undefined ? {} : { cluster }) }),
    onHello: () => {},
    lagOf: () => null,
  });
  onTestFinished(() => gossip.stop());
  return { gossip, clock, address: server.address };
}

const asked = (gossip: Gossip) => vi.waitUntil(() => gossip.hasAskedAll(), { timeout: 20_000 });

it('who has only its own address to join waits for nobody', async () => {
  const contacts: HostPort[] = [];
  const { gossip, address } = await serve('a', async () => contacts);
  contacts.push(address);
  gossip.start();
  expect(gossip.hasAskedAll()).toBe(false);
  await asked(gossip);
});

it('all were asked once the one at an address to join has answered, and what it answered is known then', async () => {
  const member = await serve('a', async () => [], 'its-cluster');
  let find: (contacts: HostPort[]) => void = () => {};
  const found = new Promise<HostPort[]>((resolve) => {
    find = resolve;
  });
  const { gossip, clock } = await serve('b', () => found);
  gossip.start();
  clock.advance(FIRST_ANSWERS);
  expect(gossip.hasAskedAll()).toBe(false);
  find([member.address]);
  await asked(gossip);
  expect(gossip.reachable().map(({ hello }) => hello.cluster)).toEqual(['its-cluster']);
});

it('a server that was only heard of is asked too', async () => {
  const member = await serve('a', async () => [], 'its-cluster');
  const between = await serve('b', async () => [member.address]);
  between.gossip.start();
  await asked(between.gossip);
  const { gossip, clock } = await serve('c', async () => [between.address]);
  gossip.start();
  await vi.waitUntil(() => gossip.reachable().length === 1, { timeout: 20_000 });
  expect(gossip.hasAskedAll()).toBe(false);
  clock.advance(400);
  await asked(gossip);
  expect(gossip.lastOf('a')?.cluster).toBe('its-cluster');
});

it('where nobody answers somebody may just be starting: that is waited for, and not for ever', async () => {
  const gone = await listen(keyring);
  const nobody = gone.server.address;
  await gone.server.stop();
  const { gossip, clock } = await serve('a', async () => [nobody]);
  gossip.start();
  await vi.waitUntil(() => gossip.unreachable().length === 1, { timeout: 20_000 });
  clock.advance(FIRST_ANSWERS - 1);
  expect(gossip.hasAskedAll()).toBe(false);
  clock.advance(1);
  expect(gossip.hasAskedAll()).toBe(true);
});

it('an address at which nobody answered is not told of any more once its server has said hello by itself', async () => {
  const late = await listen(keyring, {});
  const { address } = late.server;
  const { gossip } = await serve('a', async () => [address]);
  gossip.start();
  await vi.waitUntil(() => gossip.unreachable().length === 1, { timeout: 20_000 });
  const self = { id: 'b', name: 'b', ...address, version: '1', sequence: 1 };
  gossip.answer({ self, book: [], expect: 1, report: gossip.presence.report(0), knows: 0 });
  expect(gossip.unreachable()).toEqual([]);
});
