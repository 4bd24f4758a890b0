import http from 'node:http';
import net, { type AddressInfo } from 'node:net';
import fc from 'fast-check';
import { afterEach, describe, expect, it, onTestFinished } from 'vitest';
import { Clients } from './clients.ts';
import { type HttpLoad, runHttpLoad } from './http-load.ts';
import { percentile, summarize } from './summary.ts';
import { runTcpLoad } from './tcp-load.ts';
import { histogramText, ms, summaryText } from './text.ts';

const servers: (http.Server | net.Server)[] = [];
afterEach(async () => {
  for (const server of servers.splice(0)) {
    if (server instanceof http.Server) server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
});

async function listen<S extends http.Server | net.Server>(server: S): Promise<{ server: S; port: number }> {
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { server, port: (server.address() as AddressInfo).port };
}

type Over = Partial<Omit<HttpLoad, 'clients'> & ConstructorParameters<typeof Clients>[0]>;

function loadOf(port: number, over: Over = {}): HttpLoad {
  const { url = new URL(`http://127.0.0.1:${port}/path?x=1`), lookup, ...load } = over;
  const { clients = 1, connections = 100, keepAlive = true, ...rest } = load;
  const all = new Clients({ url, clients, connections, keepAlive, lookup });
  onTestFinished(() => all.close());
  return {
    url,
    clients: all,
    method: 'GET',
    headers: {},
    requests: 50,
    rate: 1000,
    timeout: 30_000,
    ...rest,
  };
}

describe('HTTP load', () => {
  it('sends every request once, counts every byte and status', async () => {
    const seen: string[] = [];
    const { port } = await listen(
      http.createServer((request, response) => {
        seen.push(`${request.method} ${request.url} ${request.headers['x-test']}`);
        response.end('12345');
      }),
    );
    const result = await runHttpLoad(loadOf(port, { headers: { 'X-Test': 'yes' } }));
    expect(seen).toHaveLength(50);
    expect(new Set(seen)).toEqual(new Set(['GET /path?x=1 yes']));
    expect(result).toMatchObject({ failed: 0, statuses: { 200: 50 }, failures: {}, bytes: 250 });
    expect(result.latencies).toHaveLength(50);
  });

  it('keeps its rate however slow the answers are, and charges the wait', async () => {
    // Nothing is answered until all have arrived: a closed loop would wait for ever.
    const held: http.ServerResponse[] = [];
    const { port } = await listen(
      http.createServer((_, response) => {
        held.push(response);
        if (held.length === 40) for (const one of held) one.end();
      }),
    );
    const result = await runHttpLoad(loadOf(port, { requests: 40, rate: 400 }));
    expect(result.failed).toBe(0);
    // The first was due 39 intervals before the last: it waited for at least as long.
    expect(Math.max(...result.latencies)).toBeGreaterThanOrEqual(39 * 2.5);
  });

  it('counts from the due time when connections are short', async () => {
    // One connection, so that each request waits for those before it.
    const { port } = await listen(
      http.createServer((_, response) => {
        setTimeout(() => response.end(), 10);
      }),
    );
    const result = await runHttpLoad(loadOf(port, { requests: 10, rate: 10_000, connections: 1 }));
    expect(result.failed).toBe(0);
    expect(Math.max(...result.latencies)).toBeGreaterThanOrEqual(90);
  });

  it('tells failures apart', async () => {
    let at = 0;
    const { port } = await listen(
      http.createServer((request, response) => {
        const turn = at++ % 4;
        if (turn === 0) response.end('ok');
        else if (turn === 1) response.writeHead(503).end();
        else if (turn === 2) {
          response.writeHead(200, { 'Content-Length': '10' });
          response.write('half');
          setImmediate(() => request.socket.destroy());
        }
        // The fourth is never answered.
      }),
    );
    const result = await runHttpLoad(
      loadOf(port, { requests: 8, rate: 200, timeout: 3_000, keepAlive: false }),
    );
    expect(result.latencies).toHaveLength(2);
    expect(result.failed).toBe(6);
    expect(result.failures).toMatchObject({ 'status 503': 2, timeout: 2 });
    expect(result.statuses).toMatchObject({ 200: 4, 503: 2 });
  });

  it('a server that is not there fails every request', async () => {
    const { server, port } = await listen(net.createServer());
    await new Promise((resolve) => server.close(resolve));
    servers.length = 0;
    const result = await runHttpLoad(loadOf(port, { requests: 5 }));
    expect(result).toMatchObject({ failed: 5, failures: { ECONNREFUSED: 5 }, latencies: [] });
  });

  it('a kept connection that the server closes costs no request', async () => {
    const { port } = await listen(
      http.createServer((request, response) => {
        // Says nothing about it and closes right after the answer.
        response.end('x', () => request.socket.destroy());
      }),
    );
    const result = await runHttpLoad(loadOf(port, { requests: 100, rate: 2000, connections: 2 }));
    expect(result).toMatchObject({ failures: {}, failed: 0, statuses: { 200: 100 } });
  });

  it('a request on a kept connection that is closed unanswered is sent again, and counted', async () => {
    let seen = 0;
    const { port } = await listen(
      http.createServer((request, response) => {
        // The second request on each connection is taken and never answered.
        if (++seen % 2 === 0) request.socket.resetAndDestroy();
        else response.end('x');
      }),
    );
    const result = await runHttpLoad(loadOf(port, { requests: 4, rate: 1000, connections: 1 }));
    expect(result).toMatchObject({ failed: 0, statuses: { 200: 4 }, again: { refused: 0, closed: 3 } });
  });

  it('a request on a new connection that is closed unanswered has failed', async () => {
    const { port } = await listen(http.createServer(({ socket }) => socket.resetAndDestroy()));
    const result = await runHttpLoad(loadOf(port, { requests: 3 }));
    expect(result).toMatchObject({ failures: { 'new connection closed': 3 }, again: { closed: 0 } });
  });

  it('an answer that breaks off is not asked for again', async () => {
    let seen = 0;
    const { port } = await listen(
      http.createServer(({ socket }, response) => {
        if (++seen === 1) response.end('x');
        else socket.end('HTTP/1.1 200');
      }),
    );
    const result = await runHttpLoad(loadOf(port, { requests: 2, rate: 20, connections: 1 }));
    expect(result).toMatchObject({ statuses: { 200: 1 }, failures: { 'answer cut off': 1 } });
    expect(seen).toBe(2);
  });

  it('an address that refuses leads to the next one of the name, and is counted', async () => {
    const { port } = await listen(http.createServer((_, response) => response.end()));
    const result = await runHttpLoad(
      loadOf(port, {
        url: new URL(`http://tier.test:${port}/`),
        keepAlive: false,
        requests: 10,
        lookup: (_, __, found) =>
          found(null, [
            { address: '127.0.0.9', family: 4 },
            { address: '127.0.0.1', family: 4 },
          ]),
      }),
    );
    expect(result).toMatchObject({ failed: 0, again: { refused: 10, closed: 0 } });
  });

  it('clients send in turn, each on connections of its own', async () => {
    const ports = new Map<number | undefined, number>();
    const { port } = await listen(
      http.createServer(({ socket }, response) => {
        ports.set(socket.remotePort, (ports.get(socket.remotePort) ?? 0) + 1);
        response.end();
      }),
    );
    await runHttpLoad(loadOf(port, { requests: 20, connections: 1, clients: 4 }));
    expect([...ports.values()]).toEqual([5, 5, 5, 5]);
  });

  it('ends early with what there is', async () => {
    const stop = new AbortController();
    let answered = 0;
    const { port } = await listen(
      http.createServer((_, response) => {
        if (++answered <= 3) response.end();
      }),
    );
    let over = 0;
    const result = await runHttpLoad(
      loadOf(port, {
        requests: 1000,
        rate: 100,
        signal: stop.signal,
        done: () => {
          if (++over === 3) stop.abort();
        },
      }),
    );
    expect(result.latencies).toHaveLength(3);
    expect(result.failed).toBe(0);
  });
});

describe('held connections', () => {
  it('are all open at the same time, and closed at the end', async () => {
    const open = new Set<net.Socket>();
    let most = 0;
    let held = 0;
    // As soon as both sides have seen them all: a busy machine may need long for that.
    const end = new AbortController();
    const look = () => {
      most = Math.max(most, open.size);
      if (most === 30 && held === 30) end.abort();
    };
    const { port } = await listen(
      net.createServer((socket) => {
        open.add(socket);
        look();
        socket.on('close', () => open.delete(socket));
        socket.resume();
      }),
    );
    const base = { host: '127.0.0.1', port, rate: 10_000, timeout: 2000 };
    const changed = (now: number) => {
      held = now;
      look();
    };
    const load = { ...base, connections: 30, duration: 30_000, changed, signal: end.signal };
    expect(await runTcpLoad(load)).toMatchObject({ failed: 0, dropped: 0, held: 30 });
    expect(most).toBe(30);
    while (open.size > 0) await new Promise((resolve) => setTimeout(resolve, 5));
  });

  it('that the other side ends are counted', async () => {
    let accepted = 0;
    const { port } = await listen(
      net.createServer((socket) => {
        if (++accepted % 2 === 0) socket.destroy();
      }),
    );
    const end = new AbortController();
    let [opened, held] = [0, 0];
    const result = await runTcpLoad({
      host: '127.0.0.1',
      port,
      rate: 10_000,
      timeout: 30_000,
      connections: 10,
      duration: 30_000,
      signal: end.signal,
      changed(open) {
        opened += open > held ? 1 : 0;
        held = open;
        if (opened === 10 && held === 5) end.abort();
      },
    });
    expect(result).toMatchObject({ failed: 0, dropped: 5, held: 5 });
  });
});

describe('the summary', () => {
  it('of nothing is nothing', () => {
    expect(summarize([], 3)).toEqual({ total: 3, success: 0, fail: 3, latency: null, histogram: [] });
  });

  it('has percentiles by nearest rank', () => {
    const hundred = Array.from({ length: 100 }, (_, index) => 100 - index);
    expect(summarize(hundred, 0).latency).toEqual({ avg: 50.5, min: 1, max: 100, p50: 50, p99: 99 });
    expect(percentile([7], 0.99)).toBe(7);
  });

  it('has a histogram in which each value is once, in buckets that join', () => {
    const latency = fc.double({ min: 0.001, max: 100_000, noNaN: true });
    fc.assert(
      fc.property(fc.array(latency, { minLength: 1, maxLength: 200 }), (values) => {
        const { histogram, success } = summarize(values, 0);
        expect(histogram.reduce((sum, { count }) => sum + count, 0)).toBe(success);
        for (const [at, bucket] of histogram.entries()) {
          const inside = values.filter((value) => value > bucket.from && value <= bucket.to).length;
          if (at > 0) expect(bucket.from).toBe(histogram[at - 1]!.to);
          expect(bucket.count).toBe(inside);
        }
        expect(histogram[0]!.count).toBeGreaterThan(0);
      }),
    );
  });

  it('reads well', () => {
    const text = summaryText(summarize([5, 7, 2840], 5767), 'Request');
    expect(text).toContain('Total Requests:   5,770\n');
    expect(text).toContain('Max:              2,840 ms\n');
    expect([0.4237, 17.31, 2840.2].map(ms)).toEqual(['0.42', '17.3', '2,840']);
    const lines = histogramText([
      { from: 5, to: 10, count: 1000 },
      { from: 10, to: 20, count: 1 },
    ]).split('\n');
    expect(lines[0]).toMatch(/up to {5}10 ms {2}█{40} {2}1,000$/);
    expect(lines[1]).toMatch(/up to {5}20 ms {2}█ +1$/);
  });
});
