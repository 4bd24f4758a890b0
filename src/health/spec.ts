/**
 * How a check is carried out, as registered. One flat record for all kinds, as on Consul's wire: which fields
 * are set decides the kind (see `kinds.ts`). Durations in ms; "" and 0 stand for "not given".
 */
export interface CheckSpec {
  readonly http: string;
  readonly method: string;
  readonly header: Readonly<Record<string, readonly string[]>>;
  readonly body: string;
  readonly tlsServerName: string;
  readonly tlsSkipVerify: boolean;
  readonly disableRedirects: boolean;
  readonly tcp: string;
  readonly udp: string;
  readonly grpc: string;
  readonly grpcUseTls: boolean;
  readonly h2ping: string;
  readonly h2pingUseTls: boolean;
  /** Program and arguments of a script, run here or in a container. */
  readonly args: readonly string[];
  readonly dockerContainerId: string;
  /** With a single argument: the shell that is to read it as a command line. */
  readonly shell: string;
  readonly aliasNode: string;
  readonly aliasService: string;
  readonly ttl: number;
  readonly interval: number;
  readonly timeout: number;
  /** The service is taken down when its check stays critical so long. */
  readonly deregisterCriticalServiceAfter: number;
  /** Bytes of output that are kept, when less than the agent's own limit. */
  readonly outputMaxSize: number;
  readonly successBeforePassing: number;
  readonly failuresBeforeWarning: number;
  readonly failuresBeforeCritical: number;
}

export const EMPTY_SPEC: CheckSpec = {
  http: '',
  method: '',
  header: {},
  body: '',
  tlsServerName: '',
  tlsSkipVerify: false,
  disableRedirects: false,
  tcp: '',
  udp: '',
  grpc: '',
  grpcUseTls: false,
  h2ping: '',
  h2pingUseTls: true,
  args: [],
  dockerContainerId: '',
  shell: '',
  aliasNode: '',
  aliasService: '',
  ttl: 0,
  interval: 0,
  timeout: 0,
  deregisterCriticalServiceAfter: 0,
  outputMaxSize: 0,
  successBeforePassing: 0,
  failuresBeforeWarning: 0,
  failuresBeforeCritical: 0,
};

const isProbed = (spec: CheckSpec) =>
  spec.args.length > 0 ||
  [spec.http, spec.tcp, spec.udp, spec.grpc, spec.h2ping].some((target) => target !== '');

const isAlias = (spec: CheckSpec) => spec.aliasNode !== '' || spec.aliasService !== '';

/** What is wrong with a spec, in Consul's words, or undefined. */
export function faultOf(spec: CheckSpec): string | undefined {
  if (spec.interval > 0 && spec.ttl > 0) return 'Interval and TTL cannot both be specified';
  if (isProbed(spec) && spec.interval <= 0)
    return 'Interval must be > 0 for Script, HTTP, H2PING, or TCP checks';
  if (isProbed(spec) && isAlias(spec)) return 'Interval cannot be set for Alias checks';
  if (isAlias(spec) && spec.ttl > 0) return 'TTL must be not be set for Alias checks';
  if (!isProbed(spec) && !isAlias(spec) && spec.ttl <= 0) return 'TTL must be > 0 for TTL checks';
  if (spec.outputMaxSize < 0) return 'MaxOutputMaxSize must be positive';
  if (spec.failuresBeforeWarning > spec.failuresBeforeCritical)
    return "FailuresBeforeWarning can't be higher than FailuresBeforeCritical";
  return undefined;
}

/** The program of a script check with its arguments. A single argument is a command line when a shell is given. */
export function argvOf({ args, shell }: CheckSpec): readonly string[] {
  return shell !== '' && args.length === 1 ? [shell, '-c', ...args] : args;
}
