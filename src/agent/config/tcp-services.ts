/** `[[balancer.service]]`: services of the catalog that are balanced as TCP or UDP. */
import { z } from 'zod';
import { STRATEGY_NAMES } from '../../balance/strategies.ts';
import { formatDuration } from '../../lib/duration.ts';
import { parseAccessRule } from '../../proxy/access.ts';
import { DEFAULT_TCP_LIMITS } from '../../proxy/tcp/limits.ts';
import { DEFAULT_UDP_LIMITS } from '../../proxy/udp/limits.ts';
import { duration, hostPort } from './fields.ts';

export const balancedServiceSchema = z
  .strictObject({
    name: z.string().min(1).describe('The service, as it is registered.'),
    address: hostPort().describe('Where connections come in; port 0 takes a free one.'),
    protocol: z.enum(['tcp', 'udp']).default('tcp').describe('Connections as they are, or datagrams.'),
    tag: z.string().default('').describe('Only instances with this tag.'),
    strategy: z
      .enum(STRATEGY_NAMES)
      .default('rr')
      .describe('How an instance is chosen; weights are the registered ones.'),
    access: z
      .array(
        z.string().refine((text) => parseAccessRule(text) !== undefined, {
          error: 'expected "allow" or "deny" and an address or a network, such as "deny 10.0.0.0/8"',
        }),
      )
      .default([])
      .describe('Who may connect: "allow 10.0.0.0/8", "deny 10.0.0.1"; the first that fits decides.'),
    accessDefault: z.enum(['allow', 'deny']).default('allow').describe('Whether others may connect.'),
    acceptProxy: z
      .boolean()
      .default(false)
      .describe('`tcp`: connections begin with a PROXY header, version 1 or 2, that is believed.'),
    sendProxy: z
      .union([z.literal(0), z.literal(1), z.literal(2)])
      .default(0)
      .describe('`tcp`: instances get a PROXY header of this version; 0: none.'),
    maxConnections: z.int().min(0).default(0).describe('Clients at a time; 0: as many as the workers take.'),
    connectTimeout: duration({ least: 1 })
      .prefault(formatDuration(DEFAULT_TCP_LIMITS.connectTimeout))
      .describe('`tcp`: until a connection to an instance stands; then the next one is tried.'),
    idleTimeout: duration({ least: 1 })
      .optional()
      .describe(
        `Silence that ends a connection or a session. Default: ${formatDuration(DEFAULT_TCP_LIMITS.clientIdleTimeout)} for \`tcp\`, ${formatDuration(DEFAULT_UDP_LIMITS.clientIdleTimeout)} for \`udp\`.`,
      ),
    maxResponses: z.int().min(0).default(0).describe('`udp`: answers that end a session; 0: any number.'),
  })
  .describe(
    'A service of the catalog that is balanced as TCP or UDP. Its instances need a passing check, as for HTTP.',
  );

export type BalancedServiceConfig = z.output<typeof balancedServiceSchema>;
