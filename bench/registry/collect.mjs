// @ts-check
// Loaded into a program whose memory is measured (`node --expose-gc --import …`): on SIGWINCH it lets go of what nobody needs any more.
import { isMainThread } from 'node:worker_threads';

if (isMainThread)
  process.on('SIGWINCH', () => {
    const { gc } = /** @type {{ gc?: () => void }} */ (globalThis);
    // Twice: what the first one finds to be gone may hold something.
    gc?.();
    gc?.();
  });
