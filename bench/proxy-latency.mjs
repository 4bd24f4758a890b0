// @ts-check
// How long answers take when a balancer has half of the work that HAProxy can do at most.
import { say } from '../scripts/support/say.mjs';
import { conditions, printConditions } from './conditions.mjs';
import { busyTime, cpuTime } from './cpu.mjs';
import { inTurn, median, table } from './figures.mjs';
import { keep, kindsOption, numberOption, options } from './options.mjs';
import { subjectsOf, withAll, withBackend } from './subjects.mjs';
import { errorsOf, wrk } from './wrk.mjs';

const PROXY_CPU = '0';
const LOAD_CPU = '1';
const WARM_UP_SECONDS = 2;
/** Connections that find out what HAProxy can do. */
const SATURATING = 64;
/** What everything is compared with. */
const PEER = 'haproxy';
/** A run in which others had more of the proxy's core than this says what they did. */
const DISTURBED = 0.1;

/** @type {Record<string, string>} */
const KINDS = { '128 B': '/128', '10 kB': '/10k' };

/** @typedef {import('./subjects.mjs').Started} Started */
/**
 * @typedef {object} Run
 * @property {string} subject
 * @property {string} kind
 * @property {number} round
 * @property {number} perSecond
 * @property {number} p50 milliseconds
 * @property {number} p99 milliseconds
 * @property {number} others share of the proxy's core that went to something else, 0 to 1
 * @property {string} errors
 */

/**
 * @param {Started} subject
 * @param {string} kind
 * @param {number} round
 * @param {{ connections: number, seconds: number, think: number }} load
 * @returns {Promise<Run>}
 */
async function measure({ name, url, pids }, kind, round, { connections, seconds, think }) {
  const family = pids();
  const [before, busyBefore] = [cpuTime(family), busyTime(PROXY_CPU)];
  const figures = await wrk(url + KINDS[kind], { connections, seconds, cpu: LOAD_CPU, asks: { think } });
  const own = cpuTime(family) - before;
  return {
    subject: name,
    kind,
    round,
    perSecond: (figures.requests / figures.us) * 1e6,
    p50: figures.p50 / 1000,
    p99: figures.p99 / 1000,
    others: Math.max(0, busyTime(PROXY_CPU) - busyBefore - own) / figures.us,
    errors: errorsOf(figures),
  };
}

/** @param {readonly Run[]} runs @param {string} kind @param {readonly string[]} subjects */
function summary(runs, kind, subjects) {
  /** @param {string} subject */
  const of = (subject) => runs.filter((run) => run.kind === kind && run.subject === subject);
  const rows = subjects.map((subject) => [
    subject,
    median(of(subject).map(({ perSecond }) => perSecond)),
    median(of(subject).map(({ p50 }) => p50)),
    median(of(subject).map(({ p99 }) => p99)),
    median(
      of(subject).flatMap(({ round, p99 }) =>
        of(PEER)
          .filter((other) => other.round === round)
          .map((other) => p99 / other.p99),
      ),
    ),
  ]);
  return table([kind, 'req/s', 'p50 ms', 'p99 ms', `p99 × ${PEER}`], rows);
}

/** @param {string[]} argv */
export async function proxyLatencyBench(argv) {
  const chosen = options(argv, {
    rounds: '15',
    seconds: '2',
    connections: '256',
    subjects: subjectsOf('http').join(','),
    kinds: Object.keys(KINDS).join(','),
  });
  const seconds = numberOption(chosen, 'seconds');
  const connections = numberOption(chosen, 'connections');
  const subjects = (chosen.subjects ?? '').split(',');
  const kinds = kindsOption(chosen, KINDS);
  const facts = conditions();
  printConditions(facts);
  /** @type {Run[]} */
  const runs = [];
  await withBackend(LOAD_CPU, (ground) =>
    withAll(subjects, { ...ground, protocol: 'http', cpu: PROXY_CPU }, async (started) => {
      const peer = started.find(({ name }) => name === PEER);
      if (peer === undefined) throw new Error(`${PEER} has to be among the subjects`);
      for (const kind of kinds) {
        const most = await wrk(peer.url + KINDS[kind], {
          seconds: 5,
          connections: SATURATING,
          cpu: LOAD_CPU,
        });
        const perSecond = (most.requests / most.us) * 1e6;
        // Of each connection before each request, in the mean. That an answer takes its time is for all alike.
        const think = Math.round((connections / (perSecond / 2)) * 1e3);
        say(
          'bench',
          `${PEER}, ${kind}: ${Math.round(perSecond)} req/s at most; a pause of ${think} ms makes half`,
        );
        const load = { connections, seconds, think };
        for (const subject of started) await measure(subject, kind, 0, { ...load, seconds: WARM_UP_SECONDS });
        for (let round = 1; round <= numberOption(chosen, 'rounds'); round++)
          for (const subject of inTurn(started, round)) runs.push(await measure(subject, kind, round, load));
        process.stdout.write(`\n${summary(runs, kind, subjects)}\n`);
      }
    }),
  );
  keep('proxy-latency', { conditions: facts, options: chosen, runs });
  const disturbed = runs.filter(({ others }) => others > DISTURBED).length;
  if (disturbed > 0)
    say('bench', `${disturbed} of ${runs.length} runs were disturbed: measure again on a quiet machine`);
  const bad = runs.filter(({ errors }) => errors !== '');
  for (const { subject, kind, round, errors } of bad)
    say('bench', `round ${round}: ${subject}, ${kind}: ERRORS: ${errors}`);
  return bad.length > 0 ? 1 : 0;
}
