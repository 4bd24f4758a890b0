/** The flags of `muster lb` that are about TCP and UDP alone. */
import type { L4Plan } from '../../agent/l4/plan.ts';
import { MusterError } from '../../errors.ts';
import { formatDuration } from '../../lib/duration.ts';
import { type AccessRule, parseAccessRule } from '../../proxy/access.ts';
import { DEFAULT_LIMITS } from '../../proxy/limits.ts';
import { DEFAULT_TCP_LIMITS, type TcpLimits } from '../../proxy/tcp/limits.ts';
import { DEFAULT_UDP_LIMITS } from '../../proxy/udp/limits.ts';
import { checkPoolOptions, type PoolOptions, readPoolOptions } from '../../route/pool-options.ts';
import type { FlagValues } from '../flags.ts';

export const PROTOCOLS = ['http', 'tcp', 'udp'] as const;

export const l4Flags = {
  protocol: {
    kind: 'string',
    choices: PROTOCOLS,
    summary: 'What is balanced: requests, connections as they are, datagrams.',
    default: 'http',
  },
  access: {
    kind: 'list',
    value: 'RULE',
    summary:
      'With tcp and udp: who may connect, "allow 10.0.0.0/8" or "deny 10.0.0.1"; the first that fits decides.',
  },
  'access-default': {
    kind: 'string',
    choices: ['allow', 'deny'],
    summary: 'With tcp and udp: whether others may connect.',
    default: 'allow',
  },
  'accept-proxy': {
    kind: 'boolean',
    summary: 'With tcp: connections begin with a PROXY header, version 1 or 2, that is believed.',
  },
  'send-proxy': {
    kind: 'string',
    choices: ['1', '2'],
    summary: 'With tcp: upstreams get a PROXY header of this version.',
  },
  'timeout-half-closed': {
    kind: 'duration',
    summary: 'With tcp: silence once one side has ended.',
    default: formatDuration(DEFAULT_TCP_LIMITS.halfClosedTimeout),
  },
  'timeout-session': {
    kind: 'duration',
    summary: 'With udp: silence of a client that ends its session.',
    default: formatDuration(DEFAULT_UDP_LIMITS.clientIdleTimeout),
  },
  'max-requests': {
    kind: 'integer',
    summary: 'With udp: datagrams of a client until it is balanced anew; 1: send and forget.',
  },
  'max-responses': { kind: 'integer', summary: 'With udp: answers that end a session.' },
} as const;

/** Flags of HTTP that say something for connections too. */
const shared = {
  'timeout-connect': { kind: 'duration' },
  'timeout-wait': { kind: 'duration' },
  'timeout-head': { kind: 'duration' },
  'timeout-tunnel': { kind: 'duration' },
  'max-connections': { kind: 'integer' },
} as const;

type Given = FlagValues<typeof l4Flags> & { [Name in keyof typeof shared]?: number };

/** Throws `usage`. */
export function l4Listener(protocol: 'tcp' | 'udp', given: Given): L4Plan['listener'] {
  const rules = (given.access ?? []).map(accessRule);
  const allowOthers = given['access-default'] !== 'deny';
  const access = rules.length === 0 && allowOthers ? undefined : { rules, allowOthers };
  return protocol === 'udp'
    ? { protocol, access, limits: udpLimits(given) }
    : { ...tcpOptions(given), access };
}

/** What was given of `-options`. Throws `usage`. */
export function l4Options(given: readonly string[] = []): PoolOptions {
  const options = given.join(' ');
  const [wrong] = checkPoolOptions(options);
  if (wrong !== undefined) throw new MusterError('usage', `-options: ${wrong}`);
  return readPoolOptions(options);
}

function tcpOptions(given: Given): L4Plan['listener'] & { protocol: 'tcp' } {
  const idle = given['timeout-tunnel'] ?? DEFAULT_LIMITS.tunnelTimeout;
  const limits: TcpLimits = {
    ...DEFAULT_TCP_LIMITS,
    ...(given['timeout-connect'] === undefined ? {} : { connectTimeout: given['timeout-connect'] }),
    ...(given['timeout-wait'] === undefined ? {} : { waitTimeout: given['timeout-wait'] }),
    ...(given['timeout-head'] === undefined ? {} : { headTimeout: given['timeout-head'] }),
    ...(given['timeout-half-closed'] === undefined
      ? {}
      : { halfClosedTimeout: given['timeout-half-closed'] }),
    clientIdleTimeout: idle,
    upstreamIdleTimeout: idle,
  };
  return {
    protocol: 'tcp',
    limits,
    acceptProxy: given['accept-proxy'] ?? false,
    sendProxy: given['send-proxy'] === '1' ? 1 : given['send-proxy'] === '2' ? 2 : 0,
  };
}

function udpLimits(given: Given) {
  return {
    ...DEFAULT_UDP_LIMITS,
    ...(given['timeout-session'] === undefined ? {} : { clientIdleTimeout: given['timeout-session'] }),
    ...(given['max-requests'] === undefined ? {} : { maxRequests: given['max-requests'] }),
    ...(given['max-responses'] === undefined ? {} : { maxResponses: given['max-responses'] }),
    ...(given['max-connections'] === undefined ? {} : { maxSessions: given['max-connections'] }),
  };
}

function accessRule(text: string): AccessRule {
  const rule = parseAccessRule(text);
  if (rule !== undefined) return rule;
  throw new MusterError(
    'usage',
    `-access: expected "allow" or "deny" and an address or a network, got "${text}"`,
  );
}
