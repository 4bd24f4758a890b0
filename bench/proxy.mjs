// @ts-check
// The balancer against HAProxy and nginx: requests per second, processor time per request, latencies.

import { say, UsageFailure } from '../scripts/support/say.mjs';
import { conditions, printConditions } from './conditions.mjs';
import { inTurn, median, ratioOf, table } from './figures.mjs';
import { DISTURBED, LOAD_CPU, observe, PROXY_CPU, verdictOn } from './observe.mjs';
import { keep, kindsOption, numberOption, options } from './options.mjs';
import { REACHES, reachTable } from './proxy-reach.mjs';
import { BODIES, body, bodyOf, buildFloor, SUBJECTS, subjectsOf, withAll, withBackend } from './subjects.mjs';
import { wrk } from './wrk.mjs';

/** Compilers and pools are warm after this. */
const WARM_UP_SECONDS = 3;

/** How many bodies are compared byte by byte before and after each run. */
const COMPARED = 50;

/** `connections`: where it is not as many as were asked for. @typedef {{ path: keyof typeof BODIES, close: boolean, connections?: number }} Kind */
/** @type {Record<string, Kind>} */
const KINDS = {
  '128 B': { path: '/128', close: false },
  '128 B x 256': { path: '/128', close: false, connections: 256 },
  '10 kB': { path: '/10k', close: false },
  '200 kB': { path: '/200k', close: false },
  'new connection': { path: '/128', close: true },
};

/** @typedef {import('./subjects.mjs').Protocol} Protocol */

/** @typedef {import('./observe.mjs').Observed & { subject: string, kind: string, round: number }} Run */

/** @param {string} url @param {number} size */
async function compareBodies(url, size) {
  const wanted = bodyOf(size);
  for (let i = 0; i < COMPARED; i++) {
    if ((await body(url)) !== wanted) throw new Error(`${url}: not the body of the backend`);
  }
}

/**
 * @param {import('./subjects.mjs').Started} started
 * @param {string} name of the kind
 * @param {number} round
 * @param {{ seconds: number, connections: number }} load
 * @returns {Promise<Run>}
 */
async function measure(started, name, round, { seconds, connections }) {
  const { path, close, connections: own = connections } = /** @type {Kind} */ (KINDS[name]);
  const { name: subject, url } = started;
  const size = BODIES[path];
  await compareBodies(url + path, size);
  const seen = await observe(started, path, { seconds, connections: own, close }, size);
  await compareBodies(url + path, size);
  say(
    'bench',
    `round ${round}: ${subject}, ${name}: ${Math.round(seen.perSecond)} req/s, ${seen.cpuUs.toFixed(1)} µs` +
      `${seen.others > DISTURBED ? `, DISTURBED: others had ${Math.round(seen.others * 100)} % of the core` : ''}` +
      `${seen.errors ? `, ERRORS: ${seen.errors}` : ''}`,
  );
  return { subject, kind: name, round, ...seen };
}

/** Whether it is ours: its cost is told as a ratio to each peer's. @param {string} subject */
const isOurs = (subject) => subject.startsWith('muster');

/**
 * One table per kind: medians over the rounds, and the ratio of processor time to each peer (median of the ratios
 * within a round, since rounds differ more than proxies within one).
 * @param {Run[]} runs
 * @param {string} kind
 * @param {string[]} subjects
 */
function summary(runs, kind, subjects) {
  /** @param {string} subject */
  const of = (subject) => runs.filter((run) => run.kind === kind && run.subject === subject);
  const peers = subjects.filter((subject) => !isOurs(subject));
  return subjects.map((subject) => {
    const mine = of(subject);
    /** @param {string} peer */
    const ratioTo = (peer) => (isOurs(subject) ? ratioOf(mine, of(peer), ({ cpuUs }) => cpuUs) : Number.NaN);
    return {
      subject,
      kind,
      perSecond: median(mine.map((run) => run.perSecond)),
      cpuUs: median(mine.map((run) => run.cpuUs)),
      p50: median(mine.map((run) => run.p50)),
      p99: median(mine.map((run) => run.p99)),
      ratios: Object.fromEntries(peers.map((peer) => [peer, ratioTo(peer)])),
      errors: mine.filter((run) => run.errors !== '').length,
    };
  });
}

/** The protocols that were chosen with `--protocol`. @param {string} chosen @returns {Protocol[]} */
function protocolsOf(chosen) {
  return chosen.split(',').map((one) => {
    if (!(one in SUBJECTS))
      throw new UsageFailure(`no protocol ${one}; known: ${Object.keys(SUBJECTS).join(', ')}`);
    return /** @type {Protocol} */ (one);
  });
}

/**
 * @param {Protocol} protocol
 * @param {string[]} kinds
 * @param {string[]} subjects
 * @param {ReturnType<typeof summary>} summaries
 */
function printTables(protocol, kinds, subjects, summaries) {
  const peers = subjects.filter((subject) => !isOurs(subject));
  for (const kind of kinds) {
    const head = [
      `${protocol}, ${kind}`,
      'req/s',
      'CPU µs/req',
      'p50 ms',
      'p99 ms',
      ...peers.map((peer) => `CPU × ${peer}`),
    ];
    const rows = summaries
      .filter((one) => one.kind === kind)
      .map((one) => [
        one.subject,
        one.perSecond,
        one.cpuUs,
        one.p50,
        one.p99,
        ...peers.map((peer) => one.ratios[peer] ?? Number.NaN),
      ]);
    process.stdout.write(`\n${table(head, rows)}\n`);
  }
}

/** @param {string[]} argv */
export async function proxyBench(argv) {
  const chosen = options(argv, {
    rounds: '7',
    seconds: '2',
    connections: '64',
    protocol: Object.keys(SUBJECTS).join(','),
    subjects: '',
    kinds: '',
    floor: '',
  });
  const rounds = numberOption(chosen, 'rounds');
  const protocols = protocolsOf(chosen.protocol ?? '');
  const wanted = chosen.kinds === '' ? undefined : kindsOption(chosen, KINDS);
  const facts = conditions();
  printConditions(facts);

  /** @type {Run[]} */
  const all = [];
  /** @type {(ReturnType<typeof summary>[number] & { protocol: Protocol })[]} */
  const reached = [];
  await withBackend(LOAD_CPU, async (ground) => {
    const floor = chosen.floor ? await buildFloor(ground.folder, chosen.floor) : '';
    for (const protocol of protocols) {
      const kinds = wanted ?? Object.keys(REACHES[protocol]);
      const subjects = chosen.subjects ? chosen.subjects.split(',') : subjectsOf(protocol, floor);
      const load = {
        seconds: numberOption(chosen, 'seconds'),
        connections: numberOption(chosen, 'connections'),
      };
      /** @type {Run[]} */
      const runs = [];
      await withAll(subjects, { ...ground, floor, protocol, cpu: PROXY_CPU }, async (started) => {
        const warm = { seconds: WARM_UP_SECONDS, connections: load.connections, cpu: LOAD_CPU };
        for (const { url } of started) await wrk(`${url}/128`, warm);
        for (const kind of kinds)
          for (let round = 1; round <= rounds; round++)
            for (const subject of inTurn(started, round))
              runs.push(await measure(subject, kind, round, load));
      });
      const summaries = kinds.flatMap((kind) => summary(runs, kind, subjects));
      printTables(protocol, kinds, subjects, summaries);
      keep(`proxy-${protocol}`, { conditions: facts, options: chosen, summaries, runs });
      all.push(...runs);
      reached.push(...summaries.map((one) => ({ ...one, protocol })));
    }
  });

  process.stdout.write(
    `\nmedians of ${rounds} rounds of ${chosen.seconds} s, ${chosen.connections} connections\n${reachTable(reached)}\n` +
      'Latency at half load: bench -- proxy-latency. Kernel mode: bench -- kernel.\n',
  );
  return verdictOn(all);
}
