// @ts-check
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runToEnd } from '../scripts/support/processes.mjs';
import { quantile } from './figures.mjs';

/**
 * One run of h2load: over HTTP/1.1, for long answers (it spends half as much on reading one of 98 kB as wrk does, which has the other core
 * busy before the server has), or over HTTP/2 with so many streams at a time on each connection.
 * @param {string} url
 * @param {{ seconds: number, connections: number, cpu: string, streams?: number }} options
 * @returns {Promise<import('./wrk.mjs').Figures>} `connect`, `read` and `write` together in `read`; no `max` beyond what was answered
 */
export async function h2load(url, { seconds, connections, cpu, streams }) {
  const folder = mkdtempSync(join(tmpdir(), 'muster-bench-'));
  try {
    const log = join(folder, 'log');
    const speaks = streams === undefined ? ['--h1'] : [`-m${streams}`];
    const args = [...speaks, '-t1', `-c${connections}`, `-D${seconds}`, `--log-file=${log}`, url];
    const { output } = await runToEnd('h2load', args, { cpu });
    const took = Number(/^finished in ([\d.]+)s,/m.exec(output)?.[1]) * 1e6;
    const counts = /(\d+) done, (\d+) succeeded, (\d+) failed, (\d+) errored, (\d+) timeout/.exec(output);
    if (counts === null || !(took > 0)) throw new Error(`h2load gave no figures:\n${output}`);
    const [requests = 0, succeeded = 0, , errored = 0, timeout = 0] = counts.slice(1).map(Number);
    const times = readFileSync(log, 'latin1')
      .trim()
      .split('\n')
      .map((line) => Number(line.split('\t')[2]));
    return {
      requests,
      us: took,
      bytes: Number(/^traffic: .*?\((\d+)\) total/m.exec(output)?.[1]),
      p50: quantile(times, 0.5),
      p99: quantile(times, 0.99),
      max: times.reduce((most, time) => Math.max(most, time), 0),
      connect: 0,
      read: errored,
      write: 0,
      status: requests - succeeded - errored - timeout,
      timeout,
    };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
