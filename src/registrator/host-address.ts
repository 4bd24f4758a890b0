import { lookup } from 'node:dns/promises';
import { ownAddress } from '../lib/own-address.ts';

/**
 * The address under which this machine's published ports are reached: what its name stands for, unless that is loopback, as on
 * Debian; then that of the interface that packets to anywhere leave by. Loopback when there is nothing else.
 */
export async function hostAddressOf(hostname: string): Promise<string> {
  const named = await lookup(hostname, { verbatim: true }).catch(() => undefined);
  return named === undefined || isLoopback(named.address) ? ownAddress() : named.address;
}

function isLoopback(address: string): boolean {
  return address.startsWith('127.') || address === '::1';
}

/** Whether it is the name that engines give a container that is told none: the beginning of its ID. */
export function isContainerId(hostname: string): boolean {
  return /^[0-9a-f]{12}$/.test(hostname);
}
