// @ts-check
// What one server bears: many agents that follow it, and a large catalog that a new agent takes over.
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import http from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { describeCluster } from '../scripts/support/cluster.mjs';
import { inRoot } from '../scripts/support/paths.mjs';
import { until } from '../scripts/support/processes.mjs';
import { say } from '../scripts/support/say.mjs';
import { put, send } from './agent.mjs';
import { cpuTime, memory } from './cpu.mjs';
import { quantile } from './figures.mjs';

/** How long (ms) the server is looked at with nothing to do but its followers. */
const REST = 10_000;
/** Instances in one transaction, and of one service. */
const PER_TXN = 64;
const PER_SERVICE = 100;
/** Transactions under way at a time. */
const WRITERS = 8;
const START = 60_000;

/**
 * A cluster of one server on this machine, for as long as `work` takes.
 * @template T @param {number} clients
 * @param {(cluster: Awaited<ReturnType<typeof describeCluster>>, server: import('../scripts/support/processes.mjs').Running) => Promise<T>} work
 */
async function withServer(clients, work) {
  const folder = mkdtempSync(join(tmpdir(), 'muster-bench-'));
  const cluster = await describeCluster(folder, { servers: 1, clients, flags: ['-log-level=warn'] });
  const [server] = /** @type {[import('../scripts/support/cluster.mjs').Node]} */ (cluster.servers);
  const program = server.start();
  try {
    const agent = new http.Agent();
    await until(
      'the server to take a write',
      async () => (await send(agent, 'PUT', `http://${server.api}/v1/kv/x`, 'x')).status === 200,
      { ms: START, program },
    );
    return await work(cluster, program);
  } finally {
    await program.kill();
    rmSync(folder, { recursive: true, force: true });
  }
}

/**
 * Agents that follow one server: what they cost it, and how long one change takes to reach all. @param {number} count @param {number} changes
 */
export function followers(count, changes) {
  return withServer(0, async ({ servers, key }, program) => {
    const [server] = /** @type {[import('../scripts/support/cluster.mjs').Node]} */ (servers);
    const before = memory(program.pid).rss;
    const child = spawn(process.execPath, [inRoot('bench/followers.mjs'), server.links, key, String(count)], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    const said = async () => {
      const { value, done } = await lines.next();
      if (done) throw new Error('the followers ended');
      return /** @type {string} */ (value);
    };
    try {
      say('bench', `${count} agents begin to follow`);
      const began = performance.now();
      await said();
      const joined = performance.now() - began;
      const held = memory(program.pid).rss;
      const pids = { server: program.pid, agents: /** @type {number} */ (child.pid) };
      const cpu = () => ({
        at: performance.now(),
        server: cpuTime([pids.server]),
        agents: cpuTime([pids.agents]),
      });
      let since = cpu();
      const spent = (/** @type {'server' | 'agents'} */ who) => cpu()[who] - since[who];
      await new Promise((resolve) => setTimeout(resolve, REST));
      const busy = { server: spent('server') / (REST * 1_000), agents: spent('agents') / (REST * 1_000) };
      const agent = new http.Agent({ keepAlive: true });
      const times = [];
      since = cpu();
      for (let i = 0; i < changes; i++) {
        const name = `change-${Date.now()}-${i}`;
        child.stdin.write(`wait ${name}\n`);
        await said();
        const sent = Date.now();
        await put(agent, `http://${server.api}/v1/kv/${name}`, 'x');
        times.push(Number((await said()).split(' ')[2]) - sent);
      }
      agent.destroy();
      const lasted = (performance.now() - since.at) * 1_000;
      /** What a change cost beside what goes on anyway, in ms. @param {'server' | 'agents'} who */
      const forOne = (who) => (spent(who) - busy[who] * lasted) / changes / 1_000;
      return {
        count,
        secondsToJoin: joined / 1_000,
        kilobytesPerAgent: ((held - before) * 1_024) / count,
        coresBusy: busy,
        microsecondsPerAgentAndSecond: (busy.server * 1e6) / count,
        busyForAChange: { server: forOne('server'), agents: forOne('agents') },
        p50: quantile(times, 0.5),
        longest: Math.max(...times),
      };
    } finally {
      child.kill('SIGKILL');
    }
  });
}

/** A catalog of so many instances, and the time from the start of an agent until it has all of them. @param {number} count */
export function replica(count) {
  return withServer(1, async ({ servers, clients }) => {
    const [server] = /** @type {[import('../scripts/support/cluster.mjs').Node]} */ (servers);
    const [client] = /** @type {[import('../scripts/support/cluster.mjs').Node]} */ (clients);
    say('bench', `${count} instances are registered`);
    const agent = new http.Agent({ keepAlive: true, maxSockets: WRITERS });
    const txn = (/** @type {object[]} */ ops) =>
      put(agent, `http://${server.api}/v1/txn`, JSON.stringify(ops));
    await txn([{ Node: { Verb: 'set', Node: { Node: 'far', Address: '10.0.0.1' } } }]);
    let next = 0;
    await Promise.all(
      Array.from({ length: WRITERS }, async () => {
        while (next < count) {
          const ids = Array.from({ length: Math.min(PER_TXN, count - next) }, () => next++);
          await txn(
            ids.map((id) => ({
              Service: {
                Verb: 'set',
                Node: 'far',
                Service: {
                  ID: `i-${id}`,
                  Service: `s-${Math.floor(id / PER_SERVICE)}`,
                  Address: `10.${(id >> 16) & 255}.${(id >> 8) & 255}.${id & 255}`,
                  Port: 8080,
                  Tags: ['v1', `urlprefix-/s-${Math.floor(id / PER_SERVICE)}`],
                },
              },
            })),
          );
        }
      }),
    );
    const last = `s-${Math.floor((count - 1) / PER_SERVICE)}`;
    const began = performance.now();
    const program = client.start();
    try {
      await until(
        'the new agent to have all',
        async () => {
          const { status, text } = await send(
            agent,
            'GET',
            `http://${client.api}/v1/catalog/service/${last}?stale`,
          );
          return status === 200 && text.length > 2;
        },
        { ms: START, program },
      );
      const seconds = (performance.now() - began) / 1_000;
      const { text } = await send(agent, 'GET', `http://${client.api}/v1/catalog/services?stale`);
      if (Object.keys(JSON.parse(text)).length < Math.ceil(count / PER_SERVICE))
        throw new Error('some are missing');
      return {
        count,
        seconds,
        busySeconds: cpuTime([program.pid]) / 1e6,
        megabytes: memory(program.pid).rss,
      };
    } finally {
      agent.destroy();
      await program.kill();
    }
  });
}
