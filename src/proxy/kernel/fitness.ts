/** Whether the kernel can carry a flow from a listener to an instance, and if not, why: pure. */
import { isIP } from 'node:net';
import { isIPv6 } from '../../lib/ip.ts';
import type { KernelListener, KernelTarget } from './ruleset.ts';

/** What is wrong with a listener itself; "" when nothing is. */
export function faultOfListener({ host }: Pick<KernelListener, 'host'>): string {
  if (isIP(host) === 0) return `the kernel needs an IP address to listen on, not the name "${host}"`;
  return '';
}

/** Why the kernel cannot send flows of the listener there; "" when it can. */
export function faultOfTarget(
  { host: listen }: Pick<KernelListener, 'host'>,
  { host }: Pick<KernelTarget, 'host'>,
): string {
  if (isIP(host) === 0) return `${host} is no IP address, and the kernel resolves no names`;
  if (isIPv6(host) !== isIPv6(listen)) return `${host} and ${listen} are not of one IP version`;
  if (isLoopback(host) && !isLoopback(listen))
    return `${host} is a loopback address: no packet from outside may go there. Let the instance listen on another address`;
  if (!isLoopback(host) && isLoopback(listen))
    return `no packet leaves this machine from the loopback address ${listen}. Listen on another address`;
  return '';
}

export function isLoopback(host: string): boolean {
  return host === '::1' || host.startsWith('127.');
}
