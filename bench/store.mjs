// @ts-check
// Acknowledged writes per second over the API, by number of writers, durable and in memory, beside what the disk itself
// can do.
import { closeSync, fdatasyncSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import http from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { put, startAgent } from './agent.mjs';
import { conditions, printConditions } from './conditions.mjs';
import { quantile, table } from './figures.mjs';
import { keep, numberOption, options } from './options.mjs';

/** How long one append of 100 bytes with fdatasync takes here, median of 200, in ms. */
function bareSync() {
  const folder = mkdtempSync(join(tmpdir(), 'muster-bench-'));
  const file = openSync(join(folder, 'file'), 'w');
  const times = [];
  for (let i = 0; i < 200; i++) {
    const begin = performance.now();
    writeSync(file, Buffer.alloc(100));
    fdatasyncSync(file);
    times.push(performance.now() - begin);
  }
  closeSync(file);
  rmSync(folder, { recursive: true });
  return quantile(times, 0.5);
}

/**
 * @param {string} api
 * @param {number} writers
 * @param {number} seconds
 */
async function storm(api, writers, seconds) {
  /** @type {number[]} */
  const latencies = [];
  const begin = performance.now();
  const end = begin + seconds * 1000;
  const value = 'x'.repeat(100);
  const write = async (/** @type {number} */ writer) => {
    const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
    for (let i = 0; performance.now() < end; i++) {
      const sent = performance.now();
      await put(agent, `http://${api}/v1/kv/bench/${writer}/${i % 1000}`, value);
      latencies.push(performance.now() - sent);
    }
    agent.destroy();
  };
  await Promise.all(Array.from({ length: writers }, (_, i) => write(i)));
  return {
    perSecond: (latencies.length / (performance.now() - begin)) * 1000,
    p50: quantile(latencies, 0.5),
    p99: quantile(latencies, 0.99),
  };
}

/** @param {string[]} argv */
export async function storeBench(argv) {
  const chosen = options(argv, { seconds: '4', writers: '1,8,64' });
  const facts = { ...conditions(), 'bare sync': `${bareSync().toFixed(3)} ms (append and fdatasync)` };
  printConditions(facts);
  const figures = [];
  for (const store of /** @type {const} */ (['embedded', 'memory'])) {
    const ours = await startAgent({ store });
    try {
      await storm(ours.api, 8, 1);
      for (const writers of (chosen.writers ?? '').split(',').map(Number)) {
        figures.push({
          store,
          writers,
          ...(await storm(ours.api, writers, numberOption(chosen, 'seconds'))),
        });
      }
    } finally {
      await ours.stop();
    }
  }
  const rows = figures.map((one) => [one.store, String(one.writers), one.perSecond, one.p50, one.p99]);
  process.stdout.write(`${table(['store', 'writers', 'writes/s', 'p50 ms', 'p99 ms'], rows)}\n`);
  keep('store', { conditions: facts, options: chosen, figures });
  return 0;
}
