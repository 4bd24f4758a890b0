/** What is sent to a collector, and where: from the configuration and, where that says nothing, OpenTelemetry's variables. */
import { isFieldName } from '../../lib/field-name.ts';
import type { Resource } from '../../lib/otlp.ts';
import { percentDecoded } from '../../lib/percent.ts';
import type { Sampler } from '../../proxy/http1/trace.ts';

export interface TelemetryConfig {
  /** URL of a collector; the signal's path is put behind it. Undefined: nothing is sent. */
  readonly otlpEndpoint?: string | undefined;
  /** Added to each request: where a collector wants to know who sends. Secrets. */
  readonly otlpHeaders: Readonly<Record<string, string>>;
  readonly otlpCompression?: 'gzip' | 'none' | undefined;
  /** Milliseconds. */
  readonly otlpInterval: number;
  /** Undefined: no spans. */
  readonly traceRatio?: number | undefined;
}

/** Where one signal goes. */
export interface Destination {
  /** Without user and password: those are a header. */
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly compression: 'gzip' | 'none';
  /** ms that one request may take. */
  readonly timeout: number;
}

export interface TracePlan {
  readonly to: Destination;
  readonly sampler: Sampler;
  /** ms that spans wait for others. */
  readonly delay: number;
  /** Spans that wait at most; and in one request at most. */
  readonly queue: number;
  readonly batch: number;
}

export interface TelemetryPlan {
  readonly figures: Destination | undefined;
  readonly traces: TracePlan | undefined;
  /** What of it cannot be heeded, in words. */
  readonly warnings: readonly string[];
}

/** Who sends. */
export interface ResourceNode {
  readonly id: string;
  readonly name: string;
  readonly version: string;
  readonly datacenter?: string;
}

export type Environment = Readonly<Record<string, string | undefined>>;

/** A collector that has not answered by then is asked again, ms: the specification's default. */
const TIMEOUT = 10_000;
/** The specification's defaults for a service; a balancer sees more requests, so that four times as many spans wait. */
const QUEUE = 8_192;
const BATCH = 512;
const DELAY = 5_000;

/** Names of the samplers of the specification, with the shares of those that have none of their own. */
const SAMPLERS: Readonly<Record<string, { readonly heedsParent: boolean; readonly ratio?: number }>> = {
  always_on: { heedsParent: false, ratio: 1 },
  always_off: { heedsParent: false, ratio: 0 },
  traceidratio: { heedsParent: false },
  parentbased_always_on: { heedsParent: true, ratio: 1 },
  parentbased_always_off: { heedsParent: true, ratio: 0 },
  parentbased_traceidratio: { heedsParent: true },
};

export function telemetryPlan(config: TelemetryConfig, env: Environment): TelemetryPlan {
  const warnings: string[] = [];
  const isOff = config.otlpEndpoint === undefined && env.OTEL_SDK_DISABLED?.toLowerCase() === 'true';
  const protocol = env.OTEL_EXPORTER_OTLP_PROTOCOL;
  const destination = (signal: 'metrics' | 'traces'): Destination | undefined => {
    if (isOff || env[`OTEL_${signal.toUpperCase()}_EXPORTER`] === 'none') return undefined;
    const to = destinationOf(signal, config, env);
    if (typeof to === 'string') warnings.push(to);
    else if (to !== undefined) return to;
    return undefined;
  };
  const figures = destination('metrics');
  const sampler = samplerOf(config, env, warnings);
  const to = sampler === undefined ? undefined : destination('traces');
  if (config.traceRatio !== undefined && to === undefined && !isOff)
    warnings.push('telemetry.trace_ratio has no effect: telemetry.otlp_endpoint names no collector');
  if ((figures ?? to) !== undefined && protocol !== undefined && protocol !== 'http/json')
    warnings.push(`OTEL_EXPORTER_OTLP_PROTOCOL=${protocol}: sent as http/json all the same`);
  const count = (name: string, usual: number) => numberIn(env, name, 1, warnings) ?? usual;
  const queue = count('OTEL_BSP_MAX_QUEUE_SIZE', QUEUE);
  return {
    figures,
    traces:
      sampler === undefined || to === undefined
        ? undefined
        : {
            to,
            sampler,
            queue,
            batch: Math.min(queue, count('OTEL_BSP_MAX_EXPORT_BATCH_SIZE', BATCH)),
            delay: numberIn(env, 'OTEL_BSP_SCHEDULE_DELAY', 0, warnings) ?? DELAY,
          },
    warnings,
  };
}

/** Names as OpenTelemetry's conventions have them. */
export function resourceOf({ id, name, version, datacenter }: ResourceNode, env: Environment): Resource {
  return {
    'service.name': 'muster',
    'service.version': version,
    'service.instance.id': id,
    'host.name': name,
    ...(datacenter === undefined ? {} : { 'muster.datacenter': datacenter }),
    ...pairsIn(env.OTEL_RESOURCE_ATTRIBUTES),
    ...(env.OTEL_SERVICE_NAME ? { 'service.name': env.OTEL_SERVICE_NAME } : {}),
  };
}

/** A text says why there is none that can be used. */
function destinationOf(
  signal: 'metrics' | 'traces',
  config: TelemetryConfig,
  env: Environment,
): Destination | string | undefined {
  const own = (name: string) => env[`OTEL_EXPORTER_OTLP_${signal.toUpperCase()}_${name}`] || undefined;
  const common = (name: string) => env[`OTEL_EXPORTER_OTLP_${name}`] || undefined;
  const whole = config.otlpEndpoint === undefined ? own('ENDPOINT') : undefined;
  const base = config.otlpEndpoint ?? common('ENDPOINT');
  const text = whole ?? (base === undefined ? undefined : `${base.replace(/\/+$/, '')}/v1/${signal}`);
  if (text === undefined) return undefined;
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol))
    return `nothing is sent to the collector for ${signal}: its endpoint is no URL of http or https`;
  const compression = config.otlpCompression ?? own('COMPRESSION') ?? common('COMPRESSION');
  const timeout = Number(own('TIMEOUT') ?? common('TIMEOUT'));
  const { username, password } = url;
  url.username = url.password = '';
  const credentials = `${percentDecoded(username)}:${percentDecoded(password)}`;
  const given = {
    ...(credentials === ':' ? {} : { Authorization: `Basic ${Buffer.from(credentials).toString('base64')}` }),
    ...pairsIn(common('HEADERS')),
    ...pairsIn(own('HEADERS')),
    ...config.otlpHeaders,
  };
  // One that cannot be sent would be refused in words that have its value.
  const headers = Object.fromEntries(Object.entries(given).filter(([name, value]) => isHeader(name, value)));
  if (Object.keys(headers).length < Object.keys(given).length)
    return `nothing is sent to the collector for ${signal}: a header field for it is none that HTTP can carry`;
  return {
    url,
    headers,
    compression: compression === 'none' ? 'none' : 'gzip',
    timeout: timeout > 0 ? timeout : TIMEOUT,
  };
}

function isHeader(name: string, value: string): boolean {
  return isFieldName(name) && /^[\t\x20-\x7e]*$/.test(value);
}

function samplerOf(config: TelemetryConfig, env: Environment, warnings: string[]): Sampler | undefined {
  if (config.traceRatio !== undefined) return { ratio: config.traceRatio, heedsParent: true };
  const name = env.OTEL_TRACES_SAMPLER;
  if (!name) {
    const isWanted = env.OTEL_TRACES_EXPORTER === 'otlp' || Boolean(env.OTEL_EXPORTER_OTLP_TRACES_ENDPOINT);
    return isWanted ? { ratio: 1, heedsParent: true } : undefined;
  }
  const known = Object.hasOwn(SAMPLERS, name) ? SAMPLERS[name] : undefined;
  if (known === undefined) {
    warnings.push(
      `OTEL_TRACES_SAMPLER: there is no ${name}, so that no spans are sent; known are ${Object.keys(SAMPLERS).join(', ')}`,
    );
    return undefined;
  }
  const { heedsParent, ratio = shareIn(env.OTEL_TRACES_SAMPLER_ARG, warnings) } = known;
  return { ratio, heedsParent };
}

function shareIn(text: string | undefined, warnings: string[]): number {
  if (!text) return 1;
  const share = Number(text);
  if (share >= 0 && share <= 1) return share;
  warnings.push(`OTEL_TRACES_SAMPLER_ARG: expected a share from 0 to 1, got "${text}"; 1 is taken`);
  return 1;
}

function numberIn(env: Environment, name: string, least: number, warnings: string[]): number | undefined {
  const text = env[name];
  if (!text) return undefined;
  const value = Number(text);
  if (Number.isInteger(value) && value >= least) return value;
  warnings.push(`${name}: expected a whole number of ${least} or more, got "${text}"`);
  return undefined;
}

/** "key=value,key=value", each value escaped as in a URL. */
function pairsIn(text = ''): Record<string, string> {
  return Object.fromEntries(
    text.split(',').flatMap((pair) => {
      const at = pair.indexOf('=');
      return at < 1
        ? []
        : [[percentDecoded(pair.slice(0, at).trim()), percentDecoded(pair.slice(at + 1).trim())]];
    }),
  );
}
