/** Finds what Node's own loop, of this thread, waits on, and what it has come upon. */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { createServer } from 'node:net';
import { performance } from 'node:perf_hooks';
import { threadId } from 'node:worker_threads';

const DESCRIPTORS = '/proc/self/fd';

/** How many events Node's loop, of this thread, has come upon; always 0 where Node does not tell (21, and 22 before 22.8). */
export function nodeLoopEvents(): number {
  const timing: Partial<typeof performance.nodeTiming> = performance.nodeTiming;
  return timing.uvMetricsInfo?.events ?? 0;
}

/** What libuv's loop, of this thread, waits on; undefined where it is not found. */
export interface NodeLoop {
  /** Becomes readable when it has something to do. */
  readonly epoll?: number | undefined;
  /** An eventfd: signalled, the loop turns. */
  readonly wakeUp?: number | undefined;
}

/**
 * libuv does not tell what it waits on. So something of this thread is put into its epoll set, and the descriptor that watches it is
 * looked for. By the only eventfd in it other threads wake the loop.
 */
export async function nodeLoop(): Promise<NodeLoop> {
  const marker = createServer();
  try {
    // An abstract socket: no file, no port, and it is gone with its descriptor.
    await new Promise<void>((resolve, reject) => {
      marker.once('error', reject);
      marker.listen({ path: `\0muster-${process.pid}-${threadId}-${performance.now()}` }, resolve);
    });
    const { fd } = (marker as unknown as { _handle?: { fd?: number } })._handle ?? {};
    if (fd === undefined || fd < 0) return {};
    // libuv adds it when its loop turns for the next time.
    await new Promise((resolve) => setImmediate(resolve));
    await new Promise((resolve) => setImmediate(resolve));
    for (const epoll of readdirSync(DESCRIPTORS).map(Number)) {
      const watched = watchedBy(epoll);
      if (!watched.includes(fd)) continue;
      const [wakeUp, ...others] = watched.filter((one) => is(one, 'eventfd'));
      return { epoll, wakeUp: others.length === 0 ? wakeUp : undefined };
    }
    return {};
  } catch {
    return {};
  } finally {
    marker.close();
  }
}

/** The descriptors in an epoll set; none of what is not one. */
function watchedBy(fd: number): number[] {
  if (!is(fd, 'eventpoll')) return [];
  try {
    const text = readFileSync(`/proc/self/fdinfo/${fd}`, 'latin1');
    return [...text.matchAll(/^tfd:\s+(\d+)\s/gm)].map(([, watched]) => Number(watched));
  } catch {
    return [];
  }
}

function is(fd: number, kind: string): boolean {
  try {
    return readlinkSync(`${DESCRIPTORS}/${fd}`).includes(kind);
  } catch {
    // Closed meanwhile: it was the descriptor that listed the folder.
    return false;
  }
}
