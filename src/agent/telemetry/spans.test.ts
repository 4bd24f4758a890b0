import { describe, expect, it } from 'vitest';
import { ManualClock } from '../../lib/clock.ts';
import { createLogger, type LogLine } from '../../lib/log.ts';
import type { Span } from '../../lib/otlp.ts';
import { type Collector, startCollector } from './collector.test-support.ts';
import { SpanExporter } from './spans.ts';

const SECRET = 'hunter2';

function span(number: number): Span {
  return {
    traceId: '4bf92f3577b34da6a3ce929d0e0e4736',
    spanId: number.toString(16).padStart(16, '0'),
    parentId: '',
    name: 'GET /',
    kind: 'server',
    start: 1,
    end: 2,
    attributes: {},
    isError: false,
  };
}
const spans = (count: number) => Array.from({ length: count }, (_, i) => span(i + 1));

function exporterFor(url: string, { queue = 100, batch = 10, timeout = 60_000 } = {}) {
  const waits: number[] = [];
  class NotingClock extends ManualClock {
    override after(ms: number, task: () => void): () => void {
      waits.push(ms);
      return super.after(ms, task);
    }
  }
  const clock = new NotingClock();
  const lines: LogLine[] = [];
  const exporter = new SpanExporter({
    plan: {
      to: { url: new URL(`${url}/v1/traces`), headers: { 'x-key': SECRET }, compression: 'gzip', timeout },
      sampler: { ratio: 1, heedsParent: true },
      queue,
      batch,
      delay: 5_000,
    },
    resource: { 'service.name': 'muster' },
    clock,
    random: () => 1,
    logger: createLogger({ level: 'trace', sink: (line) => lines.push(line) }),
  });
  return { exporter, clock, lines, waits };
}

/** How many spans each request had. */
function sizes({ received }: Collector): number[] {
  return received.map(({ body }) => JSON.parse(body).resourceSpans[0].scopeSpans[0].spans.length);
}

/** Lets time pass until it is so: answers of the collector come whenever they come. */
async function passing(clock: ManualClock, isSo: () => boolean): Promise<void> {
  while (!isSo()) {
    clock.advance(1_000);
    await new Promise((resolve) => setImmediate(resolve));
  }
}

describe('spans for a collector', () => {
  it('go in whole batches at once, the rest after a while, packed and with the key', async () => {
    const collector = await startCollector();
    const { exporter, clock } = exporterFor(collector.url);
    exporter.take({ spans: spans(25), dropped: 0 });
    await collector.has(2);
    await passing(clock, () => exporter.exported === 25);
    expect(sizes(collector)).toEqual([10, 10, 5]);
    const [{ path, headers } = { path: '', headers: {} }] = collector.received;
    expect(path).toBe('/v1/traces');
    expect(headers).toMatchObject({ 'x-key': SECRET, 'content-encoding': 'gzip' });
  });

  it('are tried again when it is busy, after as long as it asks for', async () => {
    const collector = await startCollector();
    const { exporter, clock, lines, waits } = exporterFor(collector.url);
    const take = collector.respond;
    collector.respond = (response) => response.writeHead(503, { 'Retry-After': '30' }).end();
    exporter.take({ spans: spans(10), dropped: 0 });
    await passing(clock, () => lines.length > 0);
    collector.respond = take;
    await passing(clock, () => exporter.exported === 10);
    // One that was refused, and one that was taken half a minute later.
    expect(sizes(collector)).toEqual([10, 10]);
    expect(waits).toEqual([30_000]);
    expect(lines.map(({ message }) => message)).toEqual([
      expect.stringMatching(/do not reach the collector at 127\.0\.0\.1:\d+: it answered 503/),
      'the collector takes spans again',
    ]);
  });

  it('are given up and counted: refused, no room, unreachable; and nobody hears a secret', async () => {
    const collector = await startCollector();
    const { exporter, clock, lines } = exporterFor(collector.url, { queue: 20 });
    collector.respond = (response) => response.writeHead(400).end(SECRET);
    exporter.take({ spans: spans(30), dropped: 3 });
    await passing(clock, () => exporter.dropped.refused === 20);
    expect(exporter.dropped).toEqual({ queue: 13, refused: 20, unreachable: 0 });
    collector.respond = (response) =>
      response.end(JSON.stringify({ partialSuccess: { rejectedSpans: '4', errorMessage: 'too old' } }));
    exporter.take({ spans: spans(10), dropped: 0 });
    await passing(clock, () => exporter.exported === 6);
    expect(exporter.dropped.refused).toBe(24);
    collector.close();
    exporter.take({ spans: spans(10), dropped: 0 });
    await passing(clock, () => exporter.dropped.unreachable === 10);
    expect(JSON.stringify(lines)).not.toContain(SECRET);
  });

  it('wait for one that hangs no longer than its time, and the end not at all beyond a few seconds', async () => {
    const collector = await startCollector();
    collector.respond = () => {};
    const { exporter, clock } = exporterFor(collector.url, { timeout: 250 });
    exporter.take({ spans: spans(10), dropped: 0 });
    await passing(clock, () => collector.received.length > 1);
    const hanging = exporterFor(collector.url);
    hanging.exporter.take({ spans: spans(25), dropped: 0 });
    const before = collector.received.length;
    await collector.has(before + 1);
    let hasStopped = false;
    const stopped = hanging.exporter.stop().then(() => {
      hasStopped = true;
    });
    await passing(hanging.clock, () => hasStopped);
    await stopped;
    expect(hanging.exporter.dropped.unreachable).toBe(25);
    await Promise.all([exporter.stop(), passing(clock, () => exporter.dropped.unreachable === 10)]);
  });

  it('go nowhere else, whatever the collector says', async () => {
    const [collector, other] = [await startCollector(), await startCollector()];
    collector.respond = (response) => response.writeHead(302, { Location: `${other.url}/v1/traces` }).end();
    const { exporter, clock } = exporterFor(collector.url);
    exporter.take({ spans: spans(10), dropped: 0 });
    await passing(clock, () => exporter.dropped.unreachable === 10);
    expect(other.received).toEqual([]);
  });

  it('are taken by one whose answer does not end', async () => {
    const collector = await startCollector();
    collector.respond = (response) => response.write(' '.repeat(100_000));
    const { exporter, clock } = exporterFor(collector.url);
    exporter.take({ spans: spans(10), dropped: 0 });
    await passing(clock, () => exporter.exported === 10);
  });

  it('are all sent at the end', async () => {
    const collector = await startCollector();
    const { exporter } = exporterFor(collector.url);
    exporter.take({ spans: spans(9), dropped: 0 });
    await exporter.stop();
    exporter.take({ spans: [], dropped: 0 });
    await exporter.stop();
    expect(sizes(collector)).toEqual([9]);
    expect(exporter.exported).toBe(9);
  });
});
