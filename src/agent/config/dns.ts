import * as z from 'zod';
import { DEFAULT_DNS_OPTIONS } from '../../dns/options.ts';
import { RECURSOR_STRATEGIES } from '../../dns/recursors.ts';
import { formatDuration } from '../../lib/duration.ts';
import { forwardFields } from './dns-forward.ts';
import { addresses, duration, recursor } from './fields.ts';

export const dnsSchema = z
  .strictObject({
    address: addresses().optional().describe('Addresses on which DNS listens. Default: `node.client`.'),
    domain: z
      .string()
      .default('consul')
      .describe("Domain that is answered from the catalog. The default is Consul's."),
    altDomain: z.string().optional().describe('A second domain with the same answers.'),
    nodeTtl: duration()
      .prefault('0s')
      .describe('TTL of answers about nodes. 0, so that nobody keeps an address that is gone.'),
    serviceTtl: z
      .record(z.string(), duration())
      .default({})
      .describe('TTL of answers by service name; `*` stands for all, `web*` for a prefix. Unlisted: 0.'),
    onlyPassing: z
      .boolean()
      .default(false)
      .describe(
        'Leave out instances with a warning check too. Off, as in Consul: critical ones are always left out.',
      ),
    enableTruncate: z
      .boolean()
      .default(false)
      .describe(
        'Set the TC bit whenever answers were left out. Off, as in Consul: many resolvers do not retry over TCP.',
      ),
    udpAnswerLimit: z
      .int()
      .min(0)
      .default(3)
      .describe('Most answers in one UDP reply. 3, as in Consul: fits the 512 bytes of plain DNS.'),
    aRecordLimit: z
      .int()
      .min(0)
      .default(0)
      .describe('Most A or AAAA records in one reply; 0: as many as fit.'),
    enableAdditionalNodeMetaTxt: z
      .boolean()
      .default(true)
      .describe("Add a node's metadata as TXT records to answers that name it. On, as in Consul."),
    recursors: z
      .array(recursor())
      .default([])
      .describe(
        'Name servers that are asked for names outside the domain, for unknown addresses and for what host names in the catalog stand for. None, as in Consul: such questions are refused.',
      ),
    recursorTimeout: duration({ least: 1 })
      .prefault(formatDuration(DEFAULT_DNS_OPTIONS.recursorTimeout))
      .describe("Until the next recursor is asked. Consul's: most resolvers give up after 5s."),
    recursorStrategy: z
      .enum(RECURSOR_STRATEGIES)
      .default(DEFAULT_DNS_OPTIONS.recursorStrategy)
      .describe(
        'Ask the recursors in their order, in any order, the one first that answered quickest of late, or all at the same time. One that was silent three times comes last until it answers again.',
      ),
    ...forwardFields,
    srvTargets: z
      .enum(['node', 'instance'])
      .default(DEFAULT_DNS_OPTIONS.srvTargets)
      .describe(
        'What SRV records lead to: the node or the address, as in Consul, or a name for each instance. HAProxy takes up all instances only if their names differ.',
      ),
    soa: z
      .strictObject({
        refresh: z.int().min(0).default(3600).describe('Seconds.'),
        retry: z.int().min(0).default(600).describe('Seconds.'),
        expire: z.int().min(0).default(86_400).describe('Seconds.'),
        minTtl: z.int().min(0).default(0).describe('Seconds that "no such name" may be kept; 0: not at all.'),
      })
      .prefault({})
      .describe("Figures of the SOA record. Consul's."),
  })
  .prefault({})
  .describe('Name service.');
