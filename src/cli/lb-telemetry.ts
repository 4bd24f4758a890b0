/** What a balancer alone sends to a collector: flags say where, and OpenTelemetry's variables all the rest, keys among it. */
import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import type { TelemetryConfig } from '../agent/telemetry/plan.ts';
import { type Telemetry, telemetryOf } from '../agent/telemetry/telemetry.ts';
import { wakefulClock } from '../lib/clock.ts';
import type { Logger } from '../lib/log.ts';
import { VERSION } from '../version.ts';

/** Of figures; a balancer alone sends none. */
const INTERVAL = 10_000;

export type TelemetryChoice = Pick<TelemetryConfig, 'otlpEndpoint' | 'traceRatio'>;

export function lbTelemetry(
  choice: TelemetryChoice,
  env: Readonly<Record<string, string | undefined>>,
  log: Logger,
): Telemetry {
  return telemetryOf(
    { ...choice, otlpHeaders: {}, otlpInterval: INTERVAL },
    {
      node: { id: randomUUID(), name: hostname(), version: VERSION },
      env,
      clock: wakefulClock,
      random: Math.random,
      logger: log,
    },
  );
}
