import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import fc from 'fast-check';
import { describe, expect, it, onTestFinished } from 'vitest';
import { ManualClock } from '../../lib/clock.ts';
import { createLogger } from '../../lib/log.ts';
import type { MetricSource } from '../autoscale/signals.ts';
import type { InstanceView } from '../instance.ts';
import { parseSelector, valueIn } from './exposition.ts';
import { Metrics } from './metrics.ts';

const PAGE = `# HELP jobs Waiting.
# TYPE jobs gauge
jobs{queue="mail"} 7
jobs{queue="sms",kind="a \\"b\\", c}"} 5 1700000000000
jobs_total 100
load 1.5e1
broken{ 3
nothing NaN
`;

describe('a page of metrics', () => {
  it.each([
    ['jobs', 12],
    ['jobs{queue="mail"}', 7],
    ['jobs{kind="a \\"b\\", c}"}', 5],
    ['jobs{queue="none"}', undefined],
    ['jobs_total', 100],
    ['load', 15],
    ['nothing', undefined],
    ['broken', undefined],
    ['job', undefined],
  ])('%s', (selector, value) => {
    expect(valueIn(PAGE, parseSelector(selector)!)).toBe(value);
  });

  it.each(['', '1a', 'a b', 'a{b}', 'a{b="c"', 'a{b="c"}x'])('%j selects nothing', (text) => {
    expect(parseSelector(text)).toBeUndefined();
  });

  it('finds any label value that was written, among anything', () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), fc.integer(), (value, noise, number) => {
        const written = value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');
        const page = `${noise.replaceAll('a', '')}\na{l="${written}",m="x"} ${number}\n`;
        expect(valueIn(page, { name: 'a', labels: new Map([['l', value]]) })).toBe(number);
      }),
    );
  });

  it('survives anything', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (page) => {
        valueIn(page, { name: 'a', labels: new Map() });
        parseSelector(page);
      }),
    );
  });
});

describe('metrics from elsewhere', () => {
  async function world(answer: (url: string) => string | undefined) {
    const server = createServer((request, response) => {
      const body = answer(request.url ?? '');
      response.statusCode = body === undefined ? 500 : 200;
      response.end(body);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => void server.close());
    const { port } = server.address() as AddressInfo;
    const clock = new ManualClock(1_000_000);
    const lines: string[] = [];
    const make = (...sources: MetricSource[]) =>
      new Metrics({
        group: 'g',
        sources,
        every: 1000,
        surroundings: { keyValue: (key) => (key === 'n' ? 9 : undefined), meta: () => 4 },
        clock,
        logger: createLogger({ level: 'info', sink: ({ message }) => lines.push(message) }),
      });
    const instance = { name: 'g-1', id: 'one', port, ports: { http: port } } as unknown as InstanceView;
    /** One round: resolves when its answers are in, of which `isDone` has to tell by a number that is new. */
    const round = async (metrics: Metrics, isDone: () => boolean): Promise<void> => {
      clock.advance(1000);
      metrics.look([instance]);
      while (!isDone()) await new Promise((next) => setTimeout(next, 2));
    };
    return { port, make, round, instance, lines, clock };
  }

  it.each(['http://127.0.0.1:$PORT/', 'http://127.0.0.$MUSTER_NUMBER:8/'])(
    'asks each instance for its own page: %s',
    async (url) => {
      const { make, round, instance, port } = await world(() => PAGE);
      const source: MetricSource = {
        kind: 'page',
        url: url.replace(':8/', `:${port}/`),
        metric: 'jobs',
        rate: false,
      };
      const metrics = make(source);
      expect(metrics.isOfGroup(source)).toBe(false);
      expect(metrics.of(source, instance)).toBeUndefined();
      await round(metrics, () => metrics.of(source, instance) !== undefined);
      expect(metrics.of(source, instance)).toBe(12);
    },
  );

  it('tells how fast a counter rises', async () => {
    let count = 100;
    const { make, round, port } = await world(() => `jobs_total ${count}`);
    const page = { kind: 'page', url: `http://127.0.0.1:${port}/`, metric: 'jobs_total' } as const;
    const [source, itself] = [
      { ...page, rate: true },
      { ...page, rate: false },
    ];
    const metrics = make(source, itself);
    expect(metrics.isOfGroup(source)).toBe(true);
    await round(metrics, () => metrics.ofGroup(itself) === 100);
    expect(metrics.ofGroup(source)).toBeUndefined();
    count = 130;
    await round(metrics, () => metrics.ofGroup(itself) === 130);
    expect(metrics.ofGroup(source)).toBe(30);
  });

  it('does not take what was counted in seconds for that of a moment when an answer is late and the next is not', async () => {
    let count = 100;
    let late = 2_900;
    const { make, instance, port, clock } = await world(() => {
      clock.advance(late);
      return `jobs_total ${count}`;
    });
    const page = { kind: 'page', url: `http://127.0.0.1:${port}/`, metric: 'jobs_total' } as const;
    const [source, itself] = [
      { ...page, rate: true },
      { ...page, rate: false },
    ];
    const metrics = make(source, itself);
    const seen = async (value: number) => {
      metrics.look([instance]);
      while (metrics.ofGroup(itself) !== value) await new Promise((next) => setTimeout(next, 2));
    };
    await seen(100);
    clock.advance(100);
    [count, late] = [130, 0];
    await seen(130);
    // Both are asked for by themselves, and so the clock went on twice.
    expect(metrics.ofGroup(source)).toBeCloseTo(30 / 5.9, 1);
  });

  it('asks a Prometheus server', async () => {
    const urls: string[] = [];
    const { make, round, port } = await world((url) => {
      urls.push(url);
      return JSON.stringify({
        status: 'success',
        data: {
          resultType: 'vector',
          result: [
            { metric: {}, value: [1, '2.5'] },
            { metric: {}, value: [1, '1'] },
          ],
        },
      });
    });
    const source: MetricSource = {
      kind: 'query',
      server: `http://127.0.0.1:${port}/`,
      query: 'sum(a{b="c"})',
    };
    const metrics = make(source);
    await round(metrics, () => metrics.ofGroup(source) !== undefined);
    expect(metrics.ofGroup(source)).toBe(3.5);
    expect(urls).toEqual(['/api/v1/query?query=sum%28a%7Bb%3D%22c%22%7D%29']);
  });

  it('does not know what could not be had for long, and says so once', async () => {
    let isWell = true;
    let rounds = 0;
    const { make, round, port, lines, clock } = await world((url) =>
      url === '/round' ? `round ${++rounds}` : isWell ? 'jobs 3' : undefined,
    );
    const page = (path: string, metric: string): MetricSource => ({
      kind: 'page',
      url: `http://127.0.0.1:${port}${path}`,
      metric,
      rate: false,
    });
    const [source, other] = [page('/', 'jobs'), page('/round', 'round')];
    const metrics = make(source, other);
    await round(metrics, () => metrics.ofGroup(other) === 1);
    expect(metrics.ofGroup(source)).toBe(3);
    isWell = false;
    for (let count = 2; count <= 4; count++) {
      await round(metrics, () => metrics.ofGroup(other) === count);
      expect(metrics.ofGroup(source)).toBe(3);
    }
    clock.advance(1);
    expect(metrics.ofGroup(source)).toBeUndefined();
    expect(lines).toEqual([expect.stringContaining('jobs cannot be read from http://127.0.0.1')]);
  });

  it('reads keys and metadata from the registry', async () => {
    const { make, instance } = await world(() => '');
    const key: MetricSource = { kind: 'key', key: 'n' };
    expect(make(key).ofGroup(key)).toBe(9);
    const meta: MetricSource = { kind: 'meta', meta: 'load' };
    expect(make(meta).of(meta, instance)).toBe(4);
  });
});
