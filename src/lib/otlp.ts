/** OpenTelemetry's protocol (OTLP 1.3) as JSON over HTTP: figures and spans as requests that a collector takes. */
import type { Family, Labels } from './metrics.ts';

/** Who sends: what a collector files the rest under. */
export type Resource = Readonly<Record<string, string>>;

export interface Span {
  /** 32 and 16 hexadecimal digits. */
  readonly traceId: string;
  readonly spanId: string;
  /** "" for the first of its trace. */
  readonly parentId: string;
  readonly name: string;
  readonly kind: 'server' | 'client';
  /** Milliseconds since the epoch, with fractions. */
  readonly start: number;
  readonly end: number;
  readonly attributes: Readonly<Record<string, string | number>>;
  readonly isError: boolean;
}

const SCOPE = 'muster';
/** AGGREGATION_TEMPORALITY_CUMULATIVE: everything since `startedAt`. */
const CUMULATIVE = 2;
const SPAN_KINDS = { server: 2, client: 3 } as const;
const STATUS_ERROR = 2;

/** The body of a POST to `/v1/metrics`. Times in milliseconds since the epoch. */
export function otlpMetrics(
  families: Iterable<Family>,
  {
    resource,
    version,
    startedAt,
    now,
  }: { resource: Resource; version: string; startedAt: number; now: number },
) {
  const times = { startTimeUnixNano: nanoseconds(startedAt), timeUnixNano: nanoseconds(now) };
  const metrics = [...families].flatMap((family): object[] => {
    if (family.samples.length === 0) return [];
    const common = { name: family.name, description: family.help };
    if (family.type === 'histogram') {
      const { bounds, samples } = family;
      const dataPoints = samples.map(({ labels, counts, sum }) => ({
        attributes: attributes(labels),
        ...times,
        count: String(counts.reduce((all, count) => all + count, 0)),
        sum,
        bucketCounts: counts.map(String),
        explicitBounds: bounds,
      }));
      return [{ ...common, unit: 's', histogram: { aggregationTemporality: CUMULATIVE, dataPoints } }];
    }
    const dataPoints = family.samples.map(({ labels, value }) => ({
      attributes: attributes(labels),
      ...times,
      asDouble: value,
    }));
    return family.type === 'gauge'
      ? [{ ...common, gauge: { dataPoints } }]
      : [{ ...common, sum: { aggregationTemporality: CUMULATIVE, isMonotonic: true, dataPoints } }];
  });
  return {
    resourceMetrics: [
      {
        resource: { attributes: attributes(resource) },
        scopeMetrics: [{ scope: { name: SCOPE, version }, metrics }],
      },
    ],
  };
}

/** The body of a POST to `/v1/traces`. */
export function otlpTraces(
  spans: readonly Span[],
  { resource, version }: { resource: Resource; version: string },
) {
  return {
    resourceSpans: [
      {
        resource: { attributes: attributes(resource) },
        scopeSpans: [
          {
            scope: { name: SCOPE, version },
            spans: spans.map((span) => ({
              traceId: span.traceId,
              spanId: span.spanId,
              ...(span.parentId === '' ? {} : { parentSpanId: span.parentId }),
              name: span.name,
              kind: SPAN_KINDS[span.kind],
              startTimeUnixNano: nanoseconds(span.start),
              endTimeUnixNano: nanoseconds(span.end),
              attributes: attributes(span.attributes),
              ...(span.isError ? { status: { code: STATUS_ERROR } } : {}),
            })),
          },
        ],
      },
    ],
  };
}

function attributes(all: Labels | Readonly<Record<string, string | number>>) {
  return Object.entries(all).map(([key, value]) => ({
    key,
    value:
      typeof value === 'string'
        ? { stringValue: value }
        : Number.isSafeInteger(value)
          ? { intValue: String(value) }
          : { doubleValue: value },
  }));
}

/** 64-bit numbers are texts in this JSON; milliseconds hold microseconds exactly, no more. */
function nanoseconds(ms: number): string {
  return `${Math.round(ms * 1000)}000`;
}
