// @ts-check
// Answers that are kept: muster dns against dnsmasq, each in front of the same name server.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { dnsmasqFlags } from '../scripts/support/dnsmasq.mjs';
import { findCommand, MUSTER } from '../scripts/support/paths.mjs';
import { freePorts, runToEnd, start, until } from '../scripts/support/processes.mjs';
import { conditions, printConditions } from './conditions.mjs';
import { cpuTime } from './cpu.mjs';
import { median, table } from './figures.mjs';
import { keep, numberOption, options } from './options.mjs';

/**
 * @typedef {import('../scripts/support/processes.mjs').Running} Running
 * @typedef {{ folder: string, port: number, upstream: number, cpu: string }} Place
 * @type {Record<string, (place: Place) => Running>}
 */
const SUBJECTS = {
  muster: ({ port, upstream, cpu }) =>
    start(
      process.execPath,
      [
        MUSTER,
        'dns',
        '-listen',
        `127.0.0.1:${port}`,
        '-consul',
        '',
        '-server',
        `127.0.0.1#${upstream}`,
        '-hosts',
        '/dev/null',
      ],
      { cpu },
    ),
  dnsmasq: ({ port, upstream, cpu }) =>
    start(
      findCommand('dnsmasq') ?? 'dnsmasq',
      [
        ...dnsmasqFlags(port),
        `--server=127.0.0.1#${upstream}`,
        '--cache-size=10000',
        '--dns-forward-max=10000',
      ],
      { cpu },
    ),
};

/**
 * One run of dnsperf against what is kept.
 * @param {number} port @param {string} names @param {number} seconds @param {number} window
 */
async function load(port, names, seconds, window) {
  const { code, output } = await runToEnd('taskset', [
    ...['-c', '1', 'dnsperf', '-s', '127.0.0.1', '-p', String(port), '-d', names],
    ...['-l', String(seconds), '-c', '4', '-q', String(window)],
  ]);
  const figure = (/** @type {RegExp} */ pattern) => Number(pattern.exec(output)?.[1] ?? Number.NaN);
  const run = {
    perSecond: figure(/Queries per second:\s+([\d.]+)/),
    completed: figure(/Queries completed:\s+(\d+)/),
    lost: figure(/Queries lost:\s+(\d+)/),
    ok: figure(/NOERROR (\d+)/),
    latency: figure(/Average Latency \(s\):\s+([\d.]+)/) * 1000,
  };
  if (code !== 0 || Number.isNaN(run.perSecond)) throw new Error(`dnsperf failed:\n${output}`);
  return run;
}

/** @param {string[]} argv */
export async function dnsForwardBench(argv) {
  const chosen = options(argv, { seconds: '5', rounds: '3', names: '1000', window: '100' });
  const facts = conditions();
  printConditions(facts);
  const folder = mkdtempSync(join(tmpdir(), 'muster-bench-dns-'));
  const [upstream = 0] = await freePorts(1);
  const names = join(folder, 'names');
  writeFileSync(
    names,
    Array.from({ length: numberOption(chosen, 'names') }, (_, i) => `host-${i}.bench.example A\n`).join(''),
  );
  const server = start(
    process.execPath,
    [
      MUSTER,
      'dns',
      '-listen',
      `127.0.0.1:${upstream}`,
      '-consul',
      '',
      '-address',
      '/bench.example/192.0.2.1',
      '-local-ttl',
      '3600',
      '-hosts',
      '/dev/null',
    ],
    { cpu: '1' },
  );
  await until('the name server to answer', () => server.output().includes('answering'), { program: server });
  /** @type {Record<string, unknown>[]} */
  const figures = [];
  /** @type {number[]} */
  const ratios = [];
  try {
    for (let round = 0; round < numberOption(chosen, 'rounds'); round++) {
      /** @type {Record<string, number>} */
      const perSecond = {};
      const order = Object.entries(SUBJECTS);
      if (round % 2 === 1) order.reverse();
      for (const [subject, begin] of order) {
        const [port = 0] = await freePorts(1);
        const program = begin({ folder, port, upstream, cpu: '0' });
        try {
          // Fills what is kept, and warms up.
          await until(
            'it to answer',
            () =>
              load(port, names, 1, 20).then(
                ({ ok }) => ok > 0,
                () => false,
              ),
            { program },
          );
          await load(port, names, 2, numberOption(chosen, 'window'));
          const before = cpuTime(program.family());
          const run = await load(
            port,
            names,
            numberOption(chosen, 'seconds'),
            numberOption(chosen, 'window'),
          );
          const cpuUs = (cpuTime(program.family()) - before) / run.completed;
          perSecond[subject] = run.perSecond;
          figures.push({ subject, round, ...run, cpuUs });
        } finally {
          await program.kill();
        }
      }
      ratios.push((perSecond.muster ?? 0) / (perSecond.dnsmasq ?? 1));
    }
  } finally {
    await server.kill();
    rmSync(folder, { recursive: true, force: true });
  }
  const rows = Object.keys(SUBJECTS).map((subject) => {
    const own = figures.filter((one) => one.subject === subject);
    const middle = (/** @type {string} */ key) => median(own.map((one) => Number(one[key])));
    return [
      subject,
      middle('perSecond'),
      middle('cpuUs'),
      middle('latency'),
      String(own.reduce((sum, one) => sum + Number(one.lost) + Number(one.completed) - Number(one.ok), 0)),
    ];
  });
  process.stdout.write(`${table(['subject', 'answers/s', 'CPU µs', 'mean ms', 'bad or lost'], rows)}\n`);
  process.stdout.write(`muster / dnsmasq, median of the rounds: ${median(ratios).toFixed(2)}\n`);
  keep('dns-forward', { conditions: facts, options: chosen, figures, ratios });
  return 0;
}
