import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect, it, onTestFinished, vi } from 'vitest';
import { freePorts } from '../../scripts/support/processes.mjs';
import { systemClock } from '../lib/clock.ts';
import { silentLogger } from '../lib/log.ts';
import type { Hello } from './gossip.ts';
import { newKey, ringOf } from './link/links.test-support.ts';
import { Caller } from './link/rpc.ts';
import { Presence } from './liveness.ts';
import { startServer } from './server.ts';

it('a server whose etcd does not come up says that it hears of no majority', async () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'muster-server-'));
  const etcdBinary = path.join(folder, 'etcd');
  writeFileSync(etcdBinary, '#!/bin/sh\nexit 1\n');
  chmodSync(etcdBinary, 0o755);
  const [port = 0, peerPort = 0] = await freePorts(2);
  const keyring = ringOf(newKey());
  const stop = new AbortController();
  const starting = startServer({
    self: { id: 'a', name: 'a', host: '127.0.0.1', version: '1' },
    bind: '127.0.0.1',
    port,
    peerPort,
    expect: 1,
    directory: path.join(folder, 'cluster'),
    etcdBinary,
    keyring,
    findContacts: async () => [],
    reconnectTimeout: 1_000_000,
    onSubscriberError: (error) => {
      throw error;
    },
    onEvent: () => {},
    clock: systemClock,
    time: Date.now,
    random: () => 0,
    logger: silentLogger,
    signal: stop.signal,
  });
  const caller = new Caller({ host: '127.0.0.1', port }, keyring);
  onTestFinished(async () => {
    caller.close();
    stop.abort();
    await starting.catch(() => {});
    rmSync(folder, { recursive: true, force: true });
  });
  const self = { id: 'b', name: 'b', host: '127.0.0.1', port: 1, version: '1', sequence: 1 };
  const report = new Presence('b', systemClock, 1_000_000).report(0);
  const greeting: Hello = { self, book: [], expect: 0, report, knows: 0 };
  const hello = await vi.waitUntil(
    async () => {
      const answer = await caller.call<Hello>('hello', greeting, 5_000).catch(() => undefined);
      return answer?.cluster !== undefined && answer;
    },
    { timeout: 20_000 },
  );
  expect(hello).toMatchObject({ hears: false });
});
