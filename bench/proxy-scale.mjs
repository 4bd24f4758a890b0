// @ts-check
// What a request costs when the table is large, and when two workers carry the traffic instead of one.
import http from 'node:http';
import { MUSTER } from '../scripts/support/paths.mjs';
import { freePorts, pause, start, until } from '../scripts/support/processes.mjs';
import { say } from '../scripts/support/say.mjs';
import { put, startAgent } from './agent.mjs';
import { conditions, printConditions } from './conditions.mjs';
import { cpuTime } from './cpu.mjs';
import { inTurn, median, table } from './figures.mjs';
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

/** Something that is asked. @typedef {{ name: string, url: string, program: import('../scripts/support/processes.mjs').Running, cpu: string, asks?: { paths: number } }} Case */

/**
 * The share of a core that each program takes when nobody asks anything (an agent looks after its services).
 * @param {Case[]} cases
 */
async function sharesAtRest(cases) {
  const times = () => cases.map(({ program }) => cpuTime(program.family()));
  const before = times();
  await pause(STILL_SECONDS * 1_000);
  return times().map((time, i) => (time - (before[i] ?? 0)) / (STILL_SECONDS * 1e6));
}

/**
 * Processor time of a program per request, µs, without what it takes at rest.
 * @param {Case} asked @param {number} atRest @param {{ seconds: number, connections: number }} load
 */
async function costOf({ url, program, cpu, asks }, atRest, load) {
  const pids = program.family();
  const before = cpuTime(pids);
  const figures = await wrk(url, { ...load, cpu, ...(asks === undefined ? {} : { asks }) });
  const errors = errorsOf(figures);
  if (errors !== '') throw new Error(`${url}: ${errors}`);
  return (cpuTime(pids) - before - atRest * figures.us) / figures.requests;
}

/**
 * An agent with so many routes, each to so many instances, which are all the backend.
 * @param {number} backend
 * @param {number} routes
 * @param {number} instances
 */
async function agentWithRoutes(backend, routes, instances) {
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
  await Promise.all(Array.from({ length: WRITERS }, write));
  api.destroy();
  const url = `http://${agent.proxy}/route-`;
  for (const route of [0, routes - 1])
    await until('the routes to be there', () => body(url + route), { program: agent.program });
  return { url, program: agent.program, stop: agent.stop };
}

/** @param {number} backend @param {number} workers */
async function balancerWithWorkers(backend, workers) {
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
  await until('the balancer to answer', () => body(url), { program });
  return { url, program, stop: () => program.stop('SIGTERM', 5_000) };
}

const ALONE = '1 route, 1 instance';
const IN_TURN = 'all of them in turn';
const ONE = '1 worker';
const TWO = '2 workers';

/**
 * All that is compared, for as long as `use` runs. `large`: the name of one route among many.
 * @param {number} backend
 * @param {{ routes: number, large: string }} many
 * @param {(cases: Case[]) => Promise<void>} use
 */
async function withCases(backend, { routes, large }, use) {
  /** @type {(() => Promise<unknown>)[]} */
  const stops = [];
  /** @template {{ stop: () => Promise<unknown> }} Started @param {Promise<Started>} starting */
  const kept = async (starting) => {
    const started = await starting;
    stops.push(started.stop);
    return started;
  };
  try {
    const few = await kept(agentWithRoutes(backend, 1, 1));
    const many = await kept(agentWithRoutes(backend, routes, PER_ROUTE));
    await use([
      { name: ALONE, ...few, url: `${few.url}0`, cpu: LOAD_CPU },
      { name: large, ...many, url: `${many.url}${Math.floor(routes / 2)}`, cpu: LOAD_CPU },
      { name: IN_TURN, ...many, cpu: LOAD_CPU, asks: { paths: routes } },
      { name: ONE, ...(await kept(balancerWithWorkers(backend, 1))), cpu: BOTH },
      { name: TWO, ...(await kept(balancerWithWorkers(backend, 2))), cpu: BOTH },
    ]);
  } finally {
    for (const stop of stops) await stop();
  }
}

/** @param {string[]} argv */
export async function proxyScaleBench(argv) {
  const chosen = options(argv, { rounds: '10', seconds: '2', connections: '64', routes: '1000' });
  const load = { seconds: numberOption(chosen, 'seconds'), connections: numberOption(chosen, 'connections') };
  const routes = numberOption(chosen, 'routes');
  const large = `1 of ${routes} routes, ${routes * PER_ROUTE} instances`;
  const facts = conditions();
  printConditions(facts);
  /** Costs by case, one for each round. @type {Map<string, number[]>} */
  const costs = new Map([ALONE, large, IN_TURN, ONE, TWO].map((name) => [name, []]));
  await withBackend(LOAD_CPU, ({ backend }) =>
    withCases(backend, { routes, large }, async (cases) => {
      for (const one of cases) await costOf(one, 0, { ...load, seconds: WARM_UP_SECONDS });
      const atRest = await sharesAtRest(cases);
      for (let round = 1; round <= numberOption(chosen, 'rounds'); round++)
        for (const asked of inTurn(cases, round)) {
          const cost = await costOf(asked, atRest[cases.indexOf(asked)] ?? 0, load);
          costs.get(asked.name)?.push(cost);
          say('bench', `round ${round}: ${asked.name}: ${cost.toFixed(1)} µs`);
        }
    }),
  );
  /** Median of the ratios within a round. @param {string} name @param {string} to */
  const ratio = (name, to) =>
    median((costs.get(name) ?? []).map((cost, i) => cost / /** @type {number} */ (costs.get(to)?.[i])));
  const row = (/** @type {string} */ name, /** @type {string} */ to) => [
    name,
    median(costs.get(name) ?? []),
    ratio(name, to),
  ];
  process.stdout.write(
    `\n${table(['', 'CPU µs/req', `× ${ALONE}`], [row(ALONE, ALONE), row(large, ALONE), row(IN_TURN, ALONE)])}\n`,
  );
  // What a core can carry is the inverse of what a request costs, and there are two of them.
  const capacity = 2 / ratio(TWO, ONE);
  process.stdout.write(`\n${table(['', 'CPU µs/req', `× ${ONE}`], [row(ONE, ONE), row(TWO, ONE)])}\n`);
  process.stdout.write(`2 workers carry ${capacity.toFixed(2)} times what 1 does\n`);
  keep('proxy-scale', { conditions: facts, options: chosen, costs: Object.fromEntries(costs) });
  return 0;
}
