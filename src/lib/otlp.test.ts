import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { otlpTraces, type Span } from './otlp.ts';

const hex = (bytes: number) =>
  fc.uint8Array({ minLength: bytes, maxLength: bytes }).map((digits) => Buffer.from(digits).toString('hex'));
/** Microseconds are what a number of milliseconds holds exactly in our times. */
const time = fc.integer({ min: 0, max: 4_102_444_800_000_000 }).map((us) => us / 1_000);
const anySpan: fc.Arbitrary<Span> = fc.record({
  traceId: hex(16),
  spanId: hex(8),
  parentId: fc.oneof(fc.constant(''), hex(8)),
  name: fc.string(),
  kind: fc.constantFrom('server', 'client'),
  start: time,
  end: time,
  attributes: fc.dictionary(
    fc.string(),
    fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.maxSafeInteger(),
      fc.double({ noNaN: true, noDefaultInfinity: true }),
    ),
  ),
  isError: fc.boolean(),
});

interface Value {
  stringValue?: string;
  intValue?: string;
  doubleValue?: number;
}

/** Whole numbers are texts of digits, and only those. */
function decodeValue({ stringValue, intValue, doubleValue }: Value): unknown {
  if (intValue !== undefined) return Number(BigInt(intValue));
  return Number.isSafeInteger(doubleValue) ? undefined : (stringValue ?? doubleValue);
}

/** As a collector reads it: 64-bit numbers from texts, kinds and states from numbers. */
function decode(body: string): unknown[] {
  const [{ scopeSpans }] = JSON.parse(body).resourceSpans;
  return scopeSpans[0].spans.map(
    (span: {
      kind: number;
      parentSpanId?: string;
      startTimeUnixNano: string;
      endTimeUnixNano: string;
      attributes: { key: string; value: Value }[];
      status?: { code: number };
      traceId: string;
      spanId: string;
      name: string;
    }) => ({
      traceId: span.traceId,
      spanId: span.spanId,
      parentId: span.parentSpanId ?? '',
      name: span.name,
      kind: span.kind === 2 ? 'server' : span.kind === 3 ? 'client' : undefined,
      start: BigInt(span.startTimeUnixNano),
      end: BigInt(span.endTimeUnixNano),
      attributes: Object.fromEntries(span.attributes.map(({ key, value }) => [key, decodeValue(value)])),
      isError: span.status?.code === 2,
    }),
  );
}

describe('spans as a collector reads them', () => {
  it('are the ones that were written', () => {
    fc.assert(
      fc.property(fc.array(anySpan, { maxLength: 5 }), (spans) => {
        const body = JSON.stringify(
          otlpTraces(spans, { resource: { 'service.name': 'muster' }, version: '1' }),
        );
        const nanoseconds = (ms: number) => BigInt(Math.round(ms * 1_000)) * 1_000n;
        const wanted = spans.map((span) => ({
          ...span,
          start: nanoseconds(span.start),
          end: nanoseconds(span.end),
          // JSON knows no negative zero.
          attributes: Object.fromEntries(
            Object.entries(span.attributes).map(([key, value]) => [key, value === 0 ? 0 : value]),
          ),
        }));
        expect(decode(body)).toEqual(wanted);
      }),
    );
  });
});
