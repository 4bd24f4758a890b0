// @ts-check
// Clients that speak HTTP/2 over TLS, to instances that speak HTTP/1.1 or HTTP/2 in clear text: one request at a time, and many.
import { say, UsageFailure } from '../scripts/support/say.mjs';
import { conditions, printConditions } from './conditions.mjs';
import { inTurn, median, ratioOf, table } from './figures.mjs';
import { h2load } from './h2load.mjs';
import { LOAD_CPU, observe, PROXY_CPU, verdictOn } from './observe.mjs';
import { keep, kindsOption, numberOption, options } from './options.mjs';
import { withAll, withBackend } from './subjects.mjs';

const WARM_UP_SECONDS = 2;
/** What everything is compared with. */
const PEER = 'haproxy';
const SUBJECTS = ['muster', 'muster-net', PEER];
/** Requests under way: connections, and streams on each. */
const LOADS = [
  { connections: 1, streams: 1 },
  { connections: 8, streams: 8 },
];
/** @type {Record<string, { path: string, size: number }>} */
const KINDS = {
  '128 B': { path: '/128', size: 128 },
  '10 kB': { path: '/10k', size: 10_240 },
  '200 kB': { path: '/200k', size: 204_800 },
};

/** @typedef {import('./observe.mjs').Observed & { subject: string, kind: string, round: number }} Run */

/** @param {readonly Run[]} runs @param {string} kind */
function summary(runs, kind) {
  /** @param {string} subject */
  const of = (subject) => runs.filter((run) => run.kind === kind && run.subject === subject);
  const rows = SUBJECTS.map((subject) => [
    subject,
    median(of(subject).map(({ perSecond }) => perSecond)),
    median(of(subject).map(({ cpuUs }) => cpuUs)),
    median(of(subject).map(({ p50 }) => p50)),
    median(of(subject).map(({ p99 }) => p99)),
    ratioOf(of(subject), of(PEER), ({ cpuUs }) => cpuUs),
  ]);
  return table([kind, 'req/s', 'CPU µs/req', 'p50 ms', 'p99 ms', `CPU × ${PEER}`], rows);
}

/** @param {string[]} argv */
export async function proxyHttp2Bench(argv) {
  const chosen = options(argv, {
    rounds: '5',
    seconds: '2',
    kinds: Object.keys(KINDS).join(','),
    instances: 'http1',
  });
  const { instances } = chosen;
  if (instances !== 'http1' && instances !== 'http2')
    throw new UsageFailure(`--instances are http1 or http2, not ${instances}`);
  const seconds = numberOption(chosen, 'seconds');
  const facts = conditions();
  printConditions(facts);
  /** @type {Run[]} */
  const runs = [];
  await withBackend(LOAD_CPU, ({ http2Backend, ...ground }) => {
    const callsHttp2 = instances === 'http2';
    const backend = callsHttp2 ? http2Backend : ground.backend;
    const place = {
      ...ground,
      backend,
      callsHttp2,
      protocol: /** @type {const} */ ('https'),
      cpu: PROXY_CPU,
    };
    return withAll(SUBJECTS, place, async (started) => {
      for (const { url } of started)
        await h2load(`${url}/128`, { seconds: WARM_UP_SECONDS, connections: 8, streams: 8, cpu: LOAD_CPU });
      for (const name of kindsOption(chosen, KINDS))
        for (const load of LOADS)
          for (let round = 1; round <= numberOption(chosen, 'rounds'); round++)
            for (const subject of inTurn(started, round)) {
              const { path, size } = /** @type {{ path: string, size: number }} */ (KINDS[name]);
              const kind = `${name}, ${load.connections} × ${load.streams}`;
              const seen = await observe(subject, path, { seconds, ...load }, size, h2load);
              runs.push({ subject: subject.name, kind, round, ...seen });
              say(
                'bench',
                `round ${round}: ${subject.name}, ${kind}: ${Math.round(seen.perSecond)} req/s, ${seen.cpuUs.toFixed(1)} µs${seen.errors === '' ? '' : `, ERRORS: ${seen.errors}`}`,
              );
            }
    });
  });
  for (const kind of new Set(runs.map((run) => run.kind))) process.stdout.write(`\n${summary(runs, kind)}\n`);
  keep('proxy-http2', { conditions: facts, options: chosen, runs });
  return verdictOn(runs);
}
