import { z } from 'zod';

/**
 * What a collector takes as JSON at `/v1/metrics` and `/v1/traces` (opentelemetry/proto/collector/metrics/v1 and …/trace/v1): strict, as
 * one that decodes it.
 */

const uint64 = z.string().regex(/^\d+$/);
const attribute = z.strictObject({
  key: z.string().min(1),
  value: z.union([
    z.strictObject({ stringValue: z.string() }),
    z.strictObject({ intValue: uint64 }),
    z.strictObject({ doubleValue: z.number() }),
  ]),
});
const point = z.strictObject({
  attributes: z.array(attribute),
  startTimeUnixNano: uint64,
  timeUnixNano: uint64,
  asDouble: z.number(),
});
const histogramPoint = z
  .strictObject({
    attributes: z.array(attribute),
    startTimeUnixNano: uint64,
    timeUnixNano: uint64,
    count: uint64,
    sum: z.number(),
    bucketCounts: z.array(uint64),
    explicitBounds: z.array(z.number()),
  })
  .refine(({ bucketCounts, explicitBounds }) => bucketCounts.length === explicitBounds.length + 1)
  .refine(
    ({ bucketCounts, count }) => bucketCounts.reduce((sum, one) => sum + Number(one), 0) === Number(count),
  );

const metric = z.union([
  z.strictObject({
    name: z.string(),
    description: z.string(),
    gauge: z.strictObject({ dataPoints: z.array(point).min(1) }),
  }),
  z.strictObject({
    name: z.string(),
    description: z.string(),
    sum: z.strictObject({
      aggregationTemporality: z.literal(2),
      isMonotonic: z.literal(true),
      dataPoints: z.array(point).min(1),
    }),
  }),
  z.strictObject({
    name: z.string(),
    description: z.string(),
    unit: z.literal('s'),
    histogram: z.strictObject({
      aggregationTemporality: z.literal(2),
      dataPoints: z.array(histogramPoint).min(1),
    }),
  }),
]);

const span = z
  .strictObject({
    traceId: z.string().regex(/^[0-9a-f]{32}$/),
    spanId: z.string().regex(/^[0-9a-f]{16}$/),
    parentSpanId: z
      .string()
      .regex(/^[0-9a-f]{16}$/)
      .optional(),
    name: z.string().min(1),
    // SPAN_KIND_SERVER and SPAN_KIND_CLIENT: numbers, not names, in this JSON.
    kind: z.literal([2, 3]),
    startTimeUnixNano: uint64,
    endTimeUnixNano: uint64,
    attributes: z.array(attribute),
    status: z.strictObject({ code: z.literal(2) }).optional(),
  })
  .refine(({ startTimeUnixNano, endTimeUnixNano }) => BigInt(startTimeUnixNano) <= BigInt(endTimeUnixNano));

export const otlpTraceRequest = z.strictObject({
  resourceSpans: z.array(
    z.strictObject({
      resource: z.strictObject({ attributes: z.array(attribute) }),
      scopeSpans: z.array(
        z.strictObject({
          scope: z.strictObject({ name: z.string(), version: z.string() }),
          spans: z.array(span).min(1),
        }),
      ),
    }),
  ),
});

export const otlpRequest = z.strictObject({
  resourceMetrics: z.array(
    z.strictObject({
      resource: z.strictObject({ attributes: z.array(attribute) }),
      scopeMetrics: z.array(
        z.strictObject({
          scope: z.strictObject({ name: z.string(), version: z.string() }),
          metrics: z.array(metric),
        }),
      ),
    }),
  ),
});
