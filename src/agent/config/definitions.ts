/** Services and checks as written in a configuration file: Consul's service definition, in its own words. */
import * as z from 'zod';
import { bytes, duration } from './fields.ts';

/** A check of a service or of the node. Which kinds are known is decided where checks are run. */
const checkFields = {
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
  tlsServerName: z
    .string()
    .default('')
    .describe('Name that the certificate has to bear, when it is not the host.'),
  disableRedirects: z.boolean().default(false).describe('A redirect is the answer, not the way to it.'),
  tcp: z.string().optional().describe('`host:port` that must accept a connection.'),
  udp: z.string().optional().describe('`host:port` that must not refuse a datagram.'),
  grpc: z
    .string()
    .optional()
    .describe("`host:port` or `host:port/service` that speaks gRPC's health protocol."),
  grpcUseTls: z.boolean().default(false).describe('With TLS.'),
  h2ping: z.string().optional().describe('`host:port` that must answer a ping of HTTP/2.'),
  h2pingUseTls: z.boolean().default(true).describe('With TLS, as in Consul.'),
  args: z
    .array(z.string())
    .min(1)
    .optional()
    .describe(
      'A program with its arguments: exit code 0 passes, 1 warns, anything else is critical. Needs `health.enable_script_checks` or `enable_local_script_checks`.',
    ),
  shell: z.string().default('').describe('Shell that reads a single argument of `args` as a command line.'),
  dockerContainerId: z.string().default('').describe('Container in which `args` is run.'),
  aliasService: z.string().optional().describe('Service whose state this one has.'),
  aliasNode: z
    .string()
    .optional()
    .describe('Node whose state this one has; with `alias_service` the node of that service.'),
  ttl: duration({ least: 1 })
    .optional()
    .describe('The program itself reports its state, at least this often.'),
  interval: duration({ least: 1 })
    .optional()
    .describe('Time between two looks. Needed for all but `ttl` and aliases.'),
  timeout: duration({ least: 1 })
    .optional()
    .describe(
      "How long a look may take. Default: 10s, Consul's, and 30s for `args`; for `udp`, where it is how long a refusal is waited for, 1s.",
    ),
  status: z
    .enum(['passing', 'warning', 'critical'])
    .default('critical')
    .describe('State until the first look. Critical, so that nothing gets traffic unseen.'),
  failuresBeforeWarning: z
    .int()
    .min(0)
    .default(0)
    .describe('Bad looks in a row before the state becomes warning.'),
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
    .optional()
    .describe('Most of the answer that is kept. Default: `health.check_output_max_size`, and never more.'),
};

type CheckFields = z.output<z.ZodObject<typeof checkFields>>;

/** What decides the kind of a check; exactly one of them is given. */
const KINDS = ['http', 'tcp', 'udp', 'grpc', 'h2ping', 'args', 'ttl'] as const;

/** What is wrong with a check as a whole, or undefined. */
function faultOfCheck(check: CheckFields): string | undefined {
  const isAlias = check.aliasService !== undefined || check.aliasNode !== undefined;
  const kinds = KINDS.filter((kind) => check[kind] !== undefined);
  if (kinds.length + (isAlias ? 1 : 0) !== 1)
    return `a check needs exactly one of ${KINDS.join(', ')} and alias_service`;
  if (kinds.length === 1 && kinds[0] !== 'ttl' && check.interval === undefined)
    return `a check by ${kinds[0]} needs an interval, such as interval = "10s"`;
  if (check.failuresBeforeWarning > 0 && check.failuresBeforeWarning > check.failuresBeforeCritical)
    return 'failures_before_warning must not be above failures_before_critical';
  return undefined;
}

const whole = (check: CheckFields, context: z.core.$RefinementCtx): void => {
  const message = faultOfCheck(check);
  if (message !== undefined) context.addIssue({ code: 'custom', message });
};

/** A check of a service. */
export const checkSchema = z.strictObject(checkFields).superRefine(whole);

/** A check on its own: of the node, or of a service that is named. */
export const nodeCheckSchema = z
  .strictObject({
    ...checkFields,
    serviceId: z
      .string()
      .default('')
      .describe('Service of this node to which the check belongs. Empty: the node itself.'),
  })
  .superRefine(whole);

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
      warning: z.int().min(0).max(65535).default(1).describe('Share of traffic while warning.'),
    })
    .prefault({})
    .describe('Weights in DNS SRV answers and of the balancer.'),
  kind: z
    .string()
    .default('')
    .describe('Empty for an ordinary service; other kinds are shown to clients and have no effect.'),
  socketPath: z.string().default('').describe('Unix socket on which the instance listens.'),
  taggedAddresses: z
    .record(z.string(), z.strictObject({ address: z.string(), port: z.int().min(0).max(65535).default(0) }))
    .default({})
    .describe('Further addresses, by the name under which clients know them (`lan`, `wan`).'),
  enableTagOverride: z.boolean().default(false).describe('Others may change the tags in the catalog.'),
  check: checkSchema.optional().describe('The check, when there is one.'),
  checks: z.array(checkSchema).default([]).describe('The checks, when there are several.'),
});
