/** `[[balancer.service]]`: services of the catalog that are balanced as TCP or UDP. */
import * as z from 'zod';
import { STRATEGY_NAMES } from '../../balance/strategies.ts';
import { formatDuration } from '../../lib/duration.ts';
import { parseAccessRule } from '../../proxy/access.ts';
import { DEFAULT_TCP_LIMITS } from '../../proxy/tcp/limits.ts';
import { DEFAULT_UDP_LIMITS } from '../../proxy/udp/limits.ts';
import { checkPoolOptions } from '../../route/pool-options.ts';
import { duration, hostPort } from './fields.ts';
import type { CertificatesConfig } from './listeners.ts';

const file = (what: string) =>
  z.string().min(1).optional().describe(`File (PEM), relative to this one: ${what}`);

const upstreamTlsSchema = z
  .strictObject({
    verify: z
      .boolean()
      .default(true)
      .describe('Whether an instance has to show a certificate that is valid for its name.'),
    serverName: z
      .string()
      .min(1)
      .optional()
      .describe('The name it is asked for and has to be certified for. Default: its address.'),
    ca: file('who may have issued that certificate. Default: the authorities that Node comes with.'),
    cert: file('our own certificate, for instances that ask for one.'),
    key: file('its key. Default: in `cert`.'),
  })
  .describe('`tcp`: instances are spoken to over TLS. Left out: as the clients speak.');

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
    options: z
      .string()
      .superRefine((options, context) => {
        for (const message of checkPoolOptions(options)) context.addIssue({ code: 'custom', message });
      })
      .default('')
      .describe(
        'As behind a `urlprefix-` tag, as far as they are about connections: "slowstart=30s panic=50% rate=20/s maxconn=100".',
      ),
    access: z
      .array(
        z.string().refine((text) => parseAccessRule(text) !== undefined, {
          error: 'expected "allow" or "deny" and an address or a network, such as "deny 10.0.0.0/8"',
        }),
      )
      .default([])
      .describe('Who may connect: "allow 10.0.0.0/8", "deny 10.0.0.1"; the first that fits decides.'),
    accessDefault: z.enum(['allow', 'deny']).default('allow').describe('Whether others may connect.'),
    certificates: z
      .string()
      .min(1)
      .optional()
      .describe(
        '`tcp`: TLS ends here, with the `[[balancer.certificates]]` of this name; with a `client_ca` clients have to show one of theirs. Left out: connections are passed on as they are.',
      ),
    upstreamTls: upstreamTlsSchema.optional(),
    acceptProxy: z
      .boolean()
      .default(false)
      .describe(
        '`tcp`: connections begin with a PROXY header, version 1 or 2, that is believed; in front of the handshake where TLS ends here.',
      ),
    sendProxy: z
      .union([z.literal(0), z.literal(1), z.literal(2)])
      .default(0)
      .describe('`tcp`: instances get a PROXY header of this version; 0: none.'),
    maxConnections: z.int().min(0).default(0).describe('Clients at a time; 0: as many as the workers take.'),
    connectTimeout: duration({ least: 1 })
      .prefault(formatDuration(DEFAULT_TCP_LIMITS.connectTimeout))
      .describe('`tcp`: until a connection to an instance stands; then the next one is tried.'),
    waitTimeout: duration()
      .prefault(formatDuration(DEFAULT_TCP_LIMITS.waitTimeout))
      .describe(
        '`tcp`: how long a connection waits when all instances have as many as they may (`maxconn=`); 0: it is closed at once, as it is when its turn would come later.',
      ),
    idleTimeout: duration({ least: 1 })
      .optional()
      .describe(
        `Silence that ends a connection or a session. Default: ${formatDuration(DEFAULT_TCP_LIMITS.clientIdleTimeout)} for \`tcp\`, ${formatDuration(DEFAULT_UDP_LIMITS.clientIdleTimeout)} for \`udp\`.`,
      ),
    maxResponses: z.int().min(0).default(0).describe('`udp`: answers that end a session; 0: any number.'),
  })
  .superRefine(({ protocol, certificates, ...service }, context) => {
    const complain = (path: string, message: string) =>
      context.addIssue({ code: 'custom', path: [path], message });
    if (protocol === 'udp' && certificates !== undefined)
      complain('certificates', 'TLS is for protocol "tcp" only');
    if (protocol === 'udp' && service.upstreamTls !== undefined)
      complain('upstreamTls', 'TLS is for protocol "tcp" only');
  })
  .describe(
    'A service of the catalog that is balanced as TCP or UDP. Its instances need a passing check, as for HTTP.',
  );

export type BalancedServiceConfig = z.output<typeof balancedServiceSchema>;

/** What cannot be seen in one service alone: whether what it shows is there. */
export function checkServices(
  balancer: {
    readonly service: readonly BalancedServiceConfig[];
    readonly certificates: readonly CertificatesConfig[];
  },
  complain: (path: readonly (string | number)[], message: string) => void,
): void {
  for (const [i, { certificates: store }] of balancer.service.entries()) {
    if (store === undefined) continue;
    const sources = balancer.certificates.filter(({ name }) => name === store);
    const path = ['service', i, 'certificates'];
    if (sources.length === 0)
      complain(path, `there are no [[balancer.certificates]] with the name "${store}"`);
    else if (sources.some(({ kind }) => kind === 'acme'))
      complain(path, `"${store}" has certificates of kind "acme", which only listeners for HTTP can prove`);
  }
}
