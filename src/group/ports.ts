/** Ports that are given out at run time. */
import net from 'node:net';
import { MusterError } from '../errors.ts';

export interface PortRange {
  first: number;
  last: number;
}

/** Ports given out by this process, so that two instances never get the same one before the first listens. */
const taken = new Set<number>();

/** Whether a program could listen on `port` now, at whatever address it likes: nobody listens there at any. */
export function isPortFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = net.createServer();
    server.once('error', () => resolve(false));
    // Without a host: at all addresses, those of IPv6 too where there are any.
    server.listen({ port, exclusive: true }, () => server.close(() => resolve(true)));
  });
}

/**
 * A free port of the range, kept for the caller until `releasePort`. The search begins at a random place, so that
 * several Musters on one machine seldom ask for the same port at the same moment. `random` is in [0, 1).
 */
export async function reservePort(range: PortRange, random: number): Promise<number> {
  const size = range.last - range.first + 1;
  const start = Math.floor(random * size);
  for (let step = 0; step < size; step++) {
    const port = range.first + ((start + step) % size);
    if (taken.has(port)) continue;
    taken.add(port);
    if (await isPortFree(port)) return port;
    taken.delete(port);
  }
  throw new MusterError(
    'group.failed',
    `no free port between ${range.first} and ${range.last}: widen port_range or stop what holds them (\`ss -ltn\` shows it)`,
  );
}

/** Keeps a port that an earlier run of this program gave out. */
export function claimPort(port: number): void {
  taken.add(port);
}

export function releasePort(port: number): void {
  taken.delete(port);
}
