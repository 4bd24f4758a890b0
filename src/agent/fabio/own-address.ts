import { networkInterfaces } from 'node:os';

/** The first address of the machine that others may know, IPv4 before IPv6; loopback when there is none. */
export function ownAddress(): string {
  const all = Object.values(networkInterfaces())
    .flat()
    .filter((one) => one !== undefined && !one.internal && !one.address.startsWith('fe80:'));
  const best = all.find((one) => one?.family === 'IPv4') ?? all[0];
  return best?.address ?? '127.0.0.1';
}
