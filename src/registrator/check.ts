import * as z from 'zod';
import type { CheckDefinition, CheckState } from '../client/types.ts';
import { parseDuration } from '../lib/duration.ts';
import { formatHostPort } from '../lib/host-port.ts';
import { type Settings, textOf } from './metadata.ts';

/** Where the service is, and in which container. */
export interface CheckPlace {
  readonly address: string;
  readonly port: number;
  readonly containerId: string;
  /** Inside the container. */
  readonly innerPort: string;
}

/** Told of what cannot be used: the key of the setting, and why. */
export type Report = (key: string, message: string) => void;

type Recipe = (value: string, place: CheckPlace, settings: Settings, report: Report) => CheckDefinition;

const DEFAULT_INTERVAL = '10s';
/** As registrator's documentation has it; Docker's own tools show as much of an ID. */
const SHORT_ID = 12;

const url =
  (scheme: string): Recipe =>
  (path, { address, port }, settings, report) => {
    if (!path.startsWith('/'))
      report(`check_${scheme}`, `a path that begins with "/" was expected; "/${path}" is asked for`);
    const method = textOf(settings, `check_${scheme}_method`);
    const body = textOf(settings, 'check_body');
    const header = headerOf(settings, report);
    return {
      HTTP: `${scheme}://${formatHostPort(address, port)}${path.startsWith('/') ? '' : '/'}${path}`,
      ...(method === '' ? {} : { Method: method }),
      ...(header === undefined ? {} : { Header: header }),
      ...(body === '' ? {} : { Body: body }),
      ...(scheme === 'https' ? tlsOf(settings) : {}),
    };
  };

/** The kinds of checks by their setting, in the order in which registrator looks for them: the first one counts. */
const RECIPES: readonly (readonly [key: string, recipe: Recipe])[] = [
  ['check_http', url('http')],
  ['check_https', url('https')],
  [
    'check_cmd',
    (command, { containerId, innerPort }) => ({
      Args: ['check-cmd', containerId.slice(0, SHORT_ID), innerPort, command],
    }),
  ],
  [
    'check_script',
    (script, { address, port }) => ({
      // Registrator sends one argument, which Consul takes for the name of a program: a shell does what was meant.
      Args: [
        '/bin/sh',
        '-c',
        script.replaceAll('$SERVICE_IP', address).replaceAll('$SERVICE_PORT', `${port}`),
      ],
    }),
  ],
  [
    'check_docker',
    (command, { containerId }) => ({ DockerContainerID: containerId, Shell: '/bin/sh', Args: [command] }),
  ],
  [
    'check_ttl',
    (ttl, _place, _settings, report) => {
      if (isDuration(ttl)) return { TTL: ttl };
      report('check_ttl', 'a duration such as "30s" was expected; the service has no check');
      return {};
    },
  ],
  ['check_tcp', (_value, { address, port }) => ({ TCP: formatHostPort(address, port) })],
  ['check_udp', (_value, { address, port }) => ({ UDP: formatHostPort(address, port) })],
  [
    'check_grpc',
    (_value, { address, port }, settings) => ({
      GRPC: formatHostPort(address, port),
      ...(isSet(settings, 'check_grpc_use_tls') ? { GRPCUseTLS: true, ...tlsOf(settings) } : {}),
    }),
  ],
];

/**
 * The check that `SERVICE_CHECK_…` describe, as the registry takes it; undefined when they describe none. What cannot be used
 * is reported and left out, so that one bad value does not cost the service.
 */
export function checkOf(settings: Settings, place: CheckPlace, report: Report): CheckDefinition | undefined {
  const [key, recipe] = RECIPES.find(([name]) => textOf(settings, name) !== '') ?? [];
  if (key === undefined || recipe === undefined) return undefined;
  const check: CheckDefinition = recipe(textOf(settings, key), place, settings, report);
  if (Object.keys(check).length === 0) return undefined;
  const duration = (name: string, otherwise: string) => {
    const text = textOf(settings, name);
    if (text === '') return otherwise;
    if (isDuration(text)) return text;
    report(name, `a duration such as "10s" was expected${otherwise === '' ? '' : `; ${otherwise} is used`}`);
    return otherwise;
  };
  const isProbe = check.TTL === undefined;
  const timeout = isProbe ? duration('check_timeout', '') : '';
  const deregister = duration('check_deregister_after', '');
  const status = statusOf(settings, report);
  const count = (name: string) => (isProbe ? countOf(settings, name, report) : undefined);
  const successes = count('check_success_before_passing');
  const failures = count('check_failures_before_critical');
  return {
    ...check,
    ...(isProbe ? { Interval: duration('check_interval', DEFAULT_INTERVAL) } : {}),
    ...(timeout === '' ? {} : { Timeout: timeout }),
    ...(status === undefined ? {} : { Status: status }),
    ...(successes === undefined ? {} : { SuccessBeforePassing: successes }),
    ...(failures === undefined ? {} : { FailuresBeforeCritical: failures }),
    ...(deregister === '' ? {} : { DeregisterCriticalServiceAfter: deregister }),
  };
}

function statusOf(settings: Settings, report: Report): CheckState | undefined {
  const status = textOf(settings, 'check_initial_status');
  if (status === '' || status === 'passing' || status === 'warning' || status === 'critical')
    return status === '' ? undefined : status;
  report('check_initial_status', '"passing", "warning" or "critical" was expected; it begins as critical');
  return undefined;
}

/** `{"Host": "web", "Accept": ["text/plain"]}`, as in Consul's own definitions of checks. */
const HEADER = z.record(z.string(), z.union([z.string().transform((one) => [one]), z.array(z.string())]));

function headerOf(settings: Settings, report: Report): Record<string, string[]> | undefined {
  const text = textOf(settings, 'check_header');
  if (text === '') return undefined;
  try {
    return HEADER.parse(JSON.parse(text));
  } catch {
    report('check_header', 'JSON such as {"Host": ["web"]} was expected; the check is made without');
    return undefined;
  }
}

function tlsOf(settings: Settings): CheckDefinition {
  const name = textOf(settings, 'check_tls_server_name');
  return {
    ...(name === '' ? {} : { TLSServerName: name }),
    ...(isSet(settings, 'check_tls_skip_verify') ? { TLSSkipVerify: true } : {}),
  };
}

function countOf(settings: Settings, key: string, report: Report): number | undefined {
  const text = textOf(settings, key);
  if (text === '') return undefined;
  if (/^\d{1,6}$/.test(text)) return Number(text);
  report(key, 'a number was expected; one is enough');
  return undefined;
}

const isSet = (settings: Settings, key: string): boolean => textOf(settings, key) !== '';

function isDuration(text: string): boolean {
  return (parseDuration(text) ?? 0) > 0;
}
