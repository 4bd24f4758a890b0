import { messageOf } from '../errors.ts';
import type { Clock } from '../lib/clock.ts';
import type { Logger } from '../lib/log.ts';
import type { Family } from '../lib/metrics.ts';
import { otlpMetrics, type Resource } from '../lib/otlp.ts';
import { VERSION } from '../version.ts';

export interface TelemetryConfig {
  /** URL of a collector; `/v1/metrics` is put behind it. Undefined: nothing is sent. */
  readonly otlpEndpoint?: string | undefined;
  /** Added to each request: where a collector wants to know who sends. */
  readonly otlpHeaders: Readonly<Record<string, string>>;
  /** Milliseconds. */
  readonly otlpInterval: number;
}

export interface TelemetryOptions {
  config: TelemetryConfig;
  families: () => Family[];
  resource: Resource;
  startedAt: number;
  clock: Clock;
  logger: Logger;
  fetch?: typeof globalThis.fetch;
}

/** A collector that has not answered by then has the figures of next time, ms. */
const TIMEOUT = 10_000;

/** Sends the figures to a collector every so often, the last ones when it stops. What cannot be sent is given up. */
export function startTelemetry(options: TelemetryOptions): { stop(): Promise<void> } {
  const { config, families, resource, startedAt, clock, logger, fetch = globalThis.fetch } = options;
  const { otlpEndpoint, otlpHeaders, otlpInterval } = config;
  if (otlpEndpoint === undefined) return { async stop() {} };
  const url = new URL(`${otlpEndpoint.replace(/\/+$/, '')}/v1/metrics`);
  let isStopped = false;
  /** Told once, until it works again: a collector that is away for a day fills no log. */
  let isAway = false;
  let cancel = () => {};

  async function send(): Promise<void> {
    const now = clock.now();
    const body = otlpMetrics(families(), { resource, version: VERSION, startedAt, now });
    try {
      const response = await fetch(url, {
        method: 'POST',
        headers: { ...otlpHeaders, 'Content-Type': 'application/json' },
        body: JSON.stringify(body),
        signal: AbortSignal.timeout(TIMEOUT),
        redirect: 'error',
      });
      await response.arrayBuffer();
      if (!response.ok) throw new Error(`it answered ${response.status}`);
      if (isAway) logger.info('the collector takes figures again');
      isAway = false;
    } catch (error) {
      if (!isAway)
        logger.warn(`figures do not reach the collector at ${url.host}: ${messageOf(error)}; trying on`);
      isAway = true;
    }
  }

  const round = async (): Promise<void> => {
    await send();
    if (!isStopped) cancel = clock.after(otlpInterval, () => void round());
  };
  cancel = clock.after(otlpInterval, () => void round());
  return {
    async stop() {
      if (isStopped) return;
      isStopped = true;
      cancel();
      await send();
    },
  };
}

/** What the environment says in the names of OpenTelemetry counts where the configuration says nothing. */
export function withEnvironment(
  config: TelemetryConfig,
  env: Readonly<Record<string, string | undefined>>,
): TelemetryConfig {
  const otlpEndpoint = config.otlpEndpoint ?? (env.OTEL_EXPORTER_OTLP_ENDPOINT || undefined);
  const given = (env.OTEL_EXPORTER_OTLP_HEADERS ?? '').split(',').flatMap((pair) => {
    const at = pair.indexOf('=');
    return at < 1 ? [] : [[pair.slice(0, at).trim(), decoded(pair.slice(at + 1).trim())]];
  });
  return { ...config, otlpEndpoint, otlpHeaders: { ...Object.fromEntries(given), ...config.otlpHeaders } };
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    // A lone "%" in a token: it means itself.
    return text;
  }
}

/** Names as OpenTelemetry's conventions have them. */
export function resourceOf(
  node: { readonly id: string; readonly name: string; readonly version: string; readonly datacenter: string },
  env: Readonly<Record<string, string | undefined>>,
): Resource {
  return {
    'service.name': env.OTEL_SERVICE_NAME || 'muster',
    'service.version': node.version,
    'service.instance.id': node.id,
    'host.name': node.name,
    'muster.datacenter': node.datacenter,
  };
}
