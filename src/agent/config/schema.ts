/**
 * The whole configuration, once: from this schema come the checks, the defaults, the types and
 * docs/reference/config.md. In files the keys are written in snake_case (`data_dir`), here and behind the
 * schema in camelCase; `read.ts` renames along the schema, so that free keys (`env`, `meta`) stay as they are.
 * Every default carries its reason in its description.
 */
import { hostname } from 'node:os';
import { z } from 'zod';
import { STRATEGY_NAMES } from '../../balance/strategies.ts';
import { DEFAULT_DNS_OPTIONS } from '../../dns/options.ts';
import { RECURSOR_STRATEGIES } from '../../dns/recursors.ts';
import { formatDuration } from '../../lib/duration.ts';
import { LOG_LEVELS } from '../../lib/log.ts';
import { DEFAULT_FLOOD_POLICY } from '../../registry/flood.ts';
import { MATCHER_NAMES } from '../../route/paths.ts';
import { clusterSchema, storeSchema } from './cluster.ts';
import { nodeCheckSchema, serviceSchema } from './definitions.ts';
import { forwardFields } from './dns-forward.ts';
import { addresses, bytes, duration, hostPort, listenPort, recursor, secret } from './fields.ts';
import { groupSchema } from './group.ts';
import {
  accessLogSchema,
  authSchema,
  checkAuth,
  compressionSchema,
  headersSchema,
  noRouteSchema,
} from './http.ts';
import { kernelSchema } from './kernel.ts';
import { limitsSchema } from './limits.ts';
import { certificatesSchema, checkListeners, listenerSchema } from './listeners.ts';
import { policySchema } from './policies.ts';
import { registratorSchema } from './registrator.ts';
import { balancedServiceSchema } from './tcp-services.ts';
import { haproxySchema, templateSchema } from './template.ts';

const nodeSchema = z
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

const portsSchema = z
  .strictObject({
    http: listenPort().default(8500).describe("HTTP API and dashboard. Consul's port."),
    https: listenPort()
      .default(-1)
      .describe(
        'The same over TLS, with the certificate of `[api.tls]`; off unless given, as in Consul, whose port is 8501.',
      ),
    dns: listenPort().default(8600).describe("DNS, UDP and TCP. Consul's port."),
    server: listenPort()
      .default(8300)
      .describe("Links between nodes of a cluster, on `node.bind`. Consul's port."),
    serfLan: listenPort()
      .default(8301)
      .describe('Shown to clients as the port of the node; nothing listens on it yet.'),
    serfWan: listenPort().default(8302).describe('Shown to clients; nothing listens on it yet.'),
  })
  .prefault({})
  .describe('Ports on the addresses of `node.client` and `node.bind`.');

const dnsSchema = z
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

const apiTlsSchema = z
  .strictObject({
    cert: z
      .string()
      .min(1)
      .optional()
      .describe('File with the certificate (PEM), relative to this one, what issued it behind it.'),
    key: z.string().min(1).optional().describe('File with its key. Default: in the same file.'),
    address: addresses()
      .optional()
      .describe('Addresses on which it listens. Default: those of `api.address` without TLS.'),
    clientCa: z
      .string()
      .min(1)
      .optional()
      .describe('File with who may have issued the certificates of clients.'),
    verifyIncoming: z
      .boolean()
      .default(false)
      .describe('Clients have to show a certificate by one of `client_ca`.'),
  })
  .superRefine(({ clientCa, verifyIncoming }, context) => {
    if (verifyIncoming && clientCa === undefined)
      context.addIssue({
        code: 'custom',
        path: ['verifyIncoming'],
        message: 'needs client_ca: who may have issued the certificates of clients',
      });
  })
  .describe(
    'Certificate of the HTTP API over TLS (`ports.https`); the files are read again when they change.',
  );

const unixSocketSchema = z
  .strictObject({
    mode: z
      .string()
      .regex(/^0?[0-7]{3}$/, 'expected three octal digits such as "0660"')
      .optional()
      .describe('Who may connect, as the mode of a file: those who may write it.'),
    user: z
      .string()
      .min(1)
      .optional()
      .describe('Whose it is, by name or number. Default: whose the agent is.'),
    group: z.string().min(1).optional().describe('Group that it belongs to, by name or number.'),
  })
  .prefault({})
  .describe('Sockets among `api.address`.');

const apiSchema = z
  .strictObject({
    address: addresses()
      .optional()
      .describe(
        'Addresses on which the HTTP API and the dashboard listen, "unix:///path" for a socket. Default: `node.client`.',
      ),
    unixSocket: unixSocketSchema,
    tls: apiTlsSchema.optional(),
    ui: z.boolean().default(true).describe('Serve the dashboard under /ui.'),
    responseHeaders: z.record(z.string(), z.string()).default({}).describe('Headers added to every answer.'),
    blockEndpoints: z
      .array(z.string())
      .default([])
      .describe('Paths (and all below them) that are answered with 403, such as "/v1/agent/maintenance".'),
    kvMaxValueSize: bytes({ least: 1, most: 64 * 1024 * 1024 })
      .prefault('512KB')
      .describe("Largest value of a key. Consul's limit: a registry is no file server."),
    txnMaxReqLen: bytes({ least: 1, most: 64 * 1024 * 1024 })
      .prefault('512KB')
      .describe('Largest body of a transaction; at least as much as the largest value. For the same reason.'),
    historySize: bytes({ most: 1024 ** 3 })
      .prefault('16MB')
      .describe(
        'Memory for what changed about nodes, services and checks (`muster history`); the oldest is forgotten first, and all of it at a restart. Bounded, so that a busy registry does not grow for ever.',
      ),
    useCache: z
      .boolean()
      .default(true)
      .describe('Honour `?cached`. Costs nothing: every answer comes from memory and is never old.'),
    sessionTtlMin: duration({ least: 1 })
      .prefault('10s')
      .describe(
        "Shortest TTL that a session may have. Consul's: shorter ones end by a hiccup of the network.",
      ),
  })
  .prefault({})
  .describe('HTTP API.');

const healthSchema = z
  .strictObject({
    enableScriptChecks: z
      .boolean()
      .default(false)
      .describe(
        'Let clients of the API and files register checks that run programs. Off: who can reach the API could run anything as the user of this agent.',
      ),
    checkUpdateInterval: duration()
      .prefault('5m')
      .describe(
        "How often a change of a check's output alone is written to the catalog. Consul's: outputs with times in them would keep everybody awake.",
      ),
    checkOutputMaxSize: bytes({ least: 1, most: 1024 * 1024 })
      .prefault(4096)
      .describe("Most of a check's output that is kept. Consul's."),
    enableLocalScriptChecks: z
      .boolean()
      .default(false)
      .describe('Let files alone register such checks. Off, so that no program runs unasked.'),
    floodShare: z
      .number()
      .gt(0)
      .max(1)
      .default(DEFAULT_FLOOD_POLICY.share)
      .describe(
        "Part of this node's instances whose checks may become critical within `flood_interval`; the others keep their state until there is room. A broken switch makes everything look dead at once and must not empty the catalog. 1: no limit.",
      ),
    floodFloor: z
      .int()
      .min(1)
      .default(DEFAULT_FLOOD_POLICY.floor)
      .describe(
        'So many instances may become critical within `flood_interval`, however few there are. A host that dies with all that runs on it is believed at once.',
      ),
    floodInterval: duration({ least: 1000 })
      .prefault(formatDuration(DEFAULT_FLOOD_POLICY.interval))
      .describe(
        'For `flood_share` and `flood_floor`. Long enough for somebody to look, or for a switch to come back.',
      ),
  })
  .prefault({})
  .describe('How checks are carried out.');

const telemetrySchema = z
  .strictObject({
    prometheusRetentionTime: duration()
      .prefault('0s')
      .describe(
        'Above 0: `/v1/agent/metrics` answers in the format of Prometheus too. Off, as in Consul; figures are those of the moment whatever it says.',
      ),
    otlpEndpoint: z
      .url({ protocol: /^https?$/ })
      .optional()
      .describe(
        'OpenTelemetry collector that the figures are sent to, over HTTP as JSON: `http://127.0.0.1:4318`. Left out, `OTEL_EXPORTER_OTLP_ENDPOINT` counts; without either nothing is sent.',
      ),
    otlpHeaders: z
      .record(z.string(), z.string())
      .default({})
      .describe('Header fields of these requests, such as the key that the collector asks for.'),
    otlpInterval: duration({ least: 1000 }).prefault('10s').describe('How often they are sent.'),
  })
  .prefault({})
  .describe('Figures of the agent itself.');

const aclSchema = z
  .strictObject({
    enabled: z
      .boolean()
      .default(false)
      .describe(
        'Ask for tokens on every read and write. Off, as in Consul, so that trying things out needs none.',
      ),
    defaultPolicy: z
      .enum(['allow', 'deny'])
      .default('allow')
      .describe(
        'What holds where no rule of a token says anything. The default is that of Consul; set "deny" once every client has a token.',
      ),
    enableKeyListPolicy: z
      .boolean()
      .default(false)
      .describe('Let listing keys take the right "list", not only "read". Off, as in Consul.'),
    enableTokenPersistence: z
      .boolean()
      .default(false)
      .describe(
        'Keep tokens that are set over the API (`/v1/agent/token`) in the data directory. Off, so that secrets lie nowhere unasked.',
      ),
    tokens: z
      .strictObject({
        initialManagement: secret().describe(
          'Secret of a token that may do everything; it is made when access control begins. Left out, `PUT /v1/acl/bootstrap` makes one.',
        ),
        default: secret().describe(
          'Counts for requests and DNS questions that bring none, instead of the anonymous one.',
        ),
        agent: secret().describe(
          'Taken for compatibility: what this agent registers itself needs no token here.',
        ),
        agentRecovery: secret().describe(
          'Good for everything about this agent, also when no other token works.',
        ),
        replication: secret().describe('Taken for compatibility: there is nothing to replicate from.'),
      })
      .prefault({})
      .describe('Tokens of the agent itself. Files with them should be readable for its user only.'),
  })
  .prefault({})
  .describe('Access control, as Consul has it: tokens, policies, roles.');

/** Where the balancer is unless it is told otherwise: several agents on a machine need not be configured for it. */
export const DEFAULT_BALANCER = { listen: ['127.0.0.1:9999'], admin: '127.0.0.1:9998' } as const;

const balancerSchema = z
  .strictObject({
    enabled: z.boolean().default(true).describe('Balance traffic on this node.'),
    listen: z
      .array(hostPort())
      .optional()
      .describe(
        `Where requests come in; port 0 takes a free one. Default: "${DEFAULT_BALANCER.listen[0]}", fabio's port on loopback; when it is taken, and only then, the agent goes on without the balancer. None by default when there is a \`[[balancer.listener]]\`.`,
      ),
    listener: z.array(listenerSchema).default([]),
    kernel: z.array(kernelSchema).default([]),
    certificates: z.array(certificatesSchema).default([]),
    service: z.array(balancedServiceSchema).default([]),
    admin: hostPort()
      .optional()
      .describe(
        `Routes and counters of the balancer (\`/api/routes\`). Default: "${DEFAULT_BALANCER.admin}", fabio's port on loopback, given up when it is taken.`,
      ),
    strategy: z
      .enum(STRATEGY_NAMES)
      .default('rr')
      .describe(
        'How the next instance is chosen: in turn, at random, or the one with the fewest requests in flight.',
      ),
    matcher: z
      .enum(MATCHER_NAMES)
      .default('prefix')
      .describe(
        'How the path of a route is compared: as the beginning, as the beginning whatever the case (`iprefix`), or as a pattern (`glob`). A change takes a restart.',
      ),
    tagPrefix: z
      .string()
      .min(1)
      .default('urlprefix-')
      .describe("Tags that begin with this are routes. fabio's prefix."),
    workers: z
      .int()
      .min(1)
      .max(256)
      .optional()
      .describe(
        'Threads that carry traffic. Default: one for each core that the process may use, where io_uring works. Elsewhere there is one, whatever is said here: Node 20 cannot share a port between threads.',
      ),
    policy: z.array(policySchema).default([]),
    zone: z
      .string()
      .default('')
      .describe(
        'Where this balancer stands. Instances whose metadata (`zone`), or whose node’s, name another zone get traffic when those here are too few or too busy. Default: `zone` of `node.meta`.',
      ),
    stickyKey: secret().describe(
      'What cookies of `sticky=` routes are made with; the same on balancers that stand in for each other. Left out, it comes from `cluster.encrypt`, or else from the identity of this node.',
    ),
    auth: z.array(authSchema).default([]),
    headers: headersSchema,
    compression: compressionSchema.optional(),
    accessLog: accessLogSchema.optional(),
    noRoute: noRouteSchema,
    limits: limitsSchema,
    drainTimeout: duration({ least: 0 })
      .prefault('30s')
      .describe('How long requests in flight may take to end when Muster stops; then they are cut.'),
  })
  .superRefine((balancer, context) => {
    const complain = (path: readonly (string | number)[], message: string) =>
      context.addIssue({ code: 'custom', path: [...path], message });
    checkListeners(balancer, complain);
    checkAuth(balancer, complain);
  })
  .prefault({})
  .describe('Load balancer.');

const logSchema = z
  .strictObject({
    level: z.enum(LOG_LEVELS).default('info').describe('Least important lines that are written.'),
    format: z
      .enum(['pretty', 'json'])
      .default('pretty')
      .describe('`pretty` for people, `json` for programs: one object per line.'),
  })
  .prefault({})
  .describe('Log lines, on standard error.');

export const configSchema = z
  .strictObject({
    node: nodeSchema,
    ports: portsSchema,
    dns: dnsSchema,
    api: apiSchema,
    acl: aclSchema,
    health: healthSchema,
    cluster: clusterSchema,
    store: storeSchema,
    balancer: balancerSchema,
    registrator: registratorSchema,
    telemetry: telemetrySchema,
    log: logSchema,
    service: z.array(serviceSchema).default([]).describe('Services that this node registers at start.'),
    check: z
      .array(nodeCheckSchema)
      .default([])
      .describe('Checks of this node itself, and further ones of its services.'),
    group: z.array(groupSchema).default([]).describe('Groups of like processes that this node runs.'),
    template: z.array(templateSchema).default([]).describe('Files that this node renders from the catalog.'),
    haproxy: z
      .array(haproxySchema)
      .default([])
      .describe('Backends of a HAProxy on this machine whose servers are instances of a service.'),
  })
  .superRefine(({ ports, api }, context) => {
    if (ports.https >= 0 && api.tls?.cert === undefined)
      context.addIssue({
        code: 'custom',
        path: ['ports', 'https'],
        message: 'needs a certificate: [api.tls] cert and key',
      });
  });

/** A checked configuration: durations in ms, sizes in bytes, every default filled in. */
export type Config = z.output<typeof configSchema>;
/** What a file may say, in camelCase. */
export type ConfigInput = z.input<typeof configSchema>;
