import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect, it, onTestFinished, vi } from 'vitest';
import { ManualClock } from '../lib/clock.ts';
import { createLogger, type LogLine } from '../lib/log.ts';
import type { EtcdProcess } from './etcd-process.ts';
import { openOwnStore, TURN, WAIT_LOG } from './own-store.ts';

it('advice on a lost majority is given by who has waited for etcd a while, not at each start', async () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'muster-own-store-'));
  const clock = new ManualClock(1_000_000);
  const lines: LogLine[] = [];
  let attempts = 0;
  let isOver = false;
  const opening = openOwnStore({
    // Nobody listens there.
    etcd: { endpoint: `unix:${path.join(folder, 'socket')}` } as EtcdProcess,
    onSubscriberError: (error) => {
      throw error;
    },
    clock,
    time: Date.now,
    random: () => 0,
    isOver: () => {
      attempts++;
      return isOver;
    },
    logger: createLogger({ level: 'info', sink: (line) => lines.push(line) }),
  });
  onTestFinished(async () => {
    isOver = true;
    clock.advance(TURN);
    await opening.catch(() => {});
    rmSync(folder, { recursive: true, force: true });
  });
  const attempt = async (after: number) => {
    const before = attempts;
    clock.advance(after);
    await vi.waitUntil(() => attempts > before, { timeout: 20_000 });
  };
  await attempt(0);
  await attempt(TURN);
  await attempt(TURN);
  expect(lines).toEqual([]);
  await attempt(WAIT_LOG);
  await vi.waitUntil(() => lines.length > 0, { timeout: 20_000 });
  expect(lines[0]?.fields.hint).toContain('muster operator recover');
});
