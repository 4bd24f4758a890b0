import { describe, expect, it } from 'vitest';
import type { z } from 'zod';
import { freePorts, until } from '../scripts/support/processes.mjs';
import { type Collector, startCollector } from '../src/agent/telemetry/collector.test-support.ts';
import { registrationOf, startBackend } from './support/backend.ts';
import { ask, put } from './support/http.ts';
import { musterProcess, testMuster } from './support/muster.ts';
import { otlpTraceRequest } from './support/otlp.ts';

const ID = '4bf92f3577b34da6a3ce929d0e0e4736';
const PARENT = '00f067aa0ba902b7';

type Request = z.infer<typeof otlpTraceRequest>;
type Span = Request['resourceSpans'][number]['scopeSpans'][number]['spans'][number];

/** All spans that came, each as a collector understands it. */
function spansIn({ received }: Collector): Span[] {
  return received
    .filter(({ path }) => path === '/v1/traces')
    .flatMap(({ body }) => otlpTraceRequest.parse(JSON.parse(body)).resourceSpans)
    .flatMap(({ scopeSpans }) => scopeSpans.flatMap(({ spans }) => spans));
}

function attributesOf({ attributes }: Span): Record<string, unknown> {
  return Object.fromEntries(attributes.map(({ key, value }) => [key, Object.values(value)[0]]));
}

describe('traces over OTLP', () => {
  it('show a request of the agent, its attempts, and what became of the spans; the log has no key', async () => {
    const collector = await startCollector();
    const muster = await testMuster(
      'agent',
      {
        node: { dev: true, name: 'n1' },
        telemetry: {
          otlp_endpoint: collector.url,
          otlp_headers: { 'x-key': 'hunter2' },
          trace_ratio: 0,
        },
      },
      undefined,
      { OTEL_BSP_SCHEDULE_DELAY: '100' },
    );
    const backend = await startBackend('web-1');
    await put(`${muster.api}/v1/agent/service/register`, registrationOf(backend, 'web', '/web'));
    await until('the route', async () => (await ask(`${muster.proxy}/web`)).status === 200);
    const headers = { traceparent: `00-${ID}-${PARENT}-01` };
    await ask(`${muster.proxy}/web/a?q=1`, { headers });
    // What is not recorded where it began is not recorded here.
    await ask(`${muster.proxy}/web/b`, { headers: { traceparent: `00-${ID}-${PARENT}-00` } });
    await until('spans', () => spansIn(collector).length > 0);
    const [server, client, ...more] = spansIn(collector);
    expect(more).toEqual([]);
    expect(server).toMatchObject({ traceId: ID, parentSpanId: PARENT, kind: 2, name: 'GET /web' });
    expect(attributesOf(server as Span)).toMatchObject({
      'url.path': '/web/a',
      'http.response.status_code': '200',
      'muster.service': 'web',
    });
    expect(client).toMatchObject({ traceId: ID, parentSpanId: server?.spanId, kind: 3 });
    expect(attributesOf(client as Span)).toMatchObject({ 'server.port': `${backend.port}` });
    expect(collector.received.every((one) => one.headers['x-key'] === 'hunter2')).toBe(true);
    // The collector has them before the agent has heard so.
    const text = await until('the spans to be counted', async () => {
      const figures = (await ask(`${muster.api}/metrics`)).text;
      return /^muster_trace_spans_exported_total [1-9]/m.test(figures) && figures;
    });
    expect(text).toMatch(/^muster_trace_spans_exported_total 2$/m);
    expect(text).toMatch(/^muster_trace_spans_dropped_total\{reason="queue"\} 0$/m);
    await muster.program.stop();
    expect(muster.program.output()).not.toContain('hunter2');
  });

  it('come from a balancer alone too, the last ones when it stops, and a collector that hangs holds nobody up', async () => {
    const collector = await startCollector();
    const backend = await startBackend('a');
    const [port = 0] = await freePorts(1);
    const url = `http://127.0.0.1:${port}`;
    const args = ['lb', '-listen', `127.0.0.1:${port}`, '-upstream', `127.0.0.1:${backend.port}`];
    const balance = async (endpoint: string) => {
      const program = musterProcess([...args, '-otlp-endpoint', endpoint, '-trace-ratio', '1'], {
        OTEL_SERVICE_NAME: 'edge',
      });
      await until('the balancer', async () => (await ask(url)).status === 200, { program });
      return program;
    };
    const program = await balance(collector.url);
    await program.stop();
    const roots = spansIn(collector).filter(({ kind }) => kind === 2);
    expect(roots.length).toBe(backend.seen());
    expect(roots.every(({ parentSpanId }) => parentSpanId === undefined)).toBe(true);
    expect(collector.received[0]?.body).toContain('"stringValue":"edge"');

    collector.respond = () => {};
    const stuck = await balance(collector.url);
    const answers = await Promise.all(Array.from({ length: 1_000 }, () => ask(url)));
    expect(answers.every(({ status }) => status === 200)).toBe(true);
    await stuck.stop();
  });
});
