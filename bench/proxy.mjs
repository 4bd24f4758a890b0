// @ts-check
// The balancer against HAProxy and nginx: requests per second, processor time per request, latencies.

import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePorts, pause, until } from '../scripts/support/processes.mjs';
import { say } from '../scripts/support/say.mjs';
import { conditions, printConditions } from './conditions.mjs';
import { busyTime, cpuTime, listenersOn } from './cpu.mjs';
import { median, table } from './figures.mjs';
import { keep, numberOption, options } from './options.mjs';
import { BODIES, bodyOf, makeCertificate, SUBJECTS, startBackend } from './subjects.mjs';
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

/** @typedef {{ path: keyof typeof BODIES, close: boolean }} Kind */
/** @type {Record<string, Kind>} */
const KINDS = {
  '128 B': { path: '/128', close: false },
  '10 kB': { path: '/10k', close: false },
  '200 kB': { path: '/200k', close: false },
  'new connection': { path: '/128', close: true },
};

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

/** @param {string} url @returns {Promise<string>} */
function body(url) {
  return new Promise((resolve, reject) => {
    const get = url.startsWith('https:') ? https.get : http.get;
    get(url, { agent: false, rejectUnauthorized: false }, (response) => {
      /** @type {Buffer[]} */
      const parts = [];
      response.on('data', (part) => parts.push(part));
      response.on('error', reject);
      response.on('end', () => {
        if (response.statusCode === 200) resolve(Buffer.concat(parts).toString());
        else reject(new Error(`${url}: ${response.statusCode} ${Buffer.concat(parts)}`));
      });
    }).on('error', reject);
  });
}

/** @param {string} url @param {number} size */
async function compareBodies(url, size) {
  const wanted = bodyOf(size);
  for (let i = 0; i < COMPARED; i++) {
    if ((await body(url)) !== wanted) throw new Error(`${url}: not the body of the backend`);
  }
}

/**
 * All kinds of one subject, from its start to its end.
 * @param {string} subject
 * @param {number} round
 * @param {{ folder: string, pem: string, protocol: keyof typeof SUBJECTS, backend: number, seconds: number, connections: number, kinds: string[] }} plan
 * @returns {Promise<Run[]>}
 */
async function measure(subject, round, { folder, pem, protocol, backend, seconds, connections, kinds }) {
  const [port = 0] = await freePorts(1);
  if (listenersOn(port) > 0) throw new Error(`something listens on port ${port} already`);
  const known = SUBJECTS[protocol];
  const startSubject = known[subject];
  if (startSubject === undefined)
    throw new Error(`no proxy ${subject}; known: ${Object.keys(known).join(', ')}`);
  const place = join(folder, `${subject}-${round}`);
  mkdirSync(place);
  const program = await startSubject({ folder: place, port, pem, backend, cpu: PROXY_CPU });
  const url = `${protocol === 'https' ? 'https' : 'http'}://127.0.0.1:${port}`;
  try {
    await until(`${subject} to answer`, () => body(`${url}/128`), { program });
    await wrk(`${url}/128`, { seconds: WARM_UP_SECONDS, connections, cpu: LOAD_CPU, close: false });
    /** @type {Run[]} */
    const runs = [];
    for (const kind of kinds) {
      const { path, close } = /** @type {Kind} */ (KINDS[kind]);
      const size = BODIES[path];
      await compareBodies(url + path, size);
      const pids = program.family();
      const [before, busyBefore] = [cpuTime(pids), busyTime(PROXY_CPU)];
      const figures = await wrk(url + path, { seconds, connections, cpu: LOAD_CPU, close });
      const cpu = cpuTime(pids) - before;
      const others = Math.max(0, busyTime(PROXY_CPU) - busyBefore - cpu) / figures.us;
      await compareBodies(url + path, size);
      const short = figures.bytes < figures.requests * size ? 'bodies too short' : '';
      /** @type {Run} */
      const run = {
        subject,
        kind,
        round,
        perSecond: (figures.requests / figures.us) * 1e6,
        cpuUs: cpu / figures.requests,
        p50: figures.p50 / 1000,
        p99: figures.p99 / 1000,
        others,
        errors: [errorsOf(figures), short].filter((one) => one !== '').join(', '),
      };
      runs.push(run);
      say(
        'bench',
        `round ${round}: ${subject}, ${kind}: ${Math.round(run.perSecond)} req/s, ${run.cpuUs.toFixed(1)} µs` +
          `${others > DISTURBED ? `, DISTURBED: others had ${Math.round(others * 100)} % of the core` : ''}` +
          `${run.errors ? `, ERRORS: ${run.errors}` : ''}`,
      );
    }
    return runs;
  } finally {
    await program.stop('SIGTERM', 5_000);
    await until(`${subject} to let go of its port`, () => listenersOn(port) === 0);
    await pause(300);
  }
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

/** @param {string[]} argv */
export async function proxyBench(argv) {
  const chosen = options(argv, {
    rounds: '3',
    seconds: '8',
    connections: '64',
    protocol: 'http',
    subjects: '',
    kinds: Object.keys(KINDS).join(','),
  });
  const rounds = numberOption(chosen, 'rounds');
  /** @type {keyof typeof SUBJECTS} */
  const protocol = chosen.protocol === 'tcp' || chosen.protocol === 'https' ? chosen.protocol : 'http';
  const subjects = (chosen.subjects || Object.keys(SUBJECTS[protocol]).join(',')).split(',');
  const kinds = (chosen.kinds ?? '').split(',').map((one) => one.trim());
  const unknown = kinds.find((kind) => !(kind in KINDS));
  if (unknown !== undefined) throw new Error(`no kind ${unknown}; known: ${Object.keys(KINDS).join(', ')}`);
  const facts = conditions();
  printConditions(facts);

  const folder = mkdtempSync(join(tmpdir(), 'muster-bench-'));
  const [backendPort = 0] = await freePorts(1);
  const backend = startBackend(folder, backendPort, LOAD_CPU);
  const pem = await makeCertificate(folder);
  /** @type {Run[]} */
  const runs = [];
  try {
    await until('the backend to answer', () => body(`http://127.0.0.1:${backendPort}/128`), {
      program: backend,
    });
    for (let round = 1; round <= rounds; round++) {
      // Another first one in each round: what the machine does over time hits all alike.
      const order = subjects.map(
        (_, i) => /** @type {string} */ (subjects[(i + round - 1) % subjects.length]),
      );
      for (const subject of order) {
        const plan = {
          folder,
          pem,
          protocol,
          backend: backendPort,
          seconds: numberOption(chosen, 'seconds'),
          connections: numberOption(chosen, 'connections'),
          kinds,
        };
        runs.push(...(await measure(subject, round, plan)));
      }
    }
  } finally {
    await backend.stop('SIGTERM', 5_000);
    rmSync(folder, { recursive: true, force: true });
  }

  const summaries = kinds.flatMap((kind) => summary(runs, kind, subjects));
  const peers = subjects.filter((subject) => !isOurs(subject));
  process.stdout.write(
    `\n${protocol}: medians of ${rounds} rounds of ${chosen.seconds} s, ${chosen.connections} connections\n`,
  );
  for (const kind of kinds) {
    const head = [kind, 'req/s', 'CPU µs/req', 'p50 ms', 'p99 ms', ...peers.map((peer) => `CPU × ${peer}`)];
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
  keep('proxy', { conditions: facts, options: chosen, summaries, runs });
  const disturbed = runs.filter((run) => run.others > DISTURBED).length;
  if (disturbed > 0)
    say('bench', `${disturbed} of ${runs.length} runs were disturbed: measure again on a quiet machine`);
  const bad = runs.filter((run) => run.errors !== '');
  if (bad.length > 0) say('bench', `${bad.length} of ${runs.length} runs had errors`);
  return bad.length > 0 ? 1 : 0;
}
