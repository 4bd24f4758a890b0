import { lookup } from 'node:dns/promises';
import { networkInterfaces } from 'node:os';

/**
 * The address under which this machine's published ports are reached: what its name stands for, unless that is loopback, as on
 * Debian; then that of its first interface, IPv4 before IPv6. Loopback when there is nothing else.
 */
export async function hostAddressOf(hostname: string): Promise<string> {
  const named = await lookup(hostname, { verbatim: true }).catch(() => undefined);
  if (named !== undefined && !isLoopback(named.address)) return named.address;
  const all = Object.values(networkInterfaces()).flatMap((some) => some ?? []);
  const usable = all.filter(({ internal, address }) => !internal && !address.startsWith('fe80:'));
  const first = usable.find(({ family }) => family === 'IPv4') ?? usable[0];
  return first?.address ?? named?.address ?? '127.0.0.1';
}

function isLoopback(address: string): boolean {
  return address.startsWith('127.') || address === '::1';
}
