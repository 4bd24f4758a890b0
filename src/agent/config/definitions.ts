/** Services and checks as written in a configuration file: Consul's service definition, in its own words. */
import { z } from 'zod';
import { bytes, duration } from './fields.ts';

/** A check of a service or of the node. Which kinds are known is decided where checks are run. */
export const checkSchema = z
  .strictObject({
    id: z.string().min(1).optional().describe('Default: `service:` and the id of the service, or the name.'),
    name: z.string().min(1).optional().describe('Shown to people. Default: made from the service.'),
    notes: z.string().default('').describe('Free text.'),
    http: z
      .string()
      .optional()
      .describe('URL to be fetched; 2xx passes, 429 warns, anything else is critical.'),
    method: z.string().default('GET').describe('HTTP method of `http`.'),
    header: z.record(z.string(), z.array(z.string())).default({}).describe('Headers sent with `http`.'),
    body: z.string().default('').describe('Body sent with `http`.'),
    tlsSkipVerify: z.boolean().default(false).describe('Accept any certificate.'),
    disableRedirects: z.boolean().default(false).describe('A redirect is the answer, not the way to it.'),
    tcp: z.string().optional().describe('`host:port` that must accept a connection.'),
    ttl: duration({ least: 1 })
      .optional()
      .describe('The program itself reports its state, at least this often.'),
    interval: duration({ least: 1 })
      .optional()
      .describe('Time between two looks. Needed for `http` and `tcp`.'),
    timeout: duration({ least: 1 }).optional().describe("How long a look may take. Default: 10s, Consul's."),
    status: z
      .enum(['passing', 'warning', 'critical'])
      .default('critical')
      .describe('State until the first look. Critical, so that nothing gets traffic unseen.'),
    successBeforePassing: z
      .int()
      .min(0)
      .default(0)
      .describe('Good looks in a row before the state becomes passing.'),
    failuresBeforeCritical: z
      .int()
      .min(0)
      .default(0)
      .describe('Bad looks in a row before the state becomes critical.'),
    deregisterCriticalServiceAfter: duration({ least: 1 })
      .optional()
      .describe('Take the service out of the catalog after it has been critical for so long.'),
    outputMaxSize: bytes({ least: 1, most: 1024 * 1024 })
      .prefault(4096)
      .describe('Most of the answer that is kept.'),
  })
  .refine((check) => [check.http, check.tcp, check.ttl].filter((kind) => kind !== undefined).length === 1, {
    error: 'a check needs exactly one of http, tcp and ttl',
  })
  .refine((check) => check.ttl !== undefined || check.interval !== undefined, {
    error: 'an http or tcp check needs an interval, such as interval = "10s"',
  });

export const serviceSchema = z.strictObject({
  name: z.string().min(1).describe('What others ask for.'),
  id: z.string().min(1).optional().describe('Unique on this node. Default: the name.'),
  address: z.string().default('').describe("Where the instance listens. Empty: the node's address."),
  port: z.int().min(0).max(65535).default(0).describe('Port on which the instance listens; 0: none.'),
  tags: z
    .array(z.string())
    .default([])
    .describe('Labels to select by; `urlprefix-[host]/path` makes a route.'),
  meta: z.record(z.string(), z.string()).default({}).describe('Free key/value pairs.'),
  weights: z
    .strictObject({
      passing: z.int().min(1).max(65535).default(1).describe('Share of traffic while passing.'),
      warning: z.int().min(1).max(65535).default(1).describe('Share of traffic while warning.'),
    })
    .prefault({})
    .describe('Weights in DNS SRV answers and of the balancer.'),
  enableTagOverride: z.boolean().default(false).describe('Others may change the tags in the catalog.'),
  check: checkSchema.optional().describe('The check, when there is one.'),
  checks: z.array(checkSchema).default([]).describe('The checks, when there are several.'),
});
