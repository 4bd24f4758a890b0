/** All that is asked of TLS listeners once more, as where this version of Node does not let its layer be used by itself. */
import { vi } from 'vitest';

vi.mock('./secure-handle.ts', async (original) => ({ ...(await original<object>()), isLayered: false }));

await import('./handshake.test.ts');
await import('./listener.test.ts');
await import('./openings.test.ts');
