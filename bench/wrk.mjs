// @ts-check
import { inRoot } from '../scripts/support/paths.mjs';
import { runToEnd } from '../scripts/support/processes.mjs';

/**
 * One run of wrk. Latencies in microseconds.
 * @typedef {{ requests: number, us: number, bytes: number, p50: number, p99: number, max: number, connect: number,
 *   read: number, write: number, status: number, timeout: number }} Figures
 */

/**
 * @param {string} url
 * @param {{ seconds: number, connections: number, cpu: string, close?: boolean, writes?: string, host?: string, asks?: { think?: number, paths?: number } }} options
 *   `close`: a new connection for each request; `host`: the network namespace it runs in; `writes`: what of `writes.lua` to send instead
 *   of GET; `asks`: how `asks.lua` asks: mean milliseconds of pause before each request, how many paths in turn
 * @returns {Promise<Figures>}
 */
export async function wrk(url, { seconds, connections, cpu, close = false, writes, host, asks }) {
  const header = close ? ['-H', 'Connection: close'] : [];
  const script = writes !== undefined ? 'writes.lua' : asks !== undefined ? 'asks.lua' : 'report.lua';
  const args = [
    '-t1',
    `-c${connections}`,
    `-d${seconds}s`,
    '-s',
    inRoot('bench', script),
    ...header,
    url,
    ...(writes === undefined ? [] : ['--', writes]),
    ...(asks === undefined ? [] : ['--', String(asks.think ?? 0), String(asks.paths ?? 0)]),
  ];
  const [command, ...words] =
    host === undefined ? ['wrk', ...args] : ['ip', 'netns', 'exec', host, 'wrk', ...args];
  const { output } = await runToEnd(String(command), words, {
    cpu,
    env: { MUSTER_BENCH_REPORT: inRoot('bench', 'report.lua') },
  });
  const line = /^FIGURES (.*)$/m.exec(output);
  if (line === null) throw new Error(`wrk gave no figures:\n${output}`);
  return JSON.parse(/** @type {string} */ (line[1]));
}

/** What went wrong in a run, in words; empty when nothing did. @param {Figures} figures */
export function errorsOf({ connect, read, write, status, timeout }) {
  return Object.entries({ connect, read, write, status, timeout })
    .filter(([, count]) => count > 0)
    .map(([what, count]) => `${count} × ${what}`)
    .join(', ');
}
