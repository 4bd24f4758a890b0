import { isIP } from 'node:net';
import * as z from 'zod';
import { DEFAULT_FORWARD_OPTIONS as DEFAULTS, type ForwardOptions } from '../../dns/forward/options.ts';
import { formatDuration } from '../../lib/duration.ts';
import { addressBytes } from '../../lib/ip.ts';
import { duration, recursor } from './fields.ts';

const seconds = (value: number) => z.int().min(0).max(0x7fff_ffff).default(value);

/** The keys of `[dns]` about names outside the domain. */
export const forwardFields = {
  forward: z
    .array(
      z.strictObject({
        domain: z.string().min(1).describe('The domain, with everything below it.'),
        servers: z
          .array(recursor())
          .default([])
          .describe('Who answers for it. None: nobody but hosts files and fixed addresses.'),
      }),
    )
    .default([])
    .describe('Name servers for domains of their own; the longest domain counts.'),
  hosts: z
    .array(z.string().min(1))
    .default([])
    .describe(
      'Hosts files, or folders of them, whose names are answered; they are watched. None, as in Consul.',
    ),
  addresses: z
    .record(
      z.string().min(1),
      z.array(z.string().refine((text) => isIP(text) !== 0, { error: 'expected an IP address' })),
    )
    .default({})
    .describe('What a domain and everything below it stands for: `"ads.example" = []` for "no such name".'),
  search: z
    .array(z.string().min(1))
    .default([])
    .describe('Domains in which a name without a dot is looked for, such as "service.consul".'),
  localTtl: seconds(DEFAULTS.localTtl).describe(
    'Seconds that names of hosts files and fixed ones may be kept.',
  ),
  cacheSize: z
    .int()
    .min(0)
    .max(10_000_000)
    .default(DEFAULTS.cacheSize)
    .describe(
      'Answers of other name servers that are kept; 0 for none. About a kilobyte each, at most 64 MB.',
    ),
  cacheMinTtl: seconds(DEFAULTS.minTtl).describe(
    'Seconds that they are kept at least. 0: not longer than they allow.',
  ),
  cacheMaxTtl: seconds(DEFAULTS.maxTtl).describe('And at most. A day, as most resolvers have it.'),
  negativeTtl: seconds(DEFAULTS.negativeTtl).describe(
    'Seconds that "no such name" is kept when it does not say it.',
  ),
  staleFor: duration()
    .prefault(formatDuration(DEFAULTS.staleFor))
    .describe(
      'How long answers that have run out still serve while no server answers (RFC 8767); 0s: not at all.',
    ),
  mixCase: z
    .boolean()
    .default(DEFAULTS.mixCase)
    .describe('Ask other name servers in letters of random case, which makes answers hard to forge.'),
  domainNeeded: z.boolean().default(false).describe('Do not ask others for names without a dot.'),
  bogusPrivate: z.boolean().default(false).describe('Do not ask others for the names of private addresses.'),
  rebindProtection: z
    .boolean()
    .default(false)
    .describe(
      'Refuse answers of `recursors` that hold private addresses. Off: many networks have such names. Domains in `forward` are trusted.',
    ),
  rebindOk: z.array(z.string().min(1)).default([]).describe('Domains for which that does not hold.'),
  clientQuestions: z
    .int()
    .min(1)
    .default(DEFAULTS.perClient)
    .describe(
      'Questions of one client that may wait for other name servers at a time; this machine may have any number.',
    ),
  hostsFile: z
    .strictObject({
      path: z.string().min(1).describe('The file, such as "/etc/hosts.consul". It is replaced whole.'),
      services: z
        .array(z.string().min(1))
        .default(['*'])
        .describe('Services in it: "web", "blue.web" for those with a tag, "*" for all.'),
    })
    .optional()
    .describe('Write the instances of services as a hosts file, for systems that ask no name server.'),
};

type Fields = z.output<z.ZodObject<typeof forwardFields>>;

/** As the forwarder takes it. */
export function forwardOptions(
  dns: Fields,
): Partial<Omit<ForwardOptions, 'servers' | 'strategy' | 'timeout'>> {
  return {
    routes: dns.forward.map(({ domain, servers }) => ({
      domain,
      route: servers.length === 0 ? ('local' as const) : servers,
    })),
    addresses: Object.entries(dns.addresses).map(([domain, addresses]) => ({
      domain,
      addresses: addresses.flatMap((text) => addressBytes(text) ?? []),
    })),
    hosts: dns.hosts,
    search: dns.search,
    localTtl: dns.localTtl,
    cacheSize: dns.cacheSize,
    minTtl: dns.cacheMinTtl,
    maxTtl: dns.cacheMaxTtl,
    negativeTtl: dns.negativeTtl,
    staleFor: dns.staleFor,
    mixCase: dns.mixCase,
    domainNeeded: dns.domainNeeded,
    bogusPrivate: dns.bogusPrivate,
    rebindProtection: dns.rebindProtection,
    rebindOk: dns.rebindOk,
    perClient: dns.clientQuestions,
  };
}
