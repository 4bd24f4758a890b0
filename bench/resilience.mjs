// @ts-check
// Two balancers that follow a registry, under a load that never pauses, while everything around them and they themselves are
// replaced, killed, stopped and reconfigured: how many requests fail. The aim is none.
import { mkdtempSync, rmSync } from 'node:fs';
import http from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describeCluster } from '../scripts/support/cluster.mjs';
import { inRoot, MUSTER } from '../scripts/support/paths.mjs';
import { freePorts, pause, runToEnd, start, until } from '../scripts/support/processes.mjs';
import { say } from '../scripts/support/say.mjs';
import { put, send } from './agent.mjs';
import { conditions, printConditions } from './conditions.mjs';
import { table } from './figures.mjs';
import { keep, numberOption, options } from './options.mjs';

/** @typedef {import('../scripts/support/cluster.mjs').Node} Node */
/** @typedef {import('../scripts/support/processes.mjs').Running} Running */

/** What happens in ten minutes; a shorter run has as much less, but everything once. */
const TIMES = { roll: 20, kill: 20, pause: 10, restart: 5, upgrade: 2 };
const RELOADS = 100;
const WHOLE = 10;

const INSTANCES = 4;
/** How long a stopped instance stands still (ms). */
const STANDSTILL = 3_000;
/** From taking an instance out of the registry to asking it to end (ms): what a careful roll-out waits for. */
const LEAVE = 500;
/** Share of the requests that come on a connection of their own. */
const FRESH = 0.2;
const TIMEOUT = '15s';

/** One instance after the other gets its own port and id. */
class Instances {
  /** @type {{ id: string, port: number, api: string, program: Running }[]} */
  #running = [];
  #next = 0;
  #turn = 0;

  /** @param {readonly string[]} apis where they register, in turn @param {http.Agent} agent */
  constructor(apis, agent) {
    this.apis = apis;
    this.agent = agent;
  }

  /** @param {number} port */
  async #launch(port) {
    const program = start(process.execPath, [inRoot('bench/instance.mjs'), String(port)]);
    await until('an instance', () => program.output().includes('ready'), { program });
    return program;
  }

  async add() {
    const [port = 0] = await freePorts(1);
    const program = await this.#launch(port);
    const api = /** @type {string} */ (this.apis[this.#next % this.apis.length]);
    const id = `web-${++this.#next}`;
    const check = { HTTP: `http://127.0.0.1:${port}/`, Interval: '1s', Timeout: '1s', Status: 'critical' };
    const tags = ['urlprefix-/'];
    const service = { ID: id, Name: 'web', Address: '127.0.0.1', Port: port, Tags: tags, Check: check };
    await put(this.agent, `http://${api}/v1/agent/service/register`, JSON.stringify(service));
    this.#running.push({ id, port, api, program });
    await until(`${id} to pass its check`, async () => {
      const { text } = await send(
        this.agent,
        'GET',
        `http://${api}/v1/agent/health/service/id/${id}?format=text`,
      );
      return text.trim() === 'passing';
    });
  }

  /** Another one takes its place, then the oldest leaves. */
  async roll() {
    await this.add();
    const oldest = this.#running.shift();
    if (oldest === undefined) return;
    await put(this.agent, `http://${oldest.api}/v1/agent/service/deregister/${oldest.id}`);
    await pause(LEAVE);
    await oldest.program.stop('SIGTERM', 60_000);
  }

  #pick() {
    return /** @type {{ id: string, port: number, api: string, program: Running }} */ (
      this.#running[this.#turn++ % this.#running.length]
    );
  }

  /** Dies in the middle of what it does, and is started again on its port when the registry has noticed. */
  async kill() {
    const victim = this.#pick();
    await victim.program.kill();
    await until(`${victim.id} to be out`, async () => {
      const path = `http://${victim.api}/v1/agent/health/service/id/${victim.id}?format=text`;
      return (await send(this.agent, 'GET', path)).text.trim() === 'critical';
    });
    victim.program = await this.#launch(victim.port);
  }

  /** Takes connections and answers nothing for a while. */
  async pause() {
    const { pid } = this.#pick().program;
    process.kill(pid, 'SIGSTOP');
    await pause(STANDSTILL);
    process.kill(pid, 'SIGCONT');
  }

  async end() {
    await Promise.all(this.#running.map(({ program }) => program.kill()));
  }
}

/**
 * The names in an order in which each is spread over the whole.
 * @template {string} Name
 * @param {Record<Name, number>} times
 * @returns {Name[]}
 */
function spread(times) {
  return /** @type {[Name, number][]} */ (Object.entries(times))
    .flatMap(([name, count]) => Array.from({ length: count }, (_, at) => ({ name, at: (at + 0.5) / count })))
    .sort((one, other) => one.at - other.at)
    .map(({ name }) => name);
}

/** Does them evenly over `ms`; one that takes longer than its share delays the next. @param {number} ms @param {readonly (() => Promise<void>)[]} deeds */
async function evenly(ms, deeds) {
  const begin = performance.now();
  for (const [at, deed] of deeds.entries()) {
    const due = begin + (ms * (at + 0.5)) / deeds.length;
    await pause(Math.max(0, due - performance.now()));
    await deed();
  }
}

/**
 * @param {string} url @param {number} rate @param {number} seconds @param {boolean} keepsAlive
 * @returns {Promise<{ total: number, fail: number, failures: Record<string, number>, latency: { p50: number, p99: number, max: number } | null }>}
 */
async function load(url, rate, seconds, keepsAlive) {
  const args = ['load', url, '-rate', String(rate), '-duration', `${seconds}s`, '-timeout', TIMEOUT, '-json'];
  const { output } = await runToEnd(process.execPath, [MUSTER, ...args, `-keep-alive=${keepsAlive}`]);
  return JSON.parse(output.slice(output.indexOf('{')));
}

/** @param {string[]} argv */
export async function resilienceBench(argv) {
  const chosen = options(argv, { minutes: '10', rate: '500' });
  const minutes = numberOption(chosen, 'minutes');
  const rate = numberOption(chosen, 'rate');
  const ms = minutes * 60_000;
  const share = (/** @type {number} */ count) => Math.max(1, Math.round((count * minutes) / WHOLE));
  const folder = mkdtempSync(join(tmpdir(), 'muster-bench-'));
  const flags = ['-log-level=info'];
  const { servers, clients } = await describeCluster(folder, { servers: 1, clients: 2, flags });
  const [registry] = /** @type {[Node]} */ (servers);
  const agent = new http.Agent({ keepAlive: false });
  const instances = new Instances(
    clients.map(({ api }) => api),
    agent,
  );
  /** @type {Map<string, Running>} */
  const running = new Map();
  /** @type {Record<string, number>} */
  const done = { roll: 0, kill: 0, pause: 0, restart: 0, reload: 0, upgrade: 0 };
  /** @type {string[]} */
  const diary = [];
  const began = Date.now();
  const note = (/** @type {string} */ what) => {
    const line = `${((Date.now() - began) / 1000).toFixed(1).padStart(6)} s  ${what}`;
    diary.push(line);
    say('resilience', line);
  };

  const takesWrites = (/** @type {Node} */ { name, api }) =>
    until(
      `${name} to take a write`,
      async () => (await send(agent, 'PUT', `http://${api}/v1/kv/x`, 'x')).status === 200,
      { ms: 60_000 },
    );
  let upgraded = 0;
  /** @type {Record<keyof typeof TIMES, () => Promise<void>>} */
  const deeds = {
    roll: () => instances.roll(),
    kill: () => instances.kill(),
    pause: () => instances.pause(),
    async restart() {
      // In order and by force, in turn.
      const program = /** @type {Running} */ (running.get(registry.name));
      await (done.restart !== undefined && done.restart % 2 === 0 ? program.stop() : program.kill());
      running.set(registry.name, registry.start());
      for (const node of [registry, ...clients]) await takesWrites(node);
    },
    async upgrade() {
      const balancer = /** @type {Node} */ (clients[upgraded++ % clients.length]);
      const { status, text } = await send(agent, 'PUT', `http://${balancer.api}/v1/agent/reload?process`);
      if (status !== 200) throw new Error(`${balancer.name} was not replaced: ${text}`);
      for (const node of clients) await takesWrites(node);
    },
  };
  const counted = (/** @type {string} */ name, /** @type {() => Promise<void>} */ deed) => async () => {
    note(name);
    await deed();
    done[name] = (done[name] ?? 0) + 1;
  };

  try {
    for (const node of [...servers, ...clients]) running.set(node.name, node.start());
    for (const node of [...servers, ...clients]) await takesWrites(node);
    for (let i = 0; i < INSTANCES; i++) await instances.add();
    const urls = clients.map(({ ports }) => `http://127.0.0.1:${ports.proxy}/`);
    for (const url of urls)
      await until('a route', async () => (await send(agent, 'GET', url)).status === 200);
    note(`${rate} requests per second through ${urls.length} balancers to ${INSTANCES} instances`);

    const each = rate / urls.length;
    const loads = Promise.all(
      urls.flatMap((url) => [
        load(url, each * (1 - FRESH), minutes * 60, true),
        load(url, each * FRESH, minutes * 60, false),
      ]),
    );
    const names = spread(
      /** @type {typeof TIMES} */ (
        Object.fromEntries(Object.entries(TIMES).map(([name, count]) => [name, share(count)]))
      ),
    );
    await Promise.all([
      evenly(
        ms,
        names.map((name) => counted(name, deeds[name])),
      ),
      evenly(
        ms,
        Array.from({ length: share(RELOADS) }, (_, at) =>
          counted('reload', async () => {
            // It may be the moment in which one process takes over from another: such a request waits.
            await put(agent, `http://${clients[at % clients.length]?.api}/v1/agent/reload`);
          }),
        ),
      ),
    ]);
    const results = await loads;
    const sum = (/** @type {(one: typeof results[number]) => number} */ of) =>
      results.reduce((total, one) => total + of(one), 0);
    const [total, failed] = [sum((one) => one.total), sum((one) => one.fail)];
    const most = (/** @type {'p50' | 'p99' | 'max'} */ which) =>
      Math.max(...results.map(({ latency }) => latency?.[which] ?? Number.NaN));
    const about = conditions();
    printConditions(about);
    process.stdout.write(
      `${table(
        ['', 'times'],
        Object.entries(done).map(([name, count]) => [name, count]),
      )}\n`,
    );
    for (const { failures } of results)
      for (const [why, count] of Object.entries(failures)) say('resilience', `${count} × ${why}`);
    say(
      'resilience',
      `${failed} failed of ${total} requests in ${minutes} minutes; latency p50 ${most('p50').toFixed(1)} ms, p99 ${most('p99').toFixed(1)} ms, longest ${most('max').toFixed(0)} ms`,
    );
    keep('resilience', { conditions: about, minutes, rate, total, failed, done, results, diary });
    return failed === 0 && total > 0 ? 0 : 1;
  } finally {
    await instances.end();
    await Promise.all([...running.values()].map((program) => program.kill()));
    agent.destroy();
    rmSync(folder, { recursive: true, force: true });
  }
}
