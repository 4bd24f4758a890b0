import { expect, it, onTestFinished, vi } from 'vitest';
import { systemClock } from '../lib/clock.ts';
import type { HostPort } from '../lib/host-port.ts';
import { silentLogger } from '../lib/log.ts';
import { openMemoryStore } from '../store/memory.ts';
import type { Entry } from './book.ts';
import { startClient } from './client.ts';
import { Feed, type Following } from './feed.ts';
import { listen, newKey, ringOf } from './link/links.test-support.ts';

const fail = (error: unknown) => {
  throw error;
};
const VERSION = '1.2.3';

it('an agent whose server goes follows another that it knows of while names are still looked up', async () => {
  const keyring = ringOf(newKey());
  const { catalog } = openMemoryStore({ onSubscriberError: fail });
  const servers: Entry[] = [];
  const serve = async (id: string) => {
    const state = () => ({ known: true, silence: 0, servers, leader: '' });
    const feed = new Feed(catalog, { clock: systemClock, state, keys: () => keyring.list(), hear: () => {} });
    onTestFinished(() => feed.close());
    const { server } = await listen(keyring, {}, (who: Following, outlet) => feed.follow(who, outlet));
    servers.push({ id, name: id, ...server.address, version: VERSION, sequence: 1 });
    return { feed, server };
  };
  const first = await serve('first');
  await serve('second');

  let hours = 0;
  const lookUp = vi.fn<() => Promise<HostPort[]>>().mockResolvedValueOnce([first.server.address]);
  lookUp.mockReturnValue(new Promise(() => {}));
  const client = await startClient({
    self: { id: 'agent', name: 'agent', host: '127.0.0.1', version: VERSION },
    port: 8300,
    findContacts: lookUp,
    keyring,
    directory: undefined,
    onSubscriberError: fail,
    onEvent: () => {},
    clock: { ...systemClock, now: () => systemClock.now() + hours * 3_600_000 },
    time: () => Date.now(),
    random: () => 0,
    logger: silentLogger,
  });
  onTestFinished(() => client.stop());
  expect(client.store.link().server).toEqual(first.server.address);

  hours = 1;
  first.feed.close();
  await first.server.stop();
  await vi.waitUntil(() => client.store.link().server?.port === servers[1]?.port, { timeout: 20_000 });
  expect(lookUp).toHaveBeenCalledTimes(2);
});

it('an agent that may begin without servers does so though names are looked up for ever, and begins no sooner than it has to', async () => {
  const keyring = ringOf(newKey());
  const waits: (() => void)[] = [];
  const starting = startClient({
    self: { id: 'agent', name: 'agent', host: '127.0.0.1', version: VERSION },
    port: 8300,
    findContacts: () => new Promise(() => {}),
    keyring,
    directory: undefined,
    mayBeAway: true,
    onSubscriberError: fail,
    onEvent: () => {},
    clock: {
      ...systemClock,
      after(_ms, task) {
        waits.push(task);
        return () => {};
      },
    },
    time: () => Date.now(),
    random: () => 0,
    logger: silentLogger,
  });
  const begun = vi.fn();
  void starting.then(begun);
  await new Promise(setImmediate);
  expect(begun).not.toHaveBeenCalled();
  for (const wait of waits) wait();
  const client = await starting;
  onTestFinished(() => client.stop());
  expect(client.store.remote?.isLoaded).toBe(false);
});
