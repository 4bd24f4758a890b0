// @ts-check
// What a request costs when the table is large, and when two workers carry the traffic instead of one.
import http from 'node:http';
import { MUSTER } from '../scripts/support/paths.mjs';
import { freePorts, pause, start, until } from '../scripts/support/processes.mjs';
import { say } from '../scripts/support/say.mjs';
import { put, startAgent } from './agent.mjs';
import { conditions, printConditions } from './conditions.mjs';
import { cpuTime } from './cpu.mjs';
import { median, table } from './figures.mjs';
import { keep, numberOption, options } from './options.mjs';
import { body, withBackend } from './subjects.mjs';
import { errorsOf, wrk } from './wrk.mjs';

const PROXY_CPU = '0';
const LOAD_CPU = '1';
const BOTH = '0,1';
const WARM_UP_SECONDS = 3;
const STILL_SECONDS = 3;
/** Registrations under way at a time. */
const WRITERS = 8;
const PER_ROUTE = 5;

/** @typedef {{ seconds: number, connections: number }} Load */

/**
 * Processor time of a program per request, µs, without what it takes when nobody asks anything (an agent looks after its services).
 * @param {import('../scripts/support/processes.mjs').Running} program
 * @param {string} url
 * @param {Load & { cpu: string, asks?: { paths: number } }} load
 */
async function costOf(program, url, load) {
  await wrk(url, { ...load, seconds: WARM_UP_SECONDS });
  const pids = program.family();
  const still = cpuTime(pids);
  await pause(STILL_SECONDS * 1_000);
  const before = cpuTime(pids);
  const own = (before - still) / (STILL_SECONDS * 1e6);
  const figures = await wrk(url, load);
  const errors = errorsOf(figures);
  if (errors !== '') throw new Error(`${url}: ${errors}`);
  return (cpuTime(pids) - before - own * figures.us) / figures.requests;
}

/**
 * An agent with so many routes, each to so many instances, which are all the backend.
 * @param {number} backend
 * @param {number} routes
 * @param {number} instances
 * @param {(url: string, program: import('../scripts/support/processes.mjs').Running) => Promise<void>} use
 */
async function withRoutes(backend, routes, instances, use) {
  const agent = await startAgent({ store: 'memory', cpu: PROXY_CPU });
  const api = new http.Agent({ keepAlive: true, maxSockets: WRITERS });
  let next = 0;
  const write = async () => {
    for (let i = next++; i < routes * instances; i = next++) {
      const route = i % routes;
      const service = {
        Name: `route-${route}`,
        ID: `route-${route}-${i}`,
        Address: '127.0.0.1',
        Port: backend,
        Tags: [`urlprefix-/route-${route}`],
        Check: { TTL: '24h', Status: 'passing' },
      };
      await put(api, `http://${agent.api}/v1/agent/service/register`, JSON.stringify(service));
    }
  };
  try {
    await Promise.all(Array.from({ length: WRITERS }, write));
    const url = `http://${agent.proxy}/route-`;
    for (const route of [0, routes - 1])
      await until('the routes to be there', () => body(url + route), { program: agent.program });
    await use(url, agent.program);
  } finally {
    api.destroy();
    await agent.stop();
  }
}

/**
 * @param {number} backend
 * @param {number} workers
 * @param {Load} load
 */
async function costWithWorkers(backend, workers, load) {
  const [port = 0] = await freePorts(1);
  const words = [
    '-listen',
    `127.0.0.1:${port}`,
    '-upstream',
    `127.0.0.1:${backend}`,
    '-workers',
    `${workers}`,
  ];
  const program = start(process.execPath, [MUSTER, 'lb', ...words], { cpu: BOTH });
  const url = `http://127.0.0.1:${port}/128`;
  try {
    await until('the balancer to answer', () => body(url), { program });
    return await costOf(program, url, { ...load, cpu: BOTH });
  } finally {
    await program.stop('SIGTERM', 5_000);
  }
}

/** @param {string[]} argv */
export async function proxyScaleBench(argv) {
  const chosen = options(argv, { rounds: '3', seconds: '5', connections: '64', routes: '1000' });
  const load = { seconds: numberOption(chosen, 'seconds'), connections: numberOption(chosen, 'connections') };
  const routes = numberOption(chosen, 'routes');
  const facts = conditions();
  printConditions(facts);
  const [plain, large, all] = [
    '1 route, 1 instance',
    `1 of ${routes} routes, ${routes * PER_ROUTE} instances`,
    'all of them in turn',
  ];
  const [one, two] = ['1 worker', '2 workers'];
  /** Costs by case, one for each round. @type {Map<string, number[]>} */
  const costs = new Map([plain, large, all, one, two].map((name) => [name, []]));
  /** @param {string} name @param {number} cost */
  const note = (name, cost) => {
    costs.get(name)?.push(cost);
    say('bench', `${name}: ${cost.toFixed(1)} µs`);
  };
  await withBackend(LOAD_CPU, async ({ backend }) => {
    for (let round = 1; round <= numberOption(chosen, 'rounds'); round++) {
      await withRoutes(backend, 1, 1, async (url, program) => {
        note(plain, await costOf(program, `${url}0`, { ...load, cpu: LOAD_CPU }));
      });
      await withRoutes(backend, routes, PER_ROUTE, async (url, program) => {
        const middle = Math.floor(routes / 2);
        note(large, await costOf(program, url + middle, { ...load, cpu: LOAD_CPU }));
        note(all, await costOf(program, url, { ...load, cpu: LOAD_CPU, asks: { paths: routes } }));
      });
      note(one, await costWithWorkers(backend, 1, load));
      note(two, await costWithWorkers(backend, 2, load));
    }
  });
  /** Median of the ratios within a round. @param {string} name @param {string} to */
  const ratio = (name, to) =>
    median((costs.get(name) ?? []).map((cost, i) => cost / /** @type {number} */ (costs.get(to)?.[i])));
  const row = (/** @type {string} */ name, /** @type {string} */ to) => [
    name,
    median(costs.get(name) ?? []),
    ratio(name, to),
  ];
  process.stdout.write(
    `\n${table(['', 'CPU µs/req', `× ${plain}`], [row(plain, plain), row(large, plain), row(all, plain)])}\n`,
  );
  // What a core can carry is the inverse of what a request costs, and there are two of them.
  const capacity = 2 / ratio(two, one);
  process.stdout.write(`\n${table(['', 'CPU µs/req', `× ${one}`], [row(one, one), row(two, one)])}\n`);
  process.stdout.write(`2 workers carry ${capacity.toFixed(2)} times what 1 does\n`);
  keep('proxy-scale', { conditions: facts, options: chosen, costs: Object.fromEntries(costs) });
  return 0;
}
