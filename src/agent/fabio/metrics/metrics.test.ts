import { createSocket } from 'node:dgram';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import { describe, expect, it, onTestFinished } from 'vitest';
import { ManualClock } from '../../../lib/clock.ts';
import { createLogger, silentLogger } from '../../../lib/log.ts';
import {
  BYTES_IN,
  BYTES_OUT,
  CounterReader,
  Counters,
  createCounterBlock,
  NOT_FOUND,
} from '../../../proxy/counters.ts';
import type { Router } from '../../../route/router.ts';
import type { RouteView } from '../../../route/view.ts';
import { families } from './families.ts';
import { FORMATS, GraphiteLines, StatsdLines } from './lines.ts';
import { clean, metricPrefix, routeNames } from './names.ts';
import { prometheusText } from './prometheus.ts';
import { sendByConnections, sendDatagrams } from './send.ts';

function counted() {
  const block = createCounterBlock();
  const reader = new CounterReader();
  reader.add(block);
  const counters = new Counters(block);
  counters.overall(NOT_FOUND, 2);
  counters.own(301, 1);
  counters.own(404, 1);
  counters.own(502, 40);
  for (const ms of [1, 20, 3_000]) counters.answered(1, 7, 200, ms);
  const target = { service: 'web', url: 'http://10.0.0.1:80/', slot: 7, out: '' };
  const route = { kind: 'http', host: 'a.test', path: '/', targets: [target] } as unknown as RouteView;
  let routes: RouteView[] = [route];
  const router: Pick<Router, 'routes'> = { routes: () => routes };
  return {
    counters,
    all: () => families(reader, router as Router),
    leave: () => {
      routes = [];
    },
  };
}

const PROMETHEUS = { prefix: 'conf', subsystem: '', buckets: [0.005, 1] };

describe("fabio's metrics", () => {
  it('as Prometheus reads them; what is gone is not told any more', () => {
    const { all, leave } = counted();
    const text = prometheusText(all(), PROMETHEUS);
    expect(text).toContain('conf_notfound 2\n');
    expect(text).toContain('conf_ws_conn 0\n');
    expect(text).toContain('conf_http_redirect_count{code="301"} 1\n');
    expect(text).toContain('conf_http_status_bucket{code="200",le="0.005"} 1\n');
    expect(text).toContain('conf_http_status_bucket{code="200",le="1"} 2\n');
    expect(text).toContain('conf_http_status_bucket{code="200",le="+Inf"} 3\n');
    // Nobody could be reached: fabio counts it as well, and alerts watch it. What no route leads to it does not count here.
    expect(text).toContain('conf_http_status_count{code="502"} 1\n');
    expect(text).not.toContain('code="404"');
    expect(text).toContain('conf_requests_count{service="web"} 3\n');
    const labels = 'host="a.test",path="/",service="web",target="http://10.0.0.1:80/"';
    expect(text).toContain(`conf_route_count{${labels}} 3\n`);
    expect(text).toContain(`conf_route_sum{${labels}} 3.021\n`);
    leave();
    expect(prometheusText(all(), PROMETHEUS)).not.toContain('a.test');
  });

  const naming = {
    prefix: 'conf.',
    routeName: routeNames('{{clean .Service}}.{{clean .Path}}.{{clean .TargetURL.Host}}'),
  };

  it('rx is what instances sent and tx what they were sent, as in fabio', () => {
    const block = createCounterBlock();
    const reader = new CounterReader();
    reader.add(block);
    const counters = new Counters(block);
    counters.slot(8, BYTES_IN, 2);
    counters.slot(8, BYTES_OUT, 4);
    const target = { service: 'db', url: 'tcp://10.0.0.1:5432', slot: 8, out: '' };
    const route = { kind: 'tcp', host: ':5432', path: '', targets: [target] } as unknown as RouteView;
    const text = prometheusText(families(reader, { routes: () => [route] } as unknown as Router), PROMETHEUS);
    const labels = 'host=":5432",path="",service="db",target="tcp://10.0.0.1:5432"';
    expect(text).toContain(`conf_route_rx{${labels}} 4\n`);
    expect(text).toContain(`conf_route_tx{${labels}} 2\n`);
  });

  it('as lines of statsd, what was added since the last time', () => {
    const { all, counters } = counted();
    const statsd = new StatsdLines(FORMATS.statsd, naming);
    const first = statsd.lines(all());
    expect(first).toContain('conf.notfound:2|c');
    expect(first).toContain('conf.ws.conn:0|g');
    expect(first).toContain('conf.http.redirect.count.code.301:1|c');
    const timesOf = (lines: string[], name: string) =>
      lines.flatMap((line) => {
        const [, own, ms, rate = '1'] = /^([^:]+):([\d.]+)\|ms(?:\|@([\d.]+))?$/.exec(line) ?? [];
        return own === name ? [{ ms: Number(ms), count: Math.round(1 / Number(rate)) }] : [];
      });
    for (const name of ['conf.web./.10_0_0_1_80', 'conf.requests.service.web', 'conf.http.status.code.200']) {
      const times = timesOf(first, name);
      expect(times.map(({ count }) => count)).toEqual([1, 1, 1]);
      expect(times.reduce((sum, { ms }) => sum + ms, 0)).toBeCloseTo(3_021, 0);
    }
    expect(statsd.lines(all())).toEqual(['conf.ws.conn:0|g']);
    counters.overall(NOT_FOUND);
    for (let i = 0; i < 7; i++) counters.answered(1, 7, 200, 20);
    const later = statsd.lines(all());
    expect(later).toContain('conf.notfound:1|c');
    expect(timesOf(later, 'conf.web./.10_0_0_1_80')).toEqual([{ ms: 20, count: 7 }]);
  });

  it('as lines with tags', () => {
    const { all } = counted();
    const labels = new StatsdLines(FORMATS.label, { ...naming, prefix: 'conf' }).lines(all());
    expect(labels).toContain('conf.http.redirect.count:1|c|#code:301');
    const dog = new StatsdLines(FORMATS.dogstatsd, naming).lines(all());
    expect(dog.filter((line) => /^conf\.requests:[\d.]+\|h\|#fabio-service:web$/.test(line))).toHaveLength(3);
  });

  it('as lines of Graphite', () => {
    const { all } = counted();
    const graphite = new GraphiteLines(naming);
    const lines = graphite.lines(all(), 99);
    expect(lines).toContain('conf.notfound 2 99');
    expect(lines).toContain('conf.ws.conn 0 99');
    expect(
      lines.filter((line) => /^conf\.web\.\/\.10_0_0_1_80\.p(?:50|90|95|99) [\d.]+ 99$/.test(line)),
    ).toHaveLength(4);
    expect(graphite.lines(all(), 100)).toContain('conf.notfound 0 100');
  });

  it('are sent over UDP and TCP', async () => {
    const clock = new ManualClock();
    const options = { interval: 1_000, clock, log: silentLogger };
    const udp = createSocket('udp4').bind(0, '127.0.0.1');
    const tcp = createServer().listen(0, '127.0.0.1');
    await Promise.all([once(udp, 'listening'), once(tcp, 'listening')]);
    const datagram = once(udp, 'message');
    const connection = once(tcp, 'connection');
    const lines = () => ['a:1|c', 'b:2|g'];
    const ends = [
      sendDatagrams('x', `127.0.0.1:${udp.address().port}`, lines, options),
      sendByConnections('x', `127.0.0.1:${(tcp.address() as AddressInfo).port}`, lines, options),
    ];
    clock.advance(1_000);
    expect(String((await datagram)[0])).toBe('a:1|c\nb:2|g');
    const [socket] = (await connection) as [Socket];
    expect(await text(socket)).toBe('a:1|c\nb:2|g\n');
    for (const end of ends) end();
    udp.close();
    tcp.close();
    expect(() => sendDatagrams('metrics.statsd.addr', 'nowhere', lines, options)).toThrow(
      /metrics\.statsd\.addr/,
    );
  });

  it('that cannot be sent are said once', async () => {
    const clock = new ManualClock();
    const said: string[] = [];
    const log = createLogger({ level: 'warn', sink: ({ message }) => said.push(message) });
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    await new Promise((resolve) => server.close(resolve));
    const opened: Socket[] = [];
    const hear = (message: unknown) => void opened.push((message as { socket: Socket }).socket);
    subscribe('net.client.socket', hear);
    onTestFinished(() => void unsubscribe('net.client.socket', hear));
    const lines = () => ['a:1|c'];
    onTestFinished(sendByConnections('x', `127.0.0.1:${port}`, lines, { interval: 1_000, clock, log }));
    for (let round = 0; round < 3; round++) {
      clock.advance(1_000);
      await new Promise((resolve) => opened[round]!.once('close', resolve));
    }
    expect(said).toEqual(['metrics cannot be sent']);
  });

  it('have names by templates', () => {
    expect(clean('A.b:80/x')).toBe('a_b_80/x');
    expect(clean('')).toBe('_');
    expect(metricPrefix('x.{{clean .Exec}}')).toBe('x.fabio');
    expect(metricPrefix('default')).toMatch(/^[^.]+\.fabio$/);
    const target = { service: 'web', host: 'a.test', path: '/x', target: 'https://10.0.0.1:80/y?z' };
    expect(routeNames('{{.TargetURL.Scheme}} {{.TargetURL.Path}} {{.Path}}')(target)).toBe('https /y /x');
    expect(() => metricPrefix('{{nope}}')).toThrow(/metrics\.prefix/);
    expect(() => routeNames('{{')).toThrow(/metrics\.names/);
  });
});
