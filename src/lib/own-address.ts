import { type NetworkInterfaceInfo, networkInterfaces } from 'node:os';
import { defaultInterface } from './sockaddr.ts';

type Addresses = Readonly<
  Record<string, readonly Pick<NetworkInterfaceInfo, 'address' | 'family' | 'internal'>[] | undefined>
>;

/**
 * The address of this machine that others may know: that of the interface that packets to anywhere leave by, since bridges
 * of container engines and tunnels have addresses, too; then the first. IPv4 before IPv6; loopback when there is none.
 */
export function ownAddress(
  interfaces: Addresses = networkInterfaces(),
  first: string = defaultInterface(),
): string {
  const all = Object.entries(interfaces)
    .sort(([a], [b]) => Number(b === first) - Number(a === first))
    .flatMap(([, addresses]) => addresses ?? [])
    .filter(({ internal, address }) => !internal && !address.startsWith('fe80:'));
  return (all.find(({ family }) => family === 'IPv4') ?? all[0])?.address ?? '127.0.0.1';
}
