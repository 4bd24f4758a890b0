import { once } from 'node:events';
import http from 'node:http';
import { pathToFileURL } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { isMusterError } from '../errors.ts';
import { silentLogger } from '../lib/log.ts';
import type { RouteDelta, RouteSpec } from '../route/spec.ts';
import { bundled } from './bundles.test-support.ts';
import { TRANSPORT_NAMES, type TransportChoice } from './choice.ts';
import type { Ejection } from './ejector.ts';
import { routeSpec } from './fixtures.ts';
import { type FleetOptions, ProxyFleet } from './fleet.ts';
import type { ListenerSpec } from './listener-spec.ts';
import { OBSTACLE } from './uring/fixtures.ts';

/** `late`: its loop does not come to what is published. */
const programOf = bundled({ worker: 'src/proxy/worker.ts', late: 'test/programs/late-worker.ts' });
const workerOf = (name: 'worker' | 'late') => pathToFileURL(programOf(name));

/** What every fleet of a test is carried by. */
let transport: TransportChoice = { name: 'net', why: 'a test wants it' };

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

async function backend(name: string): Promise<number> {
  const server = http.createServer((_, response) => response.end(name)).listen(0, '127.0.0.1');
  await once(server, 'listening');
  closers.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return (server.address() as { port: number }).port;
}

const route = (...ports: number[]): RouteSpec =>
  routeSpec(ports.map((port) => ({ id: `node/web-${port}`, port })));

const delta = (version: number, ...changed: RouteSpec[]): RouteDelta => ({
  version,
  changed,
  patched: [],
  removed: [],
});

/** A listener on a free port. */
const anywhere = (id: string): ListenerSpec => ({ id, protocol: 'http', host: '127.0.0.1', port: 0 });

async function fleetWith(routes: RouteDelta, options: Partial<FleetOptions> = {}): Promise<ProxyFleet> {
  const fleet = await ProxyFleet.start({
    listeners: [anywhere('web')],
    log: silentLogger,
    transport,
    workers: 1,
    snapshot: () => routes,
    worker: workerOf('worker'),
    ...options,
  });
  closers.push(() => fleet.stop());
  const { transport: carrier = transport, workers = 1 } = options;
  expect(fleet.carriage).toMatchObject({ transport: carrier.name, workers });
  return fleet;
}

/** A logger that counts the workers that died. */
function coroner() {
  const seen = { deaths: 0 };
  const log = {
    ...silentLogger,
    error(message: string) {
      if (message.startsWith('a proxy worker died')) seen.deaths++;
    },
  };
  return { seen, log };
}

async function get(fleet: ProxyFleet, listener = 'web'): Promise<string> {
  const { host, port } = fleet.addresses.get(listener)!;
  const [response] = (await once(http.get({ host, port, agent: false }), 'response')) as [
    http.IncomingMessage,
  ];
  let text = '';
  for await (const chunk of response) text += String(chunk);
  return `${response.statusCode} ${text}`;
}

/** Asks again and again. */
async function until<T>(ask: () => T | undefined | Promise<T | undefined>): Promise<T> {
  for (;;) {
    const answer = await ask();
    if (answer !== undefined) return answer;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

describe.each(TRANSPORT_NAMES)('the fleet on %s', (name) => {
  beforeEach((context) => {
    if (name === 'uring' && OBSTACLE !== undefined) context.skip(OBSTACLE);
    transport = { name, why: 'a test wants it' };
  });

  it('routes as it was told, and as it is told later', async () => {
    const [a, b] = [await backend('a'), await backend('b')];
    let applied: (version: number) => void = () => {};
    const fleet = await fleetWith(delta(1, route(a)), { onApplied: (version) => applied(version) });
    expect(await get(fleet)).toBe('200 a');
    const isApplied = new Promise<number>((resolve) => {
      applied = resolve;
    });
    fleet.publish(delta(2, route(b)));
    expect(await isApplied).toBe(2);
    expect(await get(fleet)).toBe('200 b');
  });

  it('routes a request by what was published before, though its worker’s loop has not come to that', async () => {
    const [a, b] = [await backend('a'), await backend('b')];
    const fleet = await fleetWith(delta(1, route(a)), { worker: workerOf('late') });
    expect(await get(fleet)).toBe('200 a');
    fleet.publish(delta(2, route(b)));
    expect(await get(fleet)).toBe('200 b');
  });

  it('misses no change that is published while it starts', async () => {
    const [a, b] = [await backend('a'), await backend('b')];
    const fleet = new ProxyFleet({
      listeners: [anywhere('web')],
      log: silentLogger,
      transport,
      workers: 1,
      snapshot: () => delta(1, route(a)),
      worker: workerOf('worker'),
    });
    closers.push(() => fleet.stop());
    const listening = fleet.listen();
    fleet.publish(delta(2, route(b)));
    await listening;
    expect(await until(async () => ((await get(fleet)) === '200 b' ? true : undefined))).toBe(true);
  });

  it('counts in memory that the main thread reads', async () => {
    const fleet = await fleetWith(delta(1, route(await backend('a'))));
    await get(fleet);
    await get(fleet);
    // The client has its answer a moment before it is counted.
    const counted = await until(() => {
      const tally = fleet.counters.slot(2);
      return tally.inFlight === 0 ? tally : undefined;
    });
    expect(counted).toMatchObject({ requests: 2, classes: [0, 2, 0, 0, 0] });
    expect(counted.p99).toBeGreaterThan(0);
    expect(fleet.counters.slot(1).requests).toBe(2);
    expect(fleet.counters.overall()).toMatchObject({ requests: 2, connections: 2, own5xx: 0 });
    expect(fleet.counters.isIdle(2)).toBe(true);
    fleet.counters.clear(2);
    expect(fleet.counters.slot(2).requests).toBe(0);
  });

  it('tells which instance was ejected and why', async () => {
    const dead = await backend('dead');
    await closers.pop()!();
    const seen: Ejection[][] = [];
    const fleet = await fleetWith(delta(1, route(dead, await backend('a'))), {
      onEjections: (ejections) => seen.push([...ejections]),
    });
    for (let i = 0; i < 3; i++) expect(await get(fleet)).toBe('200 a');
    await until(() => (seen.length > 0 ? true : undefined));
    expect(seen[0]).toMatchObject([{ id: `node/web-${dead}`, port: dead, why: 'connection refused' }]);
    expect(fleet.counters.overall().connectFailures).toBe(1);
    fleet.publish(delta(2, route()));
    await until(() => (fleet.ejections().length === 0 ? true : undefined));
  });

  it('replaces a worker that dies, on the same port, and keeps the counts', async () => {
    const fleet = await fleetWith(delta(1, route(await backend('a'))));
    await get(fleet);
    const before = fleet.addresses.get('web')!.port;
    fleet.publish({ version: 2 } as RouteDelta);
    const answer = await until(() => get(fleet).catch(() => undefined));
    expect(answer).toBe('200 a');
    await until(() => (fleet.counters.overall().requests >= 2 ? true : undefined));
    expect(fleet.addresses.get('web')!.port).toBe(before);
    expect(fleet.carriage.workers).toBe(1);
  });

  it('says why it cannot listen', async () => {
    const fleet = await fleetWith(delta(1));
    const taken = { ...anywhere('taken'), ...fleet.addresses.get('web')! };
    const error = await fleetWith(delta(1), { listeners: [taken] }).catch((thrown: unknown) => thrown);
    expect(isMusterError(error, 'listen.in_use')).toBe(true);
  });

  it('listens in several places, and elsewhere later, with the same routes', async () => {
    const fleet = await fleetWith(delta(1, route(await backend('a'))), {
      listeners: [anywhere('web'), anywhere('also')],
    });
    await fleet.open(anywhere('later'));
    for (const id of ['web', 'also', 'later']) expect(await get(fleet, id)).toBe('200 a');
    const { port } = fleet.addresses.get('also')!;
    const agent = new http.Agent({ keepAlive: true });
    closers.push(() => agent.destroy());
    const [kept] = (await once(http.get({ port, agent }), 'response')) as [http.IncomingMessage];
    await once(kept.resume(), 'end');
    fleet.close('also', 5_000);
    const outcome = async () => {
      const request = http.get({ port, agent });
      const [answer] = (await once(request, 'response')) as [http.IncomingMessage];
      await once(answer.resume(), 'end');
      return answer.headers.connection;
    };
    await until(async () => ((await outcome().catch(() => 'gone')) === 'gone' ? true : undefined));
    expect(fleet.addresses.has('also')).toBe(false);
    expect(await get(fleet)).toBe('200 a');
  });

  it('goes on where it listens when it cannot listen in one more place', async () => {
    const fleet = await fleetWith(delta(1, route(await backend('a'))));
    const taken = { ...anywhere('taken'), ...fleet.addresses.get('web')! };
    const error = await fleet.open(taken).catch((thrown: unknown) => thrown);
    expect(isMusterError(error, 'listen.in_use')).toBe(true);
    expect([...fleet.addresses.keys()]).toEqual(['web']);
    expect(await get(fleet)).toBe('200 a');
  });

  it('opens all listeners again when a worker is replaced', async () => {
    const fleet = await fleetWith(delta(1, route(await backend('a'))));
    await fleet.open(anywhere('later'));
    const ports = [...fleet.addresses.values()].map(({ port }) => port);
    fleet.publish({ version: 2 } as RouteDelta);
    for (const id of ['web', 'later'])
      expect(await until(() => get(fleet, id).catch(() => undefined))).toBe('200 a');
    expect([...fleet.addresses.values()].map(({ port }) => port)).toEqual(ports);
  });

  it('lets what is under way finish when it stops', async () => {
    const slow = http.createServer().listen(0, '127.0.0.1');
    closers.push(() => slow.close());
    await once(slow, 'listening');
    const fleet = await fleetWith(delta(1, route((slow.address() as { port: number }).port)));
    const answer = get(fleet);
    const [, response] = (await once(slow, 'request')) as [unknown, http.ServerResponse];
    const stopped = fleet.stop({ patience: 5_000, isReplaced: false });
    response.end('late');
    expect(await answer).toBe('200 late');
    await stopped;
    expect(fleet.counters.overall()).toMatchObject({ openConnections: 0, inFlight: 0, requests: 1 });
  });
});

describe.skipIf(OBSTACLE !== undefined)('several workers', () => {
  it('share a port, take up the same routes and are all replaced when they die', async () => {
    const [a, b] = [await backend('a'), await backend('b')];
    const { seen, log } = coroner();
    const fleet = await ProxyFleet.start({
      listeners: [anywhere('web')],
      log,
      transport: { name: 'uring', why: 'a test wants it' },
      workers: 2,
      snapshot: () => delta(2, route(b)),
      worker: workerOf('worker'),
    });
    closers.push(() => fleet.stop());
    expect(fleet.carriage).toMatchObject({ transport: 'uring', workers: 2 });
    for (let i = 0; i < 20; i++) expect(await get(fleet)).toBe('200 b');
    fleet.publish(delta(3, route(a)));
    await until(async () => ((await get(fleet)) === '200 a' ? true : undefined));
    fleet.publish({ version: 4 } as RouteDelta);
    await until(() => (seen.deaths === 2 ? true : undefined));
    await until(() => (fleet.carriage.workers === 2 ? true : undefined));
    expect(await until(() => get(fleet).catch(() => undefined))).toBe('200 b');
  });

  it('that die under load are replaced, and leave nothing of it behind', async () => {
    const routes = delta(1, route(await backend('a')));
    const { seen, log } = coroner();
    const fleet = await fleetWith(routes, {
      transport: { name: 'uring', why: 'a test wants it' },
      workers: 2,
      log,
    });
    let isOver = false;
    const answers = Array<number>(16).fill(0);
    const clients = answers.map(async (_, i) => {
      while (!isOver) if ((await get(fleet).catch(() => undefined)) === '200 a') answers[i]!++;
    });
    const served = async () => {
      answers.fill(0);
      await until(() => (answers.every((count) => count > 4) ? true : undefined));
    };
    await served();
    fleet.publish({ version: 2 } as RouteDelta);
    await until(() => (seen.deaths === 2 ? true : undefined));
    await until(() => (fleet.carriage.workers === 2 ? true : undefined));
    await served();
    isOver = true;
    await Promise.all(clients);
    const left = () => [fleet.counters.slot(2).inFlight, fleet.counters.overall()] as const;
    await until(() => (left()[0] === 0 && left()[1].openConnections === 0 ? true : undefined));
    expect(left()[1].inFlight).toBe(0);
  });
});
