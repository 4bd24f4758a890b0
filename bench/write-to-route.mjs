// @ts-check
// From a write to the first request that follows it: registrations and deregistrations of a service, and how long until
// the balancer sends a request there, or no longer does.
import http from 'node:http';
import { inRoot } from '../scripts/support/paths.mjs';
import { freePorts, runToEnd, start, until } from '../scripts/support/processes.mjs';
import { say } from '../scripts/support/say.mjs';
import { put, send, startAgent } from './agent.mjs';
import { conditions, printConditions } from './conditions.mjs';
import { quantile, table } from './figures.mjs';
import { keep, numberOption, options } from './options.mjs';
import { hasOriginal, startConsul, startFabio } from './originals.mjs';

/** A change that is not followed within this time is a failure, not a figure. */
const GIVE_UP_MS = 5_000;

/**
 * Asks without a pause until the status is that; the time when that answer was complete.
 * @param {http.Agent} agent
 * @param {string} url
 * @param {number} status
 */
async function firstAnswer(agent, url, status) {
  const end = performance.now() + GIVE_UP_MS;
  for (;;) {
    const answer = await send(agent, 'GET', url);
    const now = performance.now();
    if (answer.status === status) return now;
    if (now > end) throw new Error(`${url} still answers ${answer.status} after ${GIVE_UP_MS} ms`);
  }
}

/**
 * Of each change two figures in ms: since the write was sent, and since it was acknowledged. The second is that of a
 * request sent when the acknowledgement has come (or sooner), and holds that request's own way there and back.
 * @param {string} api
 * @param {string} proxy
 * @param {number} rounds
 */
export async function followChanges(api, proxy, rounds) {
  const backend = http.createServer((_, response) => response.end('ok'));
  await new Promise((resolve) => backend.listen(0, '127.0.0.1', () => resolve(undefined)));
  const address = /** @type {import('node:net').AddressInfo} */ (backend.address());
  const [writer, reader] = [new http.Agent({ keepAlive: true }), new http.Agent({ keepAlive: true })];
  /** @type {Record<string, number[]>} */
  const times = {
    'join, from sent': [],
    'join, from accepted': [],
    'leave, from sent': [],
    'leave, from accepted': [],
  };

  /** @param {string} change @param {number} round @param {string} url @param {string | undefined} body @param {number} status */
  async function follow(change, round, url, body, status) {
    const begin = performance.now();
    // Every second round asks all the time; the others ask first when the write was accepted.
    const early = round % 2 === 0;
    const path = `http://${proxy}/bench-${round}`;
    const asking = early ? firstAnswer(reader, path, status) : undefined;
    await put(writer, url, body);
    const accepted = performance.now();
    const followed = await (asking ?? firstAnswer(reader, path, status));
    if (early) times[`${change}, from sent`]?.push(followed - begin);
    else times[`${change}, from accepted`]?.push(followed - accepted);
  }

  for (let round = 0; round < rounds; round++) {
    const id = `bench-${round}`;
    const body = JSON.stringify({
      ID: id,
      Name: id,
      Address: '127.0.0.1',
      Port: address.port,
      Tags: [`urlprefix-/${id}`],
      // Without a check nothing is routed; this one is not due while we look.
      Check: { TTL: '24h', Status: 'passing' },
    });
    await follow('join', round, `http://${api}/v1/agent/service/register`, body, 200);
    await follow('leave', round, `http://${api}/v1/agent/service/deregister/${id}`, undefined, 404);
  }
  for (const agent of [writer, reader]) agent.destroy();
  backend.closeAllConnections();
  backend.close();
  return times;
}

/** @param {string[]} argv */
export async function propagationBench(argv) {
  const chosen = options(argv, {
    rounds: '1000',
    http: '',
    proxy: '',
    store: 'embedded',
    tool: 'yes',
    'tool-rounds': '8',
    settle: '2000',
  });
  const rounds = numberOption(chosen, 'rounds');
  const facts = conditions();
  printConditions(facts);
  const ours =
    chosen.http === ''
      ? await startAgent({ store: chosen.store === 'memory' ? 'memory' : 'embedded' })
      : undefined;
  const [api = '', proxy = ''] = ours === undefined ? [chosen.http, chosen.proxy] : [ours.api, ours.proxy];
  try {
    // Compilers and connections are warm after some rounds.
    await followChanges(api, proxy, Math.min(200, rounds));
    const times = await followChanges(api, proxy, rounds);
    const figures = Object.entries(times).map(([what, values]) => ({
      what,
      count: values.length,
      p50: quantile(values, 0.5),
      p99: quantile(values, 0.99),
      max: quantile(values, 1),
    }));
    process.stdout.write(
      `\nstore ${ours === undefined ? 'unknown' : chosen.store}, ${rounds} joins and as many leaves, from sent and from accepted by turns, until the first request that follows\n\n`,
    );
    process.stdout.write(
      `${table(
        ['change', 'count', 'p50 ms', 'p99 ms', 'max ms'],
        figures.map((one) => [one.what, one.count, one.p50, one.p99, one.max]),
      )}\n\n`,
    );
    const tool = chosen.tool === 'yes' ? await besideOthers(api, proxy, chosen) : undefined;
    keep('propagation', { conditions: facts, options: chosen, figures, times, tool });
    return 0;
  } finally {
    await ours?.stop();
  }
}

/**
 * What clients see, what they would see of a program that does as little as can be, and what they see of Consul and fabio.
 * @param {string} api
 * @param {string} proxy
 * @param {Record<string, string>} chosen
 */
async function besideOthers(api, proxy, chosen) {
  say('bench', 'joins, leaves and crashes under 200 requests per second …');
  const muster = await clientsView(api, proxy, chosen);
  const floor = await floorsView(chosen);
  const originals = hasOriginal('consul') && hasOriginal('fabio') ? await originalsView(chosen) : undefined;
  const all = { muster, floor, ...(originals === undefined ? {} : { 'consul and fabio': originals }) };
  const rows = Object.entries(all).map(([what, { join_ms: join, requests, failed }]) => [
    what,
    join.p50,
    join.max,
    requests,
    failed.join + failed.leave + failed.crash + failed.idle,
  ]);
  process.stdout.write(`${table(['', 'join, p50 ms', 'max ms', 'requests', 'failed'], rows)}\n`);
  return all;
}

/** @param {Record<string, string>} chosen */
async function floorsView(chosen) {
  const [registryPort, proxyPort] = await freePorts(2);
  const program = start(process.execPath, [
    inRoot('bench', 'propagation-floor.mjs'),
    `${registryPort}`,
    `${proxyPort}`,
  ]);
  try {
    const [registry, balancer] = [`127.0.0.1:${registryPort}`, `127.0.0.1:${proxyPort}`];
    await until(
      'the floor',
      async () => (await send(new http.Agent(), 'GET', `http://${registry}/`)).status === 200,
    );
    return await clientsView(registry, balancer, chosen);
  } finally {
    await program.kill();
  }
}

/** @param {Record<string, string>} chosen */
async function originalsView(chosen) {
  const consul = await startConsul();
  try {
    const [port = 0] = await freePorts(1);
    const fabio = await startFabio({ port, registry: consul.api });
    try {
      const isThere = async () =>
        (await send(new http.Agent(), 'GET', `http://127.0.0.1:${port}/`)).status === 404;
      await until('fabio to answer', isThere, { program: fabio });
      return await clientsView(consul.api, `127.0.0.1:${port}`, chosen);
    } finally {
      await fabio.kill();
    }
  } finally {
    await consul.stop();
  }
}

/**
 * What clients under steady load see while instances join, leave and crash.
 * @param {string} api
 * @param {string} proxy
 * @param {Record<string, string>} chosen
 */
async function clientsView(api, proxy, chosen) {
  const args = [
    '--http',
    api,
    '--proxy',
    proxy,
    '--settle',
    chosen.settle ?? '',
    '--rounds',
    chosen['tool-rounds'] ?? '',
  ];
  const { code, output } = await runToEnd(process.execPath, [inRoot('bench', 'propagation.mjs'), ...args]);
  if (code !== 0) throw new Error(`propagation.mjs failed: ${output}`);
  return JSON.parse(output.trim().split('\n').at(-1) ?? '');
}
