// @ts-check
// How long answers take when a balancer has half of the work that HAProxy can do at most.
import { say, UsageFailure } from '../scripts/support/say.mjs';
import { conditions, printConditions } from './conditions.mjs';
import { inTurn, median, ratioOf, table } from './figures.mjs';
import { LOAD_CPU, observe, PROXY_CPU, verdictOn } from './observe.mjs';
import { keep, kindsOption, numberOption, options } from './options.mjs';
import { subjectsOf, withAll, withBackend } from './subjects.mjs';
import { wrk } from './wrk.mjs';

const WARM_UP_SECONDS = 2;
/** Connections that find out what HAProxy can do. */
const SATURATING = 64;
/** What everything is compared with. */
const PEER = 'haproxy';
/** @type {Record<string, string>} */
const KINDS = { '128 B': '/128', '10 kB': '/10k' };

/** @typedef {import('./observe.mjs').Observed & { subject: string, kind: string, round: number }} Run */

/** @param {readonly Run[]} runs @param {string} kind @param {readonly string[]} subjects */
function summary(runs, kind, subjects) {
  /** @param {string} subject */
  const of = (subject) => runs.filter((run) => run.kind === kind && run.subject === subject);
  const rows = subjects.map((subject) => [
    subject,
    median(of(subject).map(({ perSecond }) => perSecond)),
    median(of(subject).map(({ p50 }) => p50)),
    median(of(subject).map(({ p99 }) => p99)),
    ratioOf(of(subject), of(PEER), ({ p99 }) => p99),
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
      if (peer === undefined) throw new UsageFailure(`${PEER} has to be among the subjects`);
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
        const load = { connections, seconds, asks: { think } };
        const path = KINDS[kind] ?? '';
        for (const subject of started) await observe(subject, path, { ...load, seconds: WARM_UP_SECONDS });
        for (let round = 1; round <= numberOption(chosen, 'rounds'); round++)
          for (const subject of inTurn(started, round)) {
            const run = { subject: subject.name, kind, round, ...(await observe(subject, path, load)) };
            runs.push(run);
            if (run.errors !== '')
              say('bench', `round ${round}: ${run.subject}, ${kind}: ERRORS: ${run.errors}`);
          }
        process.stdout.write(`\n${summary(runs, kind, subjects)}\n`);
      }
    }),
  );
  keep('proxy-latency', { conditions: facts, options: chosen, runs });
  return verdictOn(runs);
}
