import { z } from 'zod';
import { duration } from './fields.ts';

export const telemetrySchema = z
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
