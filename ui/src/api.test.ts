import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, it, onTestFinished } from 'vitest';
import { call } from './api.ts';

async function silentAgent(): Promise<string> {
  const server = createServer(() => {}).listen(0, '127.0.0.1');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  await once(server, 'listening');
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
}

// Of one that was asked over a connection that had died no screen asked anything again.
it('a call that is not answered ends when its patience does', async () => {
  const answer = await call(await silentAgent(), { patience: 50 });
  expect(answer).toEqual({ kind: 'refused', status: 0, message: 'The agent does not answer.' });
});

it('a call rejects with the reason of who takes it back', async () => {
  const gone = new AbortController();
  const answer = call(await silentAgent(), { signal: gone.signal, patience: 60_000 });
  gone.abort('gone');
  await expect(answer).rejects.toBe('gone');
});
