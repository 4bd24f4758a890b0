import type { LookupAddress } from 'node:dns';
import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';

/** The addresses of a name, in the system's order. Rejects when there is none. */
export type Finder = (name: string) => Promise<readonly LookupAddress[]>;

const bySystem: Finder = (name) => lookup(name, { all: true, verbatim: true });

/**
 * The address of a host where only one can be used, to listen on or to send datagrams to: for a name its first one of IPv4, where
 * it has one. Most systems say "::1" first for "localhost", and who then comes to 127.0.0.1 finds nobody. Go's programs (Consul,
 * fabio, gobetween) choose so too. An address, or "" for all of them, is answered as it is. Rejects with what the system says.
 */
export async function preferredAddress(host: string, find = bySystem): Promise<string> {
  if (host === '' || isIP(host) !== 0) return host;
  const found = await find(host);
  return (found.find(({ family }) => family === 4) ?? found[0])?.address ?? host;
}
