import { once } from 'node:events';
import type { Socket } from 'node:net';
import { describe, expect, it } from 'vitest';
import { until } from '../../../scripts/support/processes.mjs';
import { parseAccessRule } from '../access.ts';
import { TRANSPORT_NAMES } from '../choice.ts';
import type { CounterReader } from '../counters.ts';
import { routeTo, targetAt } from '../fixtures.ts';
import type { ListenAddress } from '../listener-spec.ts';
import { all, backend, carriedBy, closed, echo, open, saying, start } from './tcp-listener.test-support.ts';

/** Answers whatever comes with its name. */
const naming = (name: string) => (socket: Socket) => {
  socket.on('data', () => socket.write(name));
  socket.on('end', () => socket.end());
};

/** Two clients that have sent something, the second of which has to wait. */
async function oneServedOneWaiting(
  address: ListenAddress,
  counters: CounterReader,
): Promise<readonly [Socket, Socket]> {
  const first = open(address);
  first.write('x');
  await once(first, 'data');
  const second = open(address);
  second.write('x');
  await until('it is there', () => counters.slot(1).openConnections === 2);
  expect(counters.slot(2)).toMatchObject({ inFlight: 1, requests: 1 });
  return [first, second];
}

describe.each(TRANSPORT_NAMES)('who a TCP listener takes, and when, on %s', (name) => {
  carriedBy(name);

  it('takes no more clients than it may', async () => {
    const { address, counters } = await start({
      targets: [{ port: await backend(echo) }],
      spec: { limits: { maxConnections: 1 } },
    });
    const first = open(address);
    first.write('x');
    await once(first, 'data');
    expect(await all(open(address))).toHaveLength(0);
    first.end();
    await closed(first);
    await until('there is room', () => counters.overall().openConnections === 0);
    const third = open(address);
    third.write('x');
    expect(String((await once(third, 'data'))[0])).toBe('x');
  });

  it('has a connection wait for room, the first who came first', async () => {
    const { address, counters } = await start({
      targets: [{ port: await backend(echo), maxConnections: 1 }],
    });
    const first = open(address);
    first.write('1');
    await once(first, 'data');
    const waiting: Socket[] = [];
    for (const text of ['2', '3']) {
      const client = open(address);
      waiting.push(client);
      client.write(text);
      await until('it is there', () => counters.slot(1).openConnections === 1 + waiting.length);
    }
    expect(counters.slot(2)).toMatchObject({ inFlight: 1, requests: 1 });
    const [second, third] = waiting as [Socket, Socket];
    first.end();
    expect(String(await once(second, 'data'))).toBe('2');
    second.end();
    expect(String(await once(third, 'data'))).toBe('3');
  });

  it('lets a connection that waits for room go to an instance that comes meanwhile', async () => {
    const full = { id: 'full', port: await backend(naming('full')), maxConnections: 1 };
    const { address, counters, set } = await start({ targets: [full] });
    const [first, second] = await oneServedOneWaiting(address, counters);
    set([full, { id: 'new', port: await backend(naming('new')) }]);
    expect(String(await once(second, 'data'))).toBe('new');
    first.write('x');
    expect(String(await once(first, 'data'))).toBe('full');
  });

  it('sends no connection that waited for room to an instance that left meanwhile', async () => {
    const old = { id: 'old', port: await backend(naming('old')), maxConnections: 1 };
    const { address, counters, set } = await start({ targets: [old] });
    const [first, second] = await oneServedOneWaiting(address, counters);
    set([]);
    first.end();
    await closed(first);
    await until('it to be over', () => counters.slot(2).inFlight === 0);
    set([{ id: 'new', port: await backend(naming('new')) }]);
    expect(String(await once(second, 'data'))).toBe('new');
  });

  it('lets a connection that waits for room follow its route', async () => {
    const [full, other] = [await backend(naming('full')), await backend(naming('other'))];
    const { address, counters, server } = await start({ targets: [], spec: { byRoute: 'address' } });
    server.setRoutes(routeTo([{ ...targetAt(full, 2), maxConnections: 1 }]));
    const [, second] = await oneServedOneWaiting(address, counters);
    server.setRoutes(routeTo([targetAt(other, 3)]));
    expect(String(await once(second, 'data'))).toBe('other');
  });

  it('closes a connection that waited for room for too long, or may not wait', async () => {
    const targets = [{ port: await backend(echo), maxConnections: 1 }];
    for (const waitTimeout of [0, 50]) {
      const { address } = await start({ targets, spec: { limits: { waitTimeout } } });
      const first = open(address);
      first.write('1');
      await once(first, 'data');
      expect(String(await all(open(address)))).toBe('');
      first.write('2');
      expect(String(await once(first, 'data'))).toBe('2');
    }
  });

  it('closes connections that come more often than they may', async () => {
    const { address } = await start({
      targets: [{ port: await backend(saying('x')) }],
      rates: [{ count: 2, period: 3_600_000, burst: 2, by: { kind: 'address', name: '' } }],
    });
    const heard: string[] = [];
    for (let i = 0; i < 3; i++) heard.push(String(await all(open(address))));
    expect(heard).toEqual(['x', 'x', '']);
    expect(String(await all(open(address, '127.0.0.2')))).toBe('x');
  });

  it('lets in whom the rules let in', async () => {
    const rules = ['deny 127.0.0.2', 'allow 127.0.0.0/29'].map((text) => parseAccessRule(text)!);
    const { address } = await start({
      targets: [{ port: await backend(saying('in')) }],
      spec: { access: { rules, allowOthers: false } },
    });
    const from = async (local: string) => (await all(open(address, local))).toString();
    expect(await from('127.0.0.1')).toBe('in');
    expect(await from('127.0.0.2')).toBe('');
    expect(await from('127.0.0.9')).toBe('');
  });
});
