// @ts-check
// How long answers take when a balancer has half of the work that HAProxy can do at most.
import { say } from '../scripts/support/say.mjs';
import { conditions, printConditions } from './conditions.mjs';
import { inTurn, median, table } from './figures.mjs';
import { keep, kindsOption, numberOption, options } from './options.mjs';
import { subjectsOf, withBackend, withSubject } from './subjects.mjs';
import { errorsOf, wrk } from './wrk.mjs';

const PROXY_CPU = '0';
const LOAD_CPU = '1';
const WARM_UP_SECONDS = 2;
/** Connections that find out what HAProxy can do. */
const SATURATING = 64;
/** What everything is compared with. */
const PEER = 'haproxy';

/** @type {Record<string, string>} */
const KINDS = { '128 B': '/128', '10 kB': '/10k' };

/** @param {string[]} argv */
export async function proxyLatencyBench(argv) {
  const chosen = options(argv, {
    rounds: '3',
    seconds: '5',
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
  /** @type {{ subject: string, kind: string, round: number, perSecond: number, p50: number, p99: number, errors: string }[]} */
  const runs = [];
  /** Mean pause (ms) of each connection before each request, by kind. @type {Map<string, number>} */
  const thinks = new Map();
  await withBackend(LOAD_CPU, async (ground) => {
    const place = { ...ground, protocol: /** @type {const} */ ('http'), cpu: PROXY_CPU };
    await withSubject(PEER, place, async (url) => {
      for (const kind of kinds) {
        const { requests, us } = await wrk(url + KINDS[kind], {
          seconds,
          connections: SATURATING,
          cpu: LOAD_CPU,
        });
        const most = (requests / us) * 1e6;
        thinks.set(kind, Math.round((connections / (most / 2)) * 1e3));
        say(
          'bench',
          `${PEER}, ${kind}: ${Math.round(most)} req/s at most; a pause of ${thinks.get(kind)} ms makes half`,
        );
      }
    });
    for (let round = 1; round <= numberOption(chosen, 'rounds'); round++)
      for (const subject of inTurn(subjects, round))
        await withSubject(subject, place, async (url) => {
          for (const kind of kinds) {
            const load = { connections, cpu: LOAD_CPU, asks: { think: thinks.get(kind) ?? 1 } };
            await wrk(url + KINDS[kind], { ...load, seconds: WARM_UP_SECONDS });
            const figures = await wrk(url + KINDS[kind], { ...load, seconds });
            const run = {
              subject,
              kind,
              round,
              perSecond: (figures.requests / figures.us) * 1e6,
              p50: figures.p50 / 1000,
              p99: figures.p99 / 1000,
              errors: errorsOf(figures),
            };
            runs.push(run);
            say(
              'bench',
              `round ${round}: ${subject}, ${kind}: ${Math.round(run.perSecond)} req/s, p50 ${run.p50.toFixed(2)} ms, ` +
                `p99 ${run.p99.toFixed(2)} ms${run.errors ? `, ERRORS: ${run.errors}` : ''}`,
            );
          }
        });
  });
  for (const kind of kinds) {
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
    process.stdout.write(`\n${table([kind, 'req/s', 'p50 ms', 'p99 ms', `p99 × ${PEER}`], rows)}\n`);
  }
  keep('proxy-latency', { conditions: facts, options: chosen, runs });
  return runs.some(({ errors }) => errors !== '') ? 1 : 0;
}
