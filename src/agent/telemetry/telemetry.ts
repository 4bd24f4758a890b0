/** What a program sends to a collector of OpenTelemetry: its figures, and spans of the requests that it balances. */
import type { Clock } from '../../lib/clock.ts';
import type { Logger } from '../../lib/log.ts';
import type { Family } from '../../lib/metrics.ts';
import type { Sampler } from '../../proxy/http1/trace.ts';
import type { SpanBatch } from '../../proxy/span-post.ts';
import { sendFigures } from './figures.ts';
import {
  type Environment,
  type ResourceNode,
  resourceOf,
  type TelemetryConfig,
  telemetryPlan,
} from './plan.ts';
import { type DropReason, SpanExporter } from './spans.ts';

/** What a balancer needs to record spans, and what became of them. */
export interface Tracing {
  readonly sampler: Sampler;
  take(batch: SpanBatch): void;
  readonly exported: number;
  readonly waiting: number;
  readonly dropped: Readonly<Record<DropReason, number>>;
}

export interface Telemetry {
  /** Undefined: no spans. */
  readonly tracing: Tracing | undefined;
  /** Sends figures from now on; ms since the epoch. */
  sendFigures(families: () => Family[], startedAt: number): { stop(): Promise<void> };
  /** Sends the spans that wait. To be called when the balancer has ended. */
  stop(): Promise<void>;
}

export interface TelemetryOptions {
  node: ResourceNode;
  env: Environment;
  clock: Clock;
  /** In [0, 1). */
  random: () => number;
  logger: Logger;
}

export function telemetryOf(
  config: TelemetryConfig,
  { node, env, clock, random, logger }: TelemetryOptions,
): Telemetry {
  const { figures, traces, warnings } = telemetryPlan(config, env);
  for (const warning of warnings) logger.warn(warning);
  const resource = resourceOf(node, env);
  const exporter =
    traces === undefined ? undefined : new SpanExporter({ plan: traces, resource, clock, random, logger });
  return {
    tracing: exporter,
    sendFigures: (families, startedAt) =>
      figures === undefined
        ? { async stop() {} }
        : sendFigures({
            to: figures,
            interval: config.otlpInterval,
            families,
            resource,
            startedAt,
            clock,
            logger,
          }),
    async stop() {
      await exporter?.stop();
    },
  };
}
