/** What is asked of relays and of instances once more, as where this version of Node does not let its handles be used by themselves. */
import { vi } from 'vitest';

vi.mock('./handle-socket.ts', async (original) => ({
  ...(await original<object>()),
  isTcpHandle: () => false,
}));
// Only Node's sockets have another way.
vi.mock('../uring/fixtures.ts', async (original) => ({
  ...(await original<object>()),
  OBSTACLE: 'not of interest here',
}));

await import('./staying-up.test.ts');
await import('./tcp-admission.test.ts');
await import('./tcp-listener.test.ts');
