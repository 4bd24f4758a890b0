import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { setImmediate as turn } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { inOrder } from './in-order.ts';

/** What happened, in its order. */
let events: string[];
let server: Server;
let client: Socket;
let text: string;
/** Resolves once /held is asked; what it resolves with has it answered. */
let held: Promise<() => void>;

beforeEach(async () => {
  events = [];
  text = '';
  let came = (_: () => void) => {};
  held = new Promise((resolve) => (came = resolve));
  server = createServer(
    inOrder(async (request, response) => {
      const { url = '' } = request;
      events.push(`begins ${url}`);
      if (url === '/held') await new Promise<void>((resolve) => came(resolve));
      else await turn();
      events.push(`ends ${url}`);
      response.end(url);
    }),
  ).listen(0, '127.0.0.1');
  await once(server, 'listening');
  client = connect((server.address() as AddressInfo).port, '127.0.0.1');
  client.setEncoding('latin1').on('data', (chunk) => (text += chunk));
});

afterEach(() => {
  client.destroy();
  server.close();
});

async function see(pattern: RegExp): Promise<void> {
  while (!pattern.test(text)) await once(client, 'data');
}

const ask = (path: string, more = '', method = 'GET') =>
  `${method} ${path} HTTP/1.1\r\nHost: a\r\n${more}\r\n`;

describe('requests that were sent together', () => {
  it('begin when the one before them was answered', async () => {
    // A key was deleted before it was written: the body of the first one is read later than the second one's head.
    client.write(`${ask('/a', 'Content-Length: 1\r\n', 'PUT')}x${ask('/b', '', 'DELETE')}${ask('/c')}`);
    await see(/\/c$/);
    expect(events).toEqual(['begins /a', 'ends /a', 'begins /b', 'ends /b', 'begins /c', 'ends /c']);
    client.write(ask('/d'));
    await see(/\/d$/);
  });

  it('do not begin behind an answer that ends the connection', async () => {
    client.write(ask('/a', 'Connection: close\r\n') + ask('/b', '', 'DELETE'));
    await once(client, 'close');
    expect(events).toEqual(['begins /a', 'ends /a']);
  });

  it('do not begin when their client has gone', async () => {
    client.write(ask('/held') + ask('/b', '', 'DELETE'));
    const answer = await held;
    client.resetAndDestroy();
    answer();
    while (!events.includes('ends /held')) await turn();
    await fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}/other`);
    expect(events).not.toContain('begins /b');
  });

  it('are not read without bounds while one waits', async () => {
    client.write(ask('/held'));
    const answer = await held;
    // More than the system keeps for both of a connection's ends.
    const many = 40_000;
    client.write(ask('/b', `X-Long: ${'x'.repeat(1000)}\r\n`).repeat(many));
    for (let i = 0; i < 300; i++)
      await fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}/other`);
    expect(client.writableLength).toBeGreaterThan(0);
    answer();
    await see(/\/held$|\/b$/);
  });
});
