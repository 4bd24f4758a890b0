// @ts-check
// A large registry: memory, start from disk, a change on its way to the balancer, and what look-ups cost in it beside what
// they cost in a small one.
import { mkdtempSync, rmSync } from 'node:fs';
import http from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pause } from '../../scripts/support/processes.mjs';
import { say } from '../../scripts/support/say.mjs';
import { put, send, startAgent } from '../agent.mjs';
import { memory } from '../cpu.mjs';
import { quantile, rounded, table } from '../figures.mjs';
import { numberOption } from '../options.mjs';
import { followChanges } from '../write-to-route.mjs';
import { SUBJECT_CPU } from './places.mjs';
import { load } from './requests.mjs';

const REACH = { rss: 800, startMs: 5_000, changeMs: 5 };
/** A look-up in the large registry costs at most so much of what it costs in the small one: above noise, below a trend. */
const FLAT = 1.3;
/** Of one service in the large registry: as many as the service that is read in the small one has in all. */
const PER_SERVICE = 100;
/** Nodes of the small registry: as many instances on each as in the large one. `writes.lua` asks for these. */
const FEW_NODES = 6;
const CHANGES = 1_000;
/** Garbage of a load or a start is let go by then. */
const IDLE_MS = 10_000;

/** What is asked in both. @type {{ name: string, path: string, writes?: string }[]} */
const LOOK_UPS = [
  { name: 'health of a service, as before', path: '/v1/health/service/service-0?passing' },
  { name: 'health of a service, encoded anew', path: '/', writes: 'anew' },
  { name: 'services of a node, encoded anew', path: '/', writes: 'node' },
  { name: 'get a key', path: '/v1/kv/bench/x' },
  { name: 'register in the catalog', path: '/', writes: 'register' },
];

/**
 * One node with its share of the instances, as one transaction.
 * @param {number} node @param {number} first number of its first instance @param {number} end @param {number} names how many services there are
 */
function nodeWith(node, first, end, names) {
  const name = `node-${node}`;
  const address = `10.${(node >> 16) & 255}.${(node >> 8) & 255}.${node & 255}`;
  const operations = [
    { Node: { Verb: 'set', Node: { Node: name, Address: address, Meta: { rack: `r${node % 40}` } } } },
    {
      Check: {
        Verb: 'set',
        Check: {
          Node: name,
          CheckID: 'serfHealth',
          Name: 'Serf Health Status',
          Status: 'passing',
          Output: 'Agent alive and reachable',
        },
      },
    },
  ];
  for (let i = first; i < end; i++) {
    const service = `service-${i % names}`;
    const id = `${service}-${Math.floor(i / names)}`;
    operations.push(
      /** @type {any} */ ({
        Service: {
          Verb: 'set',
          Node: name,
          Service: {
            ID: id,
            Service: service,
            Port: 20_000 + (i % 20_000),
            Tags: ['blue', 'v1'],
            Meta: { version: '1' },
          },
        },
      }),
      /** @type {any} */ ({
        Check: {
          Verb: 'set',
          Check: {
            Node: name,
            CheckID: `service:${id}`,
            Name: `Service '${service}' check`,
            Status: 'passing',
            ServiceID: id,
            Output: 'HTTP GET http://10.0.0.1:8000/health: 200 OK Output: ok',
          },
        },
      }),
    );
  }
  return JSON.stringify(operations);
}

/** Instances spread over nodes so that those of one service are on different ones. @param {string} api @param {number} nodes @param {number} services */
async function fill(api, nodes, services) {
  const agent = new http.Agent({ keepAlive: true, maxSockets: 8 });
  const names = Math.ceil(services / PER_SERVICE);
  let next = 0;
  const work = async () => {
    for (let node = next++; node < nodes; node = next++) {
      const first = Math.floor((node * services) / nodes);
      const end = Math.floor(((node + 1) * services) / nodes);
      await put(agent, `http://${api}/v1/txn`, nodeWith(node, first, end, names));
    }
  };
  await Promise.all(Array.from({ length: 8 }, work));
  await put(agent, `http://${api}/v1/kv/bench/x`, 'x'.repeat(100));
  agent.destroy();
}

/** @typedef {Awaited<ReturnType<typeof startAgent>>} Agent */

/** @param {Agent} agent */
async function lookUps(agent, /** @type {number} */ seconds) {
  const subject = { address: agent.api, pids: () => agent.program.family() };
  const found = [];
  for (const kind of LOOK_UPS)
    found.push({ name: kind.name, ...(await load(subject, { connections: 16, ...kind }, seconds)) });
  return found;
}

/** @param {Agent} agent */
const memoryOf = (agent) => memory(agent.program.family().at(0) ?? agent.program.pid);

/** @param {Record<string, string>} chosen @returns {Promise<import('./places.mjs').Part>} */
export async function size(chosen) {
  const [nodes, services, seconds] = [
    numberOption(chosen, 'nodes'),
    numberOption(chosen, 'services'),
    Math.min(3, numberOption(chosen, 'seconds')),
  ];
  const folder = mkdtempSync(join(tmpdir(), 'muster-bench-'));
  /** @type {Agent | undefined} */
  let agent;
  try {
    agent = await startAgent({ store: 'embedded', cpu: SUBJECT_CPU });
    await fill(agent.api, FEW_NODES, PER_SERVICE);
    const small = await lookUps(agent, seconds);
    await agent.stop();

    say('bench', `registering ${services} instances on ${nodes} nodes …`);
    agent = await startAgent({ store: 'embedded', cpu: SUBJECT_CPU, folder });
    const began = performance.now();
    await fill(agent.api, nodes, services);
    const fillMs = performance.now() - began;
    await pause(IDLE_MS);
    const filled = memoryOf(agent);
    await agent.stop();

    agent = await startAgent({ store: 'embedded', cpu: SUBJECT_CPU, folder });
    const { startedIn } = agent;
    const reader = new http.Agent({ keepAlive: true });
    const { text } = await send(reader, 'GET', `http://${agent.api}/v1/health/service/service-0?passing`);
    reader.destroy();
    const isThere = JSON.parse(text).length === PER_SERVICE;
    const started = memoryOf(agent);
    await pause(IDLE_MS);
    const idle = memoryOf(agent);
    await followChanges(agent.api, agent.proxy, CHANGES);
    const changes = await followChanges(agent.api, agent.proxy, CHANGES);
    const large = await lookUps(agent, seconds);
    const worked = memoryOf(agent);
    await agent.stop();
    agent = undefined;

    const mb = (/** @type {ReturnType<typeof memory>} */ { rss, files }) => [rss, files];
    process.stdout.write(
      `${table(
        [`${services} instances on ${nodes} nodes`, 'resident MB', 'of it pages of files'],
        [
          ['registered', ...mb(filled)],
          ['started again', ...mb(started)],
          [`idle for ${IDLE_MS / 1000} s`, ...mb(idle)],
          ['after the look-ups', ...mb(worked)],
        ],
      )}\n\n`,
    );
    process.stdout.write(
      `${table(
        ['change', 'p50 ms', 'p99 ms', 'max ms'],
        Object.entries(changes).map(([what, times]) => [
          what,
          quantile(times, 0.5),
          quantile(times, 0.99),
          quantile(times, 1),
        ]),
      )}\n\n`,
    );
    const ratios = large.map((one, i) => one.cpuUs / (small[i]?.cpuUs ?? Number.NaN));
    process.stdout.write(
      `${table(
        ['CPU µs each', `${PER_SERVICE} instances`, `${services} instances`, 'ratio', 'errors'],
        large.map((one, i) => [
          one.name,
          small[i]?.cpuUs ?? Number.NaN,
          one.cpuUs,
          ratios[i] ?? Number.NaN,
          `${small[i]?.errors}${one.errors}`,
        ]),
      )}\n\n`,
    );
    const most = Math.max(filled.rss, idle.rss, worked.rss);
    const accepted = quantile(changes['join, from accepted'] ?? [], 0.99);
    const sent = quantile(changes['join, from sent'] ?? [], 0.5);
    const what = `${services} instances on ${nodes} nodes`;
    const verdict = (
      /** @type {string} */ of,
      /** @type {string} */ reach,
      /** @type {string} */ reached,
      /** @type {boolean} */ isReached,
    ) => ({
      what: `${what}: ${of}`,
      reach,
      reached,
      isReached,
      beside: '',
    });
    return {
      figures: { small, fillMs, filled, startedIn, started, idle, worked, changes, large },
      isRight: isThere && [...small, ...large].every(({ errors }) => errors === ''),
      verdicts: [
        verdict('resident memory', `< ${REACH.rss} MB`, `${rounded(most)} MB`, most < REACH.rss),
        verdict(
          'start from disk',
          `< ${REACH.startMs / 1000} s`,
          `${rounded(startedIn / 1000)} s`,
          startedIn < REACH.startMs,
        ),
        verdict(
          'a change to the router, from sent, p50',
          `< ${REACH.changeMs} ms`,
          `${rounded(sent)} ms`,
          sent < REACH.changeMs,
        ),
        verdict(
          'the same, from accepted, p99',
          `< ${REACH.changeMs} ms`,
          `${rounded(accepted)} ms`,
          accepted < REACH.changeMs,
        ),
        verdict(
          'cost of look-ups',
          `≤ × ${FLAT}`,
          `× ${rounded(Math.max(...ratios))}`,
          Math.max(...ratios) <= FLAT,
        ),
      ],
    };
  } finally {
    await agent?.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}
