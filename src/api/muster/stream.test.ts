import { createServer, type Server } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { until } from '../../../scripts/support/processes.mjs';
import { updateCheck } from '../../catalog/commands/register.ts';
import { NODE, serviceRow } from '../../catalog/rows.test-support.ts';
import { nextTurn } from '../../lib/in-turns.ts';
import { dashboardFixture, type Fixture } from './fixtures.ts';
import { Picture } from './picture.ts';
import { Streams } from './stream.ts';
import type { Delta, Snapshot } from './wire.ts';

const ROUNDS = 200;

let fixture: Fixture;
let streams: Streams;
let server: Server;
let sockets: Socket[];

beforeEach(async () => {
  fixture = dashboardFixture();
  streams = new Streams(fixture.dashboard.live, { maxWaiting: 4096 });
  server = createServer((_request, response) => {
    if (!streams.serve(response)) response.writeHead(503).end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  sockets = [];
});

afterEach(async () => {
  for (const socket of sockets) socket.destroy();
  streams.stop();
  fixture.dashboard.stop();
  await new Promise((resolve) => server.close(resolve));
});

interface Reader {
  readonly socket: Socket;
  readonly events: string[];
  readonly picture: () => Picture;
  /** Waits until `done` holds for what was read. */
  until(done: () => boolean): Promise<void>;
}

/** A browser in a few lines: reads chunks, splits events, keeps the picture. */
function open(): Reader {
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
  sockets.push(socket);
  socket.setEncoding('utf8');
  socket.write('GET / HTTP/1.0\r\n\r\n');
  const events: string[] = [];
  let picture: Picture | undefined;
  let rest = '';
  let look = () => {};
  socket.on('data', (chunk: string) => {
    rest += chunk;
    const parts = rest.split('\n\n');
    rest = parts.pop() ?? '';
    for (const part of parts) {
      const [, name, data] = /^event: (\w+)\ndata: (.*)$/m.exec(part) ?? [];
      if (name === undefined || data === undefined) continue;
      events.push(name);
      if (name === 'snapshot') picture = Picture.from(JSON.parse(data) as Snapshot);
      else picture?.apply(JSON.parse(data) as Delta);
    }
    look();
  });
  return {
    socket,
    events,
    picture: () => picture as Picture,
    until: (done) =>
      new Promise((resolve) => {
        look = () => done() && resolve();
        look();
      }),
  };
}

describe('an event stream', () => {
  it('begins with a snapshot and goes on with deltas', async () => {
    await fixture.join('web', 'web-1');
    const reader = open();
    await reader.until(() => reader.events.length === 1);
    expect(reader.events).toEqual(['snapshot']);
    expect([...reader.picture().instances.values()]).toMatchObject([{ id: 'web-1' }]);
    await fixture.join('web', 'web-2');
    fixture.clock.advance(100);
    await reader.until(() => reader.picture().instances.size === 2);
    expect(new Set(reader.events.slice(1))).toEqual(new Set(['delta']));
  });

  it('never counts a change twice for who comes between two deltas', async () => {
    const first = open();
    await first.until(() => first.events.length === 1);
    await fixture.join('web', 'web-1');
    const second = open();
    await second.until(() => second.events.length > 0);
    fixture.clock.advance(3000);
    await second.until(
      () => second.picture().history.length === fixture.dashboard.live.current().history.length,
    );
    expect(second.picture().changes).toEqual(fixture.dashboard.live.current().changes);
  });

  it('gives a slow reader a fresh snapshot instead of an endless queue', async () => {
    const ids = Array.from({ length: 100 }, (_, index) => `web-${index}`);
    for (const id of ids) await fixture.join('web', id);
    const reader = open();
    await reader.until(() => reader.events.length === 1);
    reader.socket.pause();
    // 40 MB, far more than the buffers of two sockets hold: without a bound the server would keep the rest.
    for (let round = 0; round < ROUNDS; round++) {
      const output = `${round} ${'x'.repeat(2000)}`;
      await fixture.store.write((tx) => {
        for (const id of ids) updateCheck(tx, 'n1', `service:${id}`, { status: 'critical', output });
      });
      fixture.clock.advance(100);
      // Lets the bytes go out to the socket as far as they can.
      await new Promise((resolve) => setImmediate(resolve));
    }
    reader.socket.resume();
    await reader.until(() => reader.events.filter((name) => name === 'snapshot').length >= 2);
    fixture.clock.advance(100);
    const last = fixture.dashboard.live.current();
    await reader.until(() => reader.picture().at >= last.at);
    expect([...reader.picture().instances.values()]).toEqual([...last.instances.values()]);
    expect(reader.events.length).toBeLessThan(ROUNDS);
  });

  it('leaves others their turns while it writes a long snapshot, and goes on with what happened meanwhile', async () => {
    await fixture.store.write((tx) => {
      for (let number = 0; number < 3_000; number++)
        tx.put('services', { ...serviceRow(`web-${number}`, 'web'), node: 'n1' });
      tx.put('nodes', { ...NODE, name: 'n1' });
    });
    const reader = open();
    let turns = 0;
    let isRead = false;
    const read = reader
      .until(() => reader.events.includes('snapshot'))
      .then(() => {
        isRead = true;
      });
    await until('the stream to be there', () => streams.size === 1, { every: 0 });
    for (; !isRead; turns++) {
      if (turns < 5) await fixture.join('api', `api-${turns}`);
      fixture.clock.advance(100);
      await nextTurn();
    }
    await read;
    expect(turns).toBeGreaterThan(3_000 / 128);
    await reader.until(() => reader.picture().services.get('api')?.instances === 5);
    expect(reader.picture().instances.size).toBe(3_005);
    expect(reader.events.filter((name) => name === 'snapshot')).toHaveLength(1);
  });

  it('is refused when there are too many', async () => {
    const readers = Array.from({ length: 100 }, open);
    for (const reader of readers) await reader.until(() => reader.events.length > 0);
    const refused = open();
    let head = '';
    refused.socket.on('data', (chunk: string) => {
      head += chunk;
    });
    await new Promise((resolve) => refused.socket.once('close', resolve));
    expect(head).toMatch(/^HTTP\/1\.1 503/);
    expect(streams.size).toBe(100);
  });

  it('costs nothing once it is closed', async () => {
    const reader = open();
    await reader.until(() => reader.events.length === 1);
    expect(streams.size).toBe(1);
    const closed = new Promise((resolve) => server.once('closed-one', resolve));
    const look = setInterval(() => streams.size === 0 && server.emit('closed-one'), 1);
    reader.socket.destroy();
    await closed;
    clearInterval(look);
    expect(streams.size).toBe(0);
  });

  it('ends when the agent stops', async () => {
    const reader = open();
    await reader.until(() => reader.events.length === 1);
    streams.stop();
    await new Promise((resolve) => reader.socket.once('close', resolve));
  });
});
