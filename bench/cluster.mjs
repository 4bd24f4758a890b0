// @ts-check
// A cluster of three servers and two agents on this machine: how long writes fail when the leader is killed, how
// long a change on one node takes
// to be routed on another, how many writes are acknowledged per second.
import { mkdtempSync, rmSync } from 'node:fs';
import http from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describeCluster } from '../scripts/support/cluster.mjs';
import { until } from '../scripts/support/processes.mjs';
import { say } from '../scripts/support/say.mjs';
import { put, send } from './agent.mjs';
import { followers, replica } from './cluster-size.mjs';
import { conditions, printConditions } from './conditions.mjs';
import { quantile, table } from './figures.mjs';
import { keep, numberOption, options } from './options.mjs';

/** What takes longer is a failure, not a figure. */
const GIVE_UP_MS = 30_000;
/** How many changes are watched until the last follower has them. */
const CHANGES_TO_FOLLOWERS = 20;
/** A single attempt at a write: a client that waits for longer would not notice sooner. */
const ATTEMPT_MS = 10_000;

/** @typedef {import('../scripts/support/cluster.mjs').Node} Node */
/** @typedef {import('../scripts/support/processes.mjs').Running} Running */

const pause = (/** @type {number} */ ms) => new Promise((resolve) => setTimeout(resolve, ms));

/**
 * Writes again and again until one is acknowledged; ms since `begin`. @param {http.Agent} agent @param {Node} node
 * @param {number} begin
 */
async function firstWrite(agent, node, begin) {
  for (;;) {
    const attempt = send(agent, 'PUT', `http://${node.api}/v1/kv/bench/failover`, 'x').catch(() => undefined);
    const answer = await Promise.race([attempt, pause(ATTEMPT_MS)]);
    const now = performance.now() - begin;
    if (/** @type {any} */ (answer)?.status === 200) return now;
    if (now > GIVE_UP_MS) throw new Error(`no write within ${GIVE_UP_MS} ms`);
    await pause(5);
  }
}

/** @param {Node} node */
const leaderSeenBy = async (node) =>
  JSON.parse((await send(new http.Agent(), 'GET', `http://${node.api}/v1/status/leader`)).text);

/** @param {Node[]} servers @param {Node[]} clients @param {Map<string, Running>} running @param {number} rounds */
async function failover(servers, clients, running, rounds) {
  const [client] = /** @type {[Node]} */ (clients);
  const agent = new http.Agent({ keepAlive: true });
  const times = [];
  for (let round = 0; round < rounds; round++) {
    let leader = /** @type {Node | undefined} */ (undefined);
    await until('a leader', async () => {
      const address = await leaderSeenBy(client);
      leader = servers.find(({ links }) => links === address);
      return leader !== undefined;
    });
    const killed = /** @type {Node} */ (/** @type {unknown} */ (leader));
    await running.get(killed.name)?.kill();
    times.push(await firstWrite(agent, client, performance.now()));
    running.set(killed.name, killed.start());
    // Its own etcd has to be back: two out of three would be another experiment.
    await until(
      `${killed.name} to take a write`,
      async () => (await send(agent, 'PUT', `http://${killed.api}/v1/kv/x`, 'x')).status === 200,
      { ms: 60_000 },
    );
    await pause(1_000);
  }
  agent.destroy();
  return times;
}

/**
 * From a registration on one agent, as it is sent, to the first request that a balancer on another one routes
 * there. @param {Node[]} clients @param {number} rounds
 */
async function propagation([one, other], rounds) {
  const backend = http.createServer((_, response) => response.end('ok'));
  await new Promise((resolve) => backend.listen(0, '127.0.0.1', () => resolve(undefined)));
  const { port } = /** @type {import('node:net').AddressInfo} */ (backend.address());
  const [writer, reader] = [new http.Agent({ keepAlive: true }), new http.Agent({ keepAlive: true })];
  const times = [];
  for (let round = 0; round < rounds; round++) {
    const service = {
      ID: `b-${round}`,
      Name: `b-${round}`,
      Address: '127.0.0.1',
      Port: port,
      Tags: [`urlprefix-/b-${round}`],
      Check: { TTL: '24h', Status: 'passing' },
    };
    const begin = performance.now();
    const url = `http://127.0.0.1:${other?.ports.proxy}/b-${round}`;
    const asking = (async () => {
      while ((await send(reader, 'GET', url)).status !== 200)
        if (performance.now() - begin > GIVE_UP_MS) throw new Error(`${url} is not routed`);
      return performance.now() - begin;
    })();
    await put(writer, `http://${one?.api}/v1/agent/service/register`, JSON.stringify(service));
    times.push(await asking);
    await put(writer, `http://${one?.api}/v1/agent/service/deregister/b-${round}`);
  }
  for (const agent of [writer, reader]) agent.destroy();
  backend.close();
  return times;
}

/** @param {Node[]} nodes @param {number} writers of each node @param {number} seconds */
async function writes(nodes, writers, seconds) {
  /** @type {number[]} */
  const latencies = [];
  const begin = performance.now();
  const end = begin + seconds * 1000;
  const value = 'x'.repeat(100);
  await Promise.all(
    nodes.flatMap((node) =>
      Array.from({ length: writers }, async (_, writer) => {
        const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
        for (let i = 0; performance.now() < end; i++) {
          const sent = performance.now();
          await put(
            agent,
            `http://${node.api}/v1/kv/bench/${node.name}/${writer}/${i % 1000}`,
            `${value}${i}`,
          );
          latencies.push(performance.now() - sent);
        }
        agent.destroy();
      }),
    ),
  );
  return { perSecond: latencies.length / ((performance.now() - begin) / 1000), latencies };
}

/** @param {Record<string, string>} chosen */
async function threeServers(chosen) {
  const folder = mkdtempSync(join(tmpdir(), 'muster-bench-'));
  const { servers, clients } = await describeCluster(folder, { clients: 2, flags: ['-log-level=warn'] });
  /** @type {Map<string, Running>} */
  const running = new Map();
  try {
    for (const node of [...servers, ...clients]) running.set(node.name, node.start());
    const agent = new http.Agent();
    for (const node of [...servers, ...clients])
      await until(
        `${node.name} to take a write`,
        async () => (await send(agent, 'PUT', `http://${node.api}/v1/kv/x`, 'x')).status === 200,
        { ms: 60_000 },
      );
    say('bench', 'writes per second');
    const seconds = numberOption(chosen, 'seconds');
    const all = numberOption(chosen, 'writers');
    const rows = [];
    const figures = /** @type {Record<string, unknown>} */ ({});
    for (const [what, nodes, each] of /** @type {const} */ ([
      ['writes, one writer on a server', servers.slice(0, 1), 1],
      [`writes, ${all} writers on one server`, servers.slice(0, 1), all],
      [`writes, ${all} writers on each server`, servers, all],
      [`writes, ${all} writers on an agent`, clients.slice(0, 1), all],
    ])) {
      const { perSecond, latencies } = await writes(nodes, each, seconds);
      figures[what] = { perSecond, p50: quantile(latencies, 0.5), p99: quantile(latencies, 0.99) };
      rows.push([what, perSecond, quantile(latencies, 0.5), quantile(latencies, 0.99)]);
    }
    say('bench', 'from a registration on one agent to the first request routed by another');
    const changes = await propagation(clients, numberOption(chosen, 'changes'));
    say('bench', 'the leader is killed');
    const kills = await failover(servers, clients, running, numberOption(chosen, 'kills'));
    rows.push(['registered on one, routed by another', '', quantile(changes, 0.5), quantile(changes, 0.99)]);
    rows.push(['leader killed, writes again', '', quantile(kills, 0.5), quantile(kills, 0.99)]);
    return { rows, figures, changes, kills };
  } finally {
    await Promise.all([...running.values()].map((program) => program.kill()));
    rmSync(folder, { recursive: true, force: true });
  }
}

/** @param {string[]} argv */
export async function clusterBench(argv) {
  const chosen = options(argv, {
    parts: 'three,followers,instances',
    kills: '20',
    changes: '200',
    seconds: '5',
    writers: '32',
    followers: '10000',
    instances: '172000',
  });
  const parts = (chosen.parts ?? '').split(',');
  const about = conditions();
  printConditions(about);
  /** @type {Record<string, unknown>} */
  const kept = { conditions: about };
  if (parts.includes('three')) {
    const { rows, ...three } = await threeServers(chosen);
    process.stdout.write(`${table(['', 'per second', 'p50 ms', 'p99 ms'], /** @type {any} */ (rows))}\n`);
    Object.assign(kept, three);
  }
  if (parts.includes('followers')) {
    const of = await followers(numberOption(chosen, 'followers'), CHANGES_TO_FOLLOWERS);
    const rows = [
      ['until all follow, s', of.secondsToJoin],
      ['memory of the server for each, kB', of.kilobytesPerAgent],
      ['cores busy with nothing to do', of.coresBusy.server],
      ['those of the simulated agents', of.coresBusy.agents],
      ['processor time for each, µs per second', of.microsecondsPerAgentAndSecond],
      ['a change reaches all: p50 ms', of.p50],
      ['longest ms', of.longest],
      ['processor time of the server for it, ms', of.busyForAChange.server],
      ['of the simulated agents, ms', of.busyForAChange.agents],
    ];
    process.stdout.write(`${table(['one server', `${of.count} agents`], /** @type {any} */ (rows))}\n`);
    kept.followers = of;
  }
  if (parts.includes('instances')) {
    const of = await replica(numberOption(chosen, 'instances'));
    const rows = [
      ['from its start until it has all, s', of.seconds],
      ['of it at work, s of processor time', of.busySeconds],
      ['its memory, MB', of.megabytes],
    ];
    process.stdout.write(`${table(['a new agent', `${of.count} instances`], /** @type {any} */ (rows))}\n`);
    kept.instances = of;
  }
  keep('cluster', kept);
  return 0;
}
