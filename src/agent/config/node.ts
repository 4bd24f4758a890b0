import { hostname } from 'node:os';
import * as z from 'zod';
import { isAny } from '../../lib/ip.ts';
import { addresses } from './fields.ts';

export const nodeSchema = z
  .strictObject({
    name: z
      .string()
      .min(1)
      .default(() => hostname())
      .describe("Name of this node in the catalog and in DNS. Default: the machine's host name."),
    id: z
      .string()
      .regex(/^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/i, { error: 'expected a UUID' })
      .optional()
      .describe(
        'Identity of this node. Left out, one is made at the first start and kept in the data directory.',
      ),
    datacenter: z
      .string()
      .regex(/^[a-z0-9_-]+$/i, { error: 'expected letters, digits, "-" and "_"' })
      .default('dc1')
      .describe("Name of the datacenter. The default is Consul's."),
    dataDir: z
      .string()
      .min(1)
      .optional()
      .describe('Where the catalog is kept, relative to this file. Needed unless `dev` is set.'),
    dev: z
      .boolean()
      .default(false)
      .describe(
        'Keep everything in memory and lose it at the end; JSON answers are indented. For trying things out.',
      ),
    bind: z
      .string()
      .refine((text) => !/\s|^unix:/.test(text), {
        error: (issue) =>
          `expected one address, got "${String(issue.input)}"; \`client\` takes several, and sockets`,
      })
      .default('127.0.0.1')
      .describe(
        'Address for traffic between nodes. Loopback, so that nothing is reachable from outside unasked.',
      ),
    client: addresses()
      .prefault('127.0.0.1')
      .describe(
        'Addresses on which the HTTP API, the dashboard and DNS listen. Loopback, for the same reason.',
      ),
    advertise: z
      .string()
      .refine((text) => !isAny(text), {
        error: (issue) => `expected an address that others can reach, got "${String(issue.input)}"`,
      })
      .optional()
      .describe(
        "Address that others are told for this node. Default: `bind`, or the machine's own when that is 0.0.0.0.",
      ),
    meta: z
      .record(z.string(), z.string())
      .default({})
      .describe('Free key/value pairs of this node in the catalog.'),
    pidFile: z.string().min(1).optional().describe('Where the process id is written while the agent runs.'),
  })
  .prefault({})
  .describe('This node.');
