/** Finds the descriptor that becomes readable when Node's own loop, of this thread, has something to do. */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { createServer } from 'node:net';
import { threadId } from 'node:worker_threads';

const DESCRIPTORS = '/proc/self/fd';

/**
 * libuv waits on an epoll descriptor and does not tell which. So something of this thread is put into its set, and the
 * descriptor that watches it is looked for. Undefined where that finds nothing.
 */
export async function nodeLoopDescriptor(): Promise<number | undefined> {
  const marker = createServer();
  try {
    // An abstract socket: no file, no port, and it is gone with its descriptor.
    await new Promise<void>((resolve, reject) => {
      marker.once('error', reject);
      marker.listen({ path: `\0muster-${process.pid}-${threadId}-${performance.now()}` }, resolve);
    });
    const { fd } = (marker as unknown as { _handle?: { fd?: number } })._handle ?? {};
    if (fd === undefined || fd < 0) return undefined;
    // libuv adds it when its loop turns for the next time.
    await new Promise((resolve) => setImmediate(resolve));
    await new Promise((resolve) => setImmediate(resolve));
    return readdirSync(DESCRIPTORS)
      .map(Number)
      .find((candidate) => watches(candidate, fd));
  } catch {
    return undefined;
  } finally {
    marker.close();
  }
}

function watches(candidate: number, fd: number): boolean {
  try {
    if (!readlinkSync(`${DESCRIPTORS}/${candidate}`).includes('eventpoll')) return false;
    return new RegExp(`^tfd:\\s+${fd}\\s`, 'm').test(
      readFileSync(`/proc/self/fdinfo/${candidate}`, 'latin1'),
    );
  } catch {
    // Closed meanwhile: it was the descriptor that listed the folder.
    return false;
  }
}
