import * as z from 'zod';
import { isFieldName } from '../../lib/field-name.ts';
import { duration, secretField } from './fields.ts';

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
        'OpenTelemetry collector that figures and traces are sent to, over HTTP as JSON: `http://127.0.0.1:4318`. Left out, `OTEL_EXPORTER_OTLP_ENDPOINT` counts; without either nothing is sent.',
      ),
    otlpHeaders: z
      .record(z.string().refine(isFieldName, { error: 'expected the name of a header field' }), secretField())
      .default({})
      .describe('Header fields of these requests, such as the key that the collector asks for. Never shown.'),
    otlpCompression: z
      .enum(['gzip', 'none'])
      .optional()
      .describe(
        'How these requests are compressed. Left out, `OTEL_EXPORTER_OTLP_COMPRESSION` counts, else `gzip`.',
      ),
    otlpInterval: duration({ least: 1000 }).prefault('10s').describe('How often the figures are sent.'),
    traceRatio: z
      .number()
      .min(0)
      .max(1)
      .optional()
      .describe(
        'Share of the requests of the balancer whose spans are sent, of those whose clients say nothing of it: a trace that was begun elsewhere is recorded if it is there. 0.01 records every hundredth, 0 only those of others; requests go on in traces then as with `balancer.headers.trace`. Left out, `OTEL_TRACES_SAMPLER` counts; without either there are no spans.',
      ),
  })
  .prefault({})
  .describe('Figures of the agent itself, and traces of the requests that it balances.');
