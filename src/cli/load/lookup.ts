/** Host names by one name server, each time anew, so that a load follows what it says. */
import { Resolver } from 'node:dns';
import type { LookupFunction } from 'node:net';
import { isIPv6 } from '../../lib/ip.ts';

/** `server` is "host:port". All addresses of a name are tried, beginning with another one each time. */
export function lookupAt(server: string): LookupFunction {
  const resolver = new Resolver({ timeout: 1_000, tries: 3 });
  resolver.setServers([server]);
  let turn = 0;
  return (name, options, found) => {
    resolver.resolve(name, options.family === 6 ? 'AAAA' : 'A', (error, answer) => {
      if (error !== null) {
        found(error, '', 0);
        return;
      }
      const addresses = answer as string[];
      const first = turn++ % addresses.length;
      const turned = [...addresses.slice(first), ...addresses.slice(0, first)].map((address) => ({
        address,
        family: isIPv6(address) ? 6 : 4,
      }));
      if (options.all === true) found(null, turned);
      else found(null, turned[0]?.address ?? '', turned[0]?.family);
    });
  };
}
