/** What keeps requests from failing when instances are busy or answer with errors: the engine on real sockets. */
import { once } from 'node:events';
import http from 'node:http';
import { connect } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import type { Target } from '../../balance/balancer.ts';
import { isEjected } from '../../balance/ejection.ts';
import { ManualClock } from '../../lib/clock.ts';
import { CounterReader, createCounterBlock } from '../counters.ts';
import { Ejector } from '../ejector.ts';
import { routeTo, targetAt } from '../fixtures.ts';
import { Neighbourly, WaitingCounts } from '../neighbours.ts';
import { ProxyServer, type ProxyServerOptions } from './server.ts';

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

/** An instance that answers when it is told to. */
class Instance {
  readonly open: http.ServerResponse[] = [];
  readonly methods: string[] = [];
  status = 200;
  isPatient = false;
  port = 0;
  #waiting: (() => void)[] = [];

  static async start(): Promise<Instance> {
    const instance = new Instance();
    const server = http.createServer((request, response) => {
      instance.methods.push(request.method ?? '');
      request.resume();
      instance.open.push(response);
      for (const wake of instance.#waiting.splice(0)) wake();
      if (!instance.isPatient) instance.answer();
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    closers.push(() => {
      server.closeAllConnections();
      server.close();
    });
    instance.port = (server.address() as { port: number }).port;
    return instance;
  }

  answer(): void {
    const response = this.open.shift();
    if (response === undefined) throw new Error('nobody waits for an answer');
    response.statusCode = this.status;
    response.end(`from ${this.port}`);
  }

  async has(requests: number): Promise<void> {
    while (this.open.length < requests) await new Promise<void>((wake) => this.#waiting.push(wake));
  }
}

async function proxy(targets: readonly Target[], options: Partial<ProxyServerOptions> = {}) {
  const server = new ProxyServer({ routes: routeTo(targets), ...options });
  closers.push(() => server.stop());
  const { host, port } = await server.open({ id: 'web', protocol: 'http', host: '127.0.0.1', port: 0 });
  const agent = new http.Agent({ keepAlive: true });
  closers.push(() => agent.destroy());
  const ask = (method = 'GET') =>
    new Promise<{ status: number; text: string; retryAfter: string | undefined }>((resolve, reject) => {
      const request = http.request({ host, port, method, agent }, (response) => {
        let text = '';
        response.on('data', (chunk) => {
          text += chunk;
        });
        response.on('end', () =>
          resolve({ status: response.statusCode ?? 0, text, retryAfter: response.headers['retry-after'] }),
        );
      });
      request.on('error', reject);
      request.end();
    });
  return { ask, host, port };
}

const at = ({ port }: Instance, slot: number, maxConnections = 0): Target => ({
  ...targetAt(port, slot),
  maxConnections,
});

describe('instances that have as many requests as they may', () => {
  it('let the others wait, and take them up in the order in which they came', async () => {
    const one = await Instance.start();
    one.isPatient = true;
    const { ask } = await proxy([at(one, 1, 1)]);
    const done: number[] = [];
    const asked: Promise<unknown>[] = [];
    for (let number = 0; number < 4; number++) {
      asked.push(ask().then(() => done.push(number)));
      if (number === 0) await one.has(1);
      // The connection of each is accepted before the next one asks.
      else await new Promise((resolve) => setImmediate(resolve));
    }
    for (let number = 0; number < 4; number++) {
      await one.has(1);
      expect(one.open.length).toBe(1);
      one.answer();
    }
    await Promise.all(asked);
    expect([...done].sort()).toEqual([0, 1, 2, 3]);
  });

  it('are passed over for one that has room', async () => {
    const [busy, free] = [await Instance.start(), await Instance.start()];
    busy.isPatient = true;
    const { ask } = await proxy([at(busy, 1, 1), at(free, 2, 1)]);
    const first = ask();
    await busy.has(1);
    expect((await ask()).text).toBe(`from ${free.port}`);
    busy.answer();
    expect((await first).status).toBe(200);
  });

  it('answer 503 with Retry-After when the wait is over, or when too many wait', async () => {
    const one = await Instance.start();
    one.isPatient = true;
    const { ask } = await proxy([at(one, 1, 1)], { limits: { waitTimeout: 50, maxWaiting: 1 } });
    const first = ask();
    await one.has(1);
    // One waits in vain, the other finds no place to wait.
    const others = await Promise.all([ask(), ask()]);
    for (const { status, text, retryAfter } of others) {
      expect([status, retryAfter]).toEqual([503, '1']);
      expect(text).toContain('as many requests as its instances may have');
    }
    one.answer();
    expect((await first).status).toBe(200);
    const later = ask();
    await one.has(1);
    one.answer();
    expect((await later).status).toBe(200);
  });

  it('take turns with those that wait at another worker', async () => {
    const one = await Instance.start();
    one.isPatient = true;
    const target = at(one, 1, 1);
    const { shared } = new WaitingCounts();
    const counters = createCounterBlock();
    const counts = new CounterReader();
    counts.add(counters);
    const inFlight = async (number: number) => {
      while (counts.overall().inFlight !== number) await new Promise((resolve) => setImmediate(resolve));
    };
    // The last worker is drawn as long as anybody waits there.
    const workers = [0, 1].map((index) => {
      const neighbours = new Neighbourly({ name: 'staying-up', counts: shared, index }, () => 0.999);
      closers.push(() => neighbours.close());
      return proxy([target], { neighbours, counters });
    });
    const [here, there] = (await Promise.all(workers)) as [
      Awaited<(typeof workers)[0]>,
      Awaited<(typeof workers)[0]>,
    ];
    const order: string[] = [];
    const asked = async (name: string, ask: typeof here.ask) => {
      expect((await ask()).status).toBe(200);
      order.push(name);
    };
    const all = [asked('first', here.ask)];
    await one.has(1);
    all.push(asked('here', here.ask));
    await inFlight(2);
    all.push(asked('there', there.ask));
    await inFlight(3);
    for (let n = 0; n < 3; n++) {
      await one.has(1);
      one.answer();
    }
    await Promise.all(all);
    expect(order).toEqual(['first', 'there', 'here']);
  });

  it('forget a client that goes away while it waits', async () => {
    const one = await Instance.start();
    one.isPatient = true;
    const counters = createCounterBlock();
    const counts = new CounterReader();
    counts.add(counters);
    const inFlight = async (number: number) => {
      while (counts.overall().inFlight !== number) await new Promise((resolve) => setImmediate(resolve));
    };
    const { ask, host, port } = await proxy([at(one, 1, 1)], { limits: { maxWaiting: 1 }, counters });
    const first = ask();
    await one.has(1);
    const gone = connect({ host, port });
    gone.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n');
    await inFlight(2);
    expect((await ask()).status).toBe(503);
    gone.resetAndDestroy();
    await inFlight(1);
    const waits = ask();
    await inFlight(2);
    one.answer();
    await first;
    await one.has(1);
    one.answer();
    expect((await waits).status).toBe(200);
    expect(one.methods.length).toBe(2);
  });
});

describe('an instance that answers 503', () => {
  it('has its GET answered by another one, its POST not', async () => {
    const [bad, good] = [await Instance.start(), await Instance.start()];
    bad.status = 503;
    const { ask } = await proxy([at(bad, 1), at(good, 2)]);
    expect(await ask()).toMatchObject({ status: 200, text: `from ${good.port}` });
    expect(await ask('POST')).toMatchObject({ status: 503, text: `from ${bad.port}` });
    expect(good.methods).toEqual(['GET']);
  });

  it('has its answer passed on when nobody else is left', async () => {
    const [one, two] = [await Instance.start(), await Instance.start()];
    one.status = 503;
    two.status = 504;
    const { ask } = await proxy([at(one, 1), at(two, 2)]);
    expect(await ask()).toMatchObject({ status: 504, text: `from ${two.port}` });
    const { ask: askAlone } = await proxy([at(one, 1)]);
    expect(await askAlone()).toMatchObject({ status: 503, text: `from ${one.port}` });
  });

  it('is not made up for beyond the budget', async () => {
    const [bad, good] = [await Instance.start(), await Instance.start()];
    bad.status = 502;
    const { ask } = await proxy([at(bad, 1), at(good, 2)], { limits: { retryShare: 0 } });
    // The reserve of a second or two …
    for (let asked = 0; asked < 10; asked++) expect((await ask()).status).toBe(200);
    // … then what the instance says. Many at once: the reserve fills with time.
    for (let statuses: number[] = []; !statuses.includes(502); )
      statuses = await Promise.all(Array.from({ length: 40 }, async () => (await ask()).status));
  });

  it('is ejected after some in a row, and tried again when its time is over', async () => {
    const [bad, good] = [await Instance.start(), await Instance.start()];
    bad.status = 503;
    const clock = new ManualClock(1_000_000);
    const outcomes = new Ejector({
      clock,
      random: () => 1 - Number.EPSILON,
      connect: () => Promise.resolve(true),
      onEjected: ({ why }) => events.push(why),
      onReturned: (id) => events.push(`${id} is back`),
    });
    closers.push(() => outcomes.stop());
    const events: string[] = [];
    const target = at(bad, 1);
    const { ask } = await proxy([target, at(good, 2)], { outcomes });
    for (let asked = 0; asked < 5; asked++) expect((await ask()).status).toBe(200);
    expect(events).toEqual(['answers 503, again and again']);
    expect(isEjected(target.state)).toBe(true);
    clock.advance(5_000);
    expect(isEjected(target.state)).toBe(false);
    expect(events.at(-1)).toBe('t1 is back');
    await ask();
    expect(isEjected(target.state)).toBe(true);
    bad.status = 200;
    clock.advance(15_000);
    for (let asked = 0; asked < 6; asked++) await ask('POST');
    expect(isEjected(target.state)).toBe(false);
  });

  it('is not ejected when all answer so', async () => {
    const [one, two] = [await Instance.start(), await Instance.start()];
    one.status = 503;
    two.status = 503;
    const outcomes = new Ejector({
      clock: new ManualClock(1),
      random: () => 0.5,
      connect: () => Promise.resolve(true),
      onEjected: () => {},
      onReturned: () => {},
    });
    closers.push(() => outcomes.stop());
    const targets = [at(one, 1), at(two, 2)];
    const { ask } = await proxy(targets, { outcomes });
    for (let asked = 0; asked < 20; asked++) expect((await ask()).status).toBe(503);
    expect(targets.filter(({ state }) => isEjected(state)).length).toBeLessThanOrEqual(1);
  });
});
