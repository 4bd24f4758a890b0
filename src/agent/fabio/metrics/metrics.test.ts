import { describe, expect, it } from 'vitest';
import { CounterReader, Counters, createCounterBlock, NOT_FOUND } from '../../../proxy/counters.ts';
import type { Router } from '../../../route/router.ts';
import type { RouteView } from '../../../route/view.ts';
import { families } from './families.ts';
import { FlatLines } from './flat.ts';
import { clean, metricPrefix, routeNames } from './names.ts';
import { prometheusText } from './prometheus.ts';

function counted() {
  const block = createCounterBlock();
  const reader = new CounterReader();
  reader.add(block);
  const counters = new Counters(block);
  counters.overall(NOT_FOUND, 2);
  counters.own(301);
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
    expect(text).toContain('conf_requests_count{service="web"} 3\n');
    const labels = 'host="a.test",path="/",service="web",target="http://10.0.0.1:80/"';
    expect(text).toContain(`conf_route_count{${labels}} 3\n`);
    expect(text).toContain(`conf_route_sum{${labels}} 3.021\n`);
    leave();
    expect(prometheusText(all(), PROMETHEUS)).not.toContain('a.test');
  });

  it('as lines of statsd, what was added since the last time', () => {
    const { all, counters } = counted();
    const flat = new FlatLines('conf', routeNames('{{clean .Service}}.{{clean .TargetURL.Host}}'));
    const first = flat.lines(all());
    expect(first).toContain('conf.notfound:2|c');
    expect(first).toContain('conf.ws.conn:0|g');
    expect(first).toContain('conf.route.web.10_0_0_1_80.count:3|c');
    expect(first).toContain('conf.route.web.10_0_0_1_80:1007.000|ms');
    expect(flat.lines(all())).toEqual(['conf.ws.conn:0|g']);
    counters.overall(NOT_FOUND);
    expect(flat.lines(all())).toEqual(['conf.notfound:1|c', 'conf.ws.conn:0|g']);
  });

  it('have names by templates', () => {
    expect(clean('a.b:80/x')).toBe('a_b_80_x');
    expect(clean('')).toBe('_');
    expect(metricPrefix('x.{{clean .Exec}}')).toBe('x.muster');
    expect(metricPrefix('default')).toMatch(/^[^.]+\.muster$/);
    expect(() => metricPrefix('{{nope}}')).toThrow(/metrics\.prefix/);
    expect(() => routeNames('{{')).toThrow(/metrics\.names/);
  });
});
