// @ts-check
// A balancer with a large route table that changes all the time: what a client sees of it, beside the same table at rest.
import http from 'node:http';
import { inRoot } from '../scripts/support/paths.mjs';
import { freePorts, pause, start, until } from '../scripts/support/processes.mjs';
import { say } from '../scripts/support/say.mjs';
import { put, startAgent } from './agent.mjs';
import { conditions, printConditions } from './conditions.mjs';
import { quantile, table } from './figures.mjs';
import { keep, numberOption, options } from './options.mjs';
import { errorsOf, wrk } from './wrk.mjs';

/** Writers that fill the table, at a time. */
const WRITERS = 16;
const NODES = 100;
/** Connections that ask, each with a pause of so many ms on average before each request: far from what the balancer can carry. */
const CONNECTIONS = 32;
const THINK = 20;
/** Milliseconds between two changes. */
const CHANGE_EVERY = 20;

/** Service number `i`, with a host of its own. @param {number} i @param {number} port */
function registration(i, port) {
  const [node, service] = [`n${i % NODES}`, `s${i}`];
  return JSON.stringify({
    Node: node,
    Address: '127.0.0.1',
    Service: {
      ID: service,
      Service: service,
      Address: '127.0.0.1',
      Port: port,
      Tags: [`urlprefix-h${i}.test/`],
    },
    Check: { Node: node, CheckID: service, Name: 'alive', Status: 'passing', ServiceID: service },
  });
}

/** @param {string[]} argv */
export async function routesLoadBench(argv) {
  const given = options(argv, { routes: '50000', rounds: '3', seconds: '5' });
  const routes = numberOption(given, 'routes');
  const rounds = numberOption(given, 'rounds');
  const seconds = numberOption(given, 'seconds');
  const facts = { ...conditions(), routes: String(routes) };
  printConditions(facts);
  const [port = 0] = await freePorts(1);
  const instance = start(process.execPath, [inRoot('bench', 'instance.mjs'), String(port)]);
  const agent = await startAgent({ store: 'memory' });
  const connections = new http.Agent({ keepAlive: true, maxSockets: WRITERS });
  const register = (/** @type {number} */ i) =>
    put(connections, `http://${agent.api}/v1/catalog/register`, registration(i, port));
  const deregister = (/** @type {number} */ i) =>
    put(
      connections,
      `http://${agent.api}/v1/catalog/deregister`,
      JSON.stringify({ Node: `n${i % NODES}`, ServiceID: `s${i}` }),
    );
  try {
    await until('the instance', () => instance.output().includes('ready'), { program: instance });
    const begin = performance.now();
    let next = 0;
    const fill = async () => {
      while (next < routes) await register(next++);
    };
    await Promise.all(Array.from({ length: WRITERS }, fill));
    const filled = (performance.now() - begin) / 1000;
    say('bench', `${routes} routes registered in ${filled.toFixed(1)} s`);
    // One more for any host: the one that is asked.
    await put(
      connections,
      `http://${agent.api}/v1/catalog/register`,
      registration(routes, port).replace(`urlprefix-h${routes}.test/`, 'urlprefix-/'),
    );
    const url = `http://${agent.proxy}/`;
    const ask = () => wrk(url, { seconds, connections: CONNECTIONS, cpu: '0,1', asks: { think: THINK } });
    /** @type {import('./wrk.mjs').Figures[]} */
    const atRest = [];
    /** @type {import('./wrk.mjs').Figures[]} */
    const changing = [];
    /** @type {number[]} */
    const writes = [];
    for (let round = 0; round < rounds; round++) {
      atRest.push(await checked(ask()));
      let going = true;
      const changes = (async () => {
        for (let i = routes + 1; going; i++) {
          for (const write of [register, deregister]) {
            const since = performance.now();
            await write(i);
            writes.push(performance.now() - since);
            await pause(CHANGE_EVERY);
          }
        }
      })();
      changing.push(await checked(ask()));
      going = false;
      await changes;
    }
    const medianOf = (/** @type {typeof atRest} */ runs, /** @type {'p50' | 'p99' | 'max'} */ what) =>
      quantile(
        runs.map((run) => run[what]),
        0.5,
      ) / 1000;
    const rows = /** @type {const} */ (['p50', 'p99', 'max']).map((what) => {
      const [rest, change] = [medianOf(atRest, what), medianOf(changing, what)];
      return [`answers, ${what} (ms)`, rest.toFixed(2), change.toFixed(2), (change / rest).toFixed(2)];
    });
    rows.push([
      'a write, p50 / p99 (ms)',
      '',
      `${quantile(writes, 0.5).toFixed(1)} / ${quantile(writes, 0.99).toFixed(1)}`,
      '',
    ]);
    process.stdout.write(`\n${table(['', 'at rest', 'while routes change', 'ratio'], rows)}\n`);
    keep('routes-load', { conditions: facts, filled, atRest, changing, writes: writes.length });
  } finally {
    connections.destroy();
    await agent.stop();
    await instance.stop();
  }
  return 0;
}

/** @param {ReturnType<typeof wrk>} running */
async function checked(running) {
  const figures = await running;
  const wrong = errorsOf(figures);
  if (wrong !== '') throw new Error(`the clients saw ${wrong}`);
  return figures;
}
