// @ts-check
// The balancer against HAProxy and nginx: requests per second, processor time per request, latencies.

import { say } from '../scripts/support/say.mjs';
import { conditions, printConditions } from './conditions.mjs';
import { busyTime, cpuTime } from './cpu.mjs';
import { inTurn, median, table } from './figures.mjs';
import { keep, kindsOption, numberOption, options } from './options.mjs';
import { REACHES, reachTable } from './proxy-reach.mjs';
import { BODIES, body, bodyOf, buildFloor, SUBJECTS, subjectsOf, withAll, withBackend } from './subjects.mjs';
import { errorsOf, wrk } from './wrk.mjs';

/** The proxy alone on one core, load and backend on the other. */
const PROXY_CPU = '0';
const LOAD_CPU = '1';

/** Compilers and pools are warm after this. */
const WARM_UP_SECONDS = 3;

/** A run in which others had more of the proxy's core than this is not worth much. */
const DISTURBED = 0.1;

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

/**
 * @typedef {object} Run
 * @property {string} subject
 * @property {string} kind
 * @property {number} round
 * @property {number} perSecond
 * @property {number} cpuUs processor time of the proxy per request
 * @property {number} p50 milliseconds
 * @property {number} p99 milliseconds
 * @property {number} others share of the proxy's core that went to something else, 0 to 1
 * @property {string} errors
 */

/** @param {string} url @param {number} size */
async function compareBodies(url, size) {
  const wanted = bodyOf(size);
  for (let i = 0; i < COMPARED; i++) {
    if ((await body(url)) !== wanted) throw new Error(`${url}: not the body of the backend`);
  }
}

/**
 * @param {import('./subjects.mjs').Started} subject
 * @param {string} name of the kind
 * @param {number} round
 * @param {{ seconds: number, connections: number }} load
 * @returns {Promise<Run>}
 */
async function measure({ name: subject, url, pids }, name, round, { seconds, connections }) {
  const { path, close, connections: own } = /** @type {Kind} */ (KINDS[name]);
  const size = BODIES[path];
  await compareBodies(url + path, size);
  const family = pids();
  const [before, busyBefore] = [cpuTime(family), busyTime(PROXY_CPU)];
  const figures = await wrk(url + path, { seconds, connections: own ?? connections, cpu: LOAD_CPU, close });
  const cpu = cpuTime(family) - before;
  const others = Math.max(0, busyTime(PROXY_CPU) - busyBefore - cpu) / figures.us;
  await compareBodies(url + path, size);
  const short = figures.bytes < figures.requests * size ? 'bodies too short' : '';
  const none = figures.requests === 0 ? 'no answer' : '';
  const perSecond = (figures.requests / figures.us) * 1e6;
  const cpuUs = cpu / figures.requests;
  const errors = [errorsOf(figures), short, none].filter((one) => one !== '').join(', ');
  say(
    'bench',
    `round ${round}: ${subject}, ${name}: ${Math.round(perSecond)} req/s, ${cpuUs.toFixed(1)} µs` +
      `${others > DISTURBED ? `, DISTURBED: others had ${Math.round(others * 100)} % of the core` : ''}` +
      `${errors ? `, ERRORS: ${errors}` : ''}`,
  );
  const times = { p50: figures.p50 / 1000, p99: figures.p99 / 1000 };
  return { subject, kind: name, round, perSecond, cpuUs, ...times, others, errors };
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
    const ratioTo = (peer) =>
      isOurs(subject)
        ? median(
            mine.flatMap((run) =>
              of(peer)
                .filter(({ round }) => round === run.round)
                .map((other) => run.cpuUs / other.cpuUs),
            ),
          )
        : Number.NaN;
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
    if (!(one in SUBJECTS)) throw new Error(`no protocol ${one}; known: ${Object.keys(SUBJECTS).join(', ')}`);
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
  const disturbed = all.filter((run) => run.others > DISTURBED).length;
  if (disturbed > 0)
    say('bench', `${disturbed} of ${all.length} runs were disturbed: measure again on a quiet machine`);
  const bad = all.filter((run) => run.errors !== '');
  if (bad.length > 0) say('bench', `${bad.length} of ${all.length} runs had errors`);
  return bad.length > 0 ? 1 : 0;
}
