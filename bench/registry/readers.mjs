// @ts-check
// How long it takes to tell many blocked readers of one change, and how long a program takes that only writes to their sockets, and Consul.
import http from 'node:http';
import { inRoot } from '../../scripts/support/paths.mjs';
import { freePorts, runToEnd, start, until } from '../../scripts/support/processes.mjs';
import { send, startAgent } from '../agent.mjs';
import { median, rounded, table } from '../figures.mjs';
import { hasOriginal, startConsul } from '../originals.mjs';
import { CLIENT_CPU, SUBJECT_CPU } from './places.mjs';

/** ms until the last of 10,000 is answered. */
const REACH = 250;

/** @typedef {{ cpuUs: number, first: number, middle: number, last: number }} Round */

/**
 * @param {Record<string, string>} chosen @param {string} address @param {number[]} pids of the program that is watched
 * @returns {Promise<Round[]>}
 */
async function watch(chosen, address, pids) {
  const args = [
    inRoot('bench', 'registry', 'watchers.mjs'),
    address,
    chosen.readers ?? '',
    chosen.rounds ?? '',
  ];
  const { code, output } = await runToEnd(process.execPath, [...args, pids.join()], { cpu: CLIENT_CPU });
  if (code !== 0) throw new Error(`the readers failed:\n${output}`);
  return JSON.parse(output);
}

/** The same of a program that does as little as can be. @param {Record<string, string>} chosen */
async function floorOf(chosen) {
  const [port = 0] = await freePorts(1);
  const program = start(process.execPath, [inRoot('bench', 'registry', 'readers-floor.mjs'), `${port}`], {
    cpu: SUBJECT_CPU,
  });
  try {
    const address = `127.0.0.1:${port}`;
    const isThere = async () =>
      (await send(new http.Agent(), 'GET', `http://${address}/v1/status/leader`)).status === 200;
    await until('the floor', isThere, { program });
    return await watch(chosen, address, program.family());
  } finally {
    await program.kill();
  }
}

/** Of a registry, which ends with it. @param {Record<string, string>} chosen @param {Awaited<ReturnType<typeof startAgent | typeof startConsul>>} registry */
async function roundsOf(chosen, { api, program, stop }) {
  try {
    return await watch(chosen, api, program.family());
  } finally {
    await stop();
  }
}

/** @param {Record<string, string>} chosen @returns {Promise<import('./places.mjs').Part>} */
export async function readers(chosen) {
  const place = { cpu: SUBJECT_CPU };
  /** @type {Record<string, Round[]>} */
  const figures = {
    muster: await roundsOf(chosen, await startAgent({ store: 'embedded', ...place })),
    'bare sockets': await floorOf(chosen),
    ...(hasOriginal('consul') ? { consul: await roundsOf(chosen, await startConsul(place)) } : {}),
  };
  const rows = Object.entries(figures).flatMap(([what, all]) =>
    all.map(({ cpuUs, first, middle, last }) => [what, chosen.readers ?? '', cpuUs, first, middle, last]),
  );
  const head = ['one change', 'blocked readers', 'CPU µs each', 'first ms', 'middle ms', 'last ms'];
  process.stdout.write(`${table(head, rows)}\n\n`);
  const [[, last = 0] = [], ...others] = Object.entries(figures).map(
    ([what, all]) => /** @type {const} */ ([what, median(all.map((round) => round.last))]),
  );
  return {
    figures,
    isRight: true,
    verdicts: [
      {
        what: `one change to ${chosen.readers} blocked readers, the last answered`,
        reach: `< ${REACH} ms`,
        reached: `${rounded(last)} ms`,
        isReached: last < REACH,
        beside: others.map(([what, ms]) => `${what}: ${rounded(ms)} ms`).join('; '),
      },
    ],
  };
}
