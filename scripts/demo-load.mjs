#!/usr/bin/env node
// @ts-check
// npm run demo:load: the load test of the write-up that the hello stack comes from. 6,000 requests in a minute to one, four and
// eight replicas of a slow program, with the figures of the write-up beside those of this machine.
//   node scripts/demo-load.mjs [--quick] [--json]     --quick: the same picture in six seconds each
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setup } from './setup.mjs';
import { inRoot, MUSTER } from './support/paths.mjs';
import { freePorts, runToEnd, start, stopAllWithUs, until } from './support/processes.mjs';
import { Failure, run } from './support/say.mjs';

const PATH = '/hello/api/v1';

/**
 * What one replica manages: one answer at a time, 41 ms each, about 24 a second. That is what the figures of the write-up come
 * to: with one replica 233 answers in the ten seconds before everybody waited too long, with four almost enough for
 * the 100 a second that are asked for.
 */
const SLOW = { HELLO_WORK_MS: '41', HELLO_CONCURRENCY: '1' };

/** Of the write-up, in its words. */
const WRITE_UP = {
  1: { success: 233, fail: 5767, avg: 2840, min: 7, max: 9933 },
  4: { success: 5796, fail: 204, avg: 290, min: 5, max: 9873 },
  8: { success: 6000, fail: 0, avg: 17, min: 5, max: 86 },
};

/**
 * @typedef {object} Measured as `muster load -json` prints it
 * @property {number} total
 * @property {number} success
 * @property {number} fail
 * @property {{ avg: number, min: number, max: number, p50: number, p99: number } | null} latency
 */

/**
 * @param {number} replicas
 * @param {{ requests: number, seconds: number, timeout: number }} load times in seconds
 * @returns {Promise<Measured>}
 */
async function measure(replicas, { requests, seconds, timeout }) {
  const folder = mkdtempSync(join(tmpdir(), 'muster-demo-'));
  const [http, dns, proxy, admin] = /** @type {[number, number, number, number]} */ (await freePorts(4));
  const stack = join(folder, 'slow-hello.toml');
  writeFileSync(
    stack,
    `
[node]
dev = true
[ports]
http = ${http}
dns = ${dns}
[balancer]
listen = ["127.0.0.1:${proxy}"]
admin = "127.0.0.1:${admin}"
strategy = "rr"
# One request at a time is what a replica can do; more of them would only wait there, until everybody gives up.
limits = { max_in_flight = 1 }
[log]
level = "warn"
[[group]]
name = "hello"
replicas = ${replicas}
command = [${JSON.stringify(process.execPath)}, "hello.mjs"]
cwd = ${JSON.stringify(inRoot('apps', 'hello'))}
env = { HELLO_WORK_MS = "${SLOW.HELLO_WORK_MS}", HELLO_CONCURRENCY = "${SLOW.HELLO_CONCURRENCY}" }
service = "hello-server"
route = "${PATH}"
`,
  );
  const up = start(process.execPath, [MUSTER, 'up', stack]);
  try {
    await until(`${replicas} replicas`, () => up.output().includes('Ctrl-C ends everything'), {
      program: up,
      ms: 30_000,
    });
    const url = `http://127.0.0.1:${proxy}${PATH}`;
    const { output } = await runToEnd(process.execPath, [
      MUSTER,
      'load',
      url,
      `-requests=${requests}`,
      `-duration=${seconds}s`,
      `-timeout=${timeout}s`,
      '-json',
    ]);
    try {
      return JSON.parse(output);
    } catch {
      throw new Failure(`muster load said: ${output}`);
    }
  } finally {
    // At once: after an overload the requests that nobody waits for any more would be worked off first.
    await up.kill();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** @param {number} value */
const count = (value) => Math.round(value).toLocaleString('en-US');

/** @param {number} replicas @param {Measured} measured @param {number} scale */
function table(replicas, { total, success, fail, latency }, scale) {
  const theirs = WRITE_UP[/** @type {1 | 4 | 8} */ (replicas)];
  const head = `${replicas} Replica${replicas === 1 ? '' : 's'}`;
  const rows = [
    ['Total Requests:', count(total), '6,000'],
    ['Request Success:', count(success), count(theirs.success)],
    ['Request Fail:', count(fail), count(theirs.fail)],
    ...(latency === null
      ? []
      : [
          ['Avg:', `${count(latency.avg)} (ms)`, `${count(theirs.avg)} (ms)`],
          ['Min:', `${count(latency.min)} (ms)`, `${count(theirs.min)} (ms)`],
          ['Max:', `${count(latency.max)} (ms)`, `${count(theirs.max)} (ms)`],
          ['p50:', `${count(latency.p50)} (ms)`, ''],
          ['p99:', `${count(latency.p99)} (ms)`, ''],
        ]),
  ];
  const note = scale === 1 ? '' : `   (a ${scale}th of the time and of the patience)`;
  return [
    `${head}${note}`.trimEnd(),
    `${''.padEnd(18)}${'Muster'.padStart(12)}${'write-up'.padStart(14)}`,
    ...rows.map(([name = '', ours = '', other = '']) =>
      `${name.padEnd(18)}${ours.padStart(12)}${other.padStart(14)}`.trimEnd(),
    ),
    '',
    '',
  ].join('\n');
}

await run(async () => {
  const args = process.argv.slice(2);
  const unknown = args.find((arg) => arg !== '--quick' && arg !== '--json');
  if (unknown !== undefined) {
    process.stderr.write(`demo-load: unknown option ${unknown}. Known: --quick, --json\n`);
    return 2;
  }
  await setup();
  stopAllWithUs();
  // The same rate in either case, 100 requests a second; the time and how long a client waits shrink alike.
  const scale = args.includes('--quick') ? 10 : 1;
  const load = { requests: 6000 / scale, seconds: 60 / scale, timeout: 10 / scale };
  const json = args.includes('--json');
  /** @type {Record<number, Measured>} */
  const all = {};
  if (!json)
    process.stdout.write(
      `${count(load.requests)} requests in ${load.seconds} s through the balancer, each given up after ${load.timeout} s; a replica manages about 24 a second.\n\n`,
    );
  for (const replicas of [1, 4, 8]) {
    all[replicas] = await measure(replicas, load);
    if (!json) process.stdout.write(table(replicas, all[replicas], scale));
  }
  if (json) process.stdout.write(`${JSON.stringify(all, null, 2)}\n`);
  return 0;
});
