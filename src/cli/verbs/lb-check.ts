/** The flags of `muster lb` that have upstreams checked. */
import { MusterError } from '../../errors.ts';
import { formatDuration } from '../../lib/duration.ts';
import type { FlagValues } from '../flags.ts';

/** HAProxy's, as most who check upstreams know them. */
const INTERVAL = 2_000;
const FALL = 3;
const RISE = 2;

export const checkFlags = {
  'check-http': {
    kind: 'string',
    value: 'PATH',
    summary:
      'Ask each upstream for this path again and again, and send traffic only to those that answer 2xx; over TLS where -options say proto=https.',
  },
  'check-tcp': { kind: 'boolean', summary: 'The same by connecting to each upstream.' },
  'check-grpc': {
    kind: 'string',
    value: 'SERVICE',
    summary: 'The same by gRPC\'s health protocol; "" asks about the server as a whole.',
  },
  'check-port': { kind: 'integer', summary: "Where checks ask. Default: the upstream's own port." },
  'check-host': { kind: 'string', value: 'NAME', summary: 'With -check-http: the host that is asked for.' },
  'check-interval': {
    kind: 'duration',
    summary: 'Pause between two checks of an upstream.',
    default: formatDuration(INTERVAL),
  },
  'check-timeout': { kind: 'duration', summary: 'Until an answer is there. Default: the interval.' },
  'check-fall': {
    kind: 'integer',
    summary: 'Checks in a row that fail until an upstream gets no traffic; the very first counts at once.',
    default: `${FALL}`,
  },
  'check-rise': {
    kind: 'integer',
    summary: 'Checks in a row that pass until it gets traffic again.',
    default: `${RISE}`,
  },
} as const;

type Given = FlagValues<typeof checkFlags>;

const KINDS = { 'check-http': 'http', 'check-tcp': 'tcp', 'check-grpc': 'grpc' } as const;
type KindFlag = keyof typeof KINDS;

export interface LbCheck {
  readonly kind: (typeof KINDS)[KindFlag];
  /** The path, or the service of gRPC. */
  readonly what: string;
  /** Undefined: as the upstream. */
  readonly port: number | undefined;
  readonly host: string | undefined;
  /** Milliseconds. */
  readonly interval: number;
  readonly timeout: number;
  /** In a row. */
  readonly fails: number;
  readonly passes: number;
}

/** Undefined: nothing is checked. Throws `usage`. */
export function checkOf(given: Given): LbCheck | undefined {
  const kinds = (Object.keys(KINDS) as KindFlag[]).filter(
    (name) => given[name] !== undefined && given[name] !== false,
  );
  const [flag, second] = kinds;
  if (flag === undefined) {
    const idle = Object.keys(checkFlags).find(
      (name) => !(name in KINDS) && given[name as keyof Given] !== undefined,
    );
    if (idle === undefined) return undefined;
    throw new MusterError(
      'usage',
      `-${idle} has no effect without one of -${Object.keys(KINDS).join(', -')}`,
    );
  }
  if (second !== undefined)
    throw new MusterError('usage', `-${flag} and -${second}: one kind of check at a time`);
  const { 'check-http': path, 'check-grpc': service, 'check-port': port, 'check-host': host } = given;
  if (path?.startsWith('/') === false)
    throw new MusterError('usage', `-check-http: expected a path such as /health, got "${path}"`);
  if (host !== undefined && flag !== 'check-http')
    throw new MusterError('usage', '-check-host is for -check-http');
  if (port !== undefined && !(port >= 1 && port <= 65_535))
    throw new MusterError('usage', `-check-port: expected a port from 1 to 65535, got ${port}`);
  for (const name of ['check-interval', 'check-timeout', 'check-fall', 'check-rise'] as const)
    if ((given[name] ?? 1) < 1) throw new MusterError('usage', `-${name} has to be above 0`);
  const { 'check-interval': interval = INTERVAL } = given;
  return {
    kind: KINDS[flag],
    what: path ?? service ?? '',
    port,
    host,
    interval,
    timeout: given['check-timeout'] ?? interval,
    fails: given['check-fall'] ?? FALL,
    passes: given['check-rise'] ?? RISE,
  };
}
