import { readlinkSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { performance } from 'node:perf_hooks';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { OBSTACLE } from './fixtures.ts';
import { nodeLoop, nodeLoopEvents } from './node-loop.ts';

afterEach(() => vi.restoreAllMocks());

describe.skipIf(OBSTACLE !== undefined)("what Node's loop waits on", () => {
  it('is found, with what other threads wake it by', async () => {
    const { epoll = -1, wakeUp = -1 } = await nodeLoop();
    const kinds = [epoll, wakeUp].map((fd) => readlinkSync(`/proc/self/fd/${fd}`));
    expect(kinds).toEqual(['anon_inode:[eventpoll]', 'anon_inode:[eventfd]']);
  });
});

describe("what Node's loop has come upon", () => {
  it('counts up where Node tells', async () => {
    const before = nodeLoopEvents();
    // An answer of the thread pool is an event.
    await stat('/');
    await new Promise((resolve) => setImmediate(resolve));
    expect(nodeLoopEvents()).toBeGreaterThan(before);
  });

  it('is nothing where it does not', () => {
    vi.spyOn(performance, 'nodeTiming', 'get').mockReturnValue({} as typeof performance.nodeTiming);
    expect(nodeLoopEvents()).toBe(0);
  });
});
