// @ts-check
// The registry over HTTP: reads and writes per second and processor time for each, how long it takes to tell many
// blocked readers of a change, and etcd beside it.
import { mkdtempSync, rmSync } from 'node:fs';
import http from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findCommand, inRoot } from '../scripts/support/paths.mjs';
import { freePorts, runToEnd, start, until } from '../scripts/support/processes.mjs';
import { put, send, startAgent } from './agent.mjs';
import { conditions, printConditions } from './conditions.mjs';
import { cpuTime } from './cpu.mjs';
import { median, table } from './figures.mjs';
import { keep, numberOption, options } from './options.mjs';
import { errorsOf, wrk } from './wrk.mjs';

const SUBJECT_CPU = '0';
const CLIENT_CPU = '1';

/**
 * One thing that is measured. `writes` as in `writes.lua`.
 * @typedef {{ name: string, subject: 'muster' | 'muster -dev' | 'etcd', path: string, connections: number, writes?: string }} Kind
 */

/** @type {Kind[]} */
const KINDS = [
  {
    name: 'health, 100 instances',
    subject: 'muster',
    path: '/v1/health/service/read?passing',
    connections: 64,
  },
  {
    name: 'health, 100 instances, pretty',
    subject: 'muster',
    path: '/v1/health/service/read?passing&pretty',
    connections: 64,
  },
  { name: 'get a key', subject: 'muster', path: '/v1/kv/bench/x', connections: 64 },
  { name: 'get a key', subject: 'etcd', path: '/', connections: 64, writes: 'etcd-range' },
  { name: 'put a key', subject: 'muster', path: '/', connections: 32, writes: 'kv' },
  { name: 'put a key', subject: 'muster -dev', path: '/', connections: 32, writes: 'kv' },
  { name: 'put a key', subject: 'etcd', path: '/', connections: 32, writes: 'etcd-put' },
  { name: 'register in the catalog', subject: 'muster', path: '/', connections: 32, writes: 'register' },
  {
    name: 'register with the agent',
    subject: 'muster',
    path: '/',
    connections: 32,
    writes: 'agent-register',
  },
];

/** @typedef {{ address: string, pids: () => number[], stop: () => Promise<void> }} Subject */

/** @param {'embedded' | 'memory'} store @param {number} instances @returns {Promise<Subject>} */
async function muster(store, instances) {
  const ours = await startAgent({ store, cpu: SUBJECT_CPU });
  const agent = new http.Agent({ keepAlive: true });
  for (let i = 0; i < instances; i++) {
    const body = {
      Node: `read-${i}`,
      Address: `10.1.0.${i}`,
      Service: { ID: `read-${i}`, Service: 'read', Port: 8000, Tags: ['blue', 'v1'], Meta: { version: '1' } },
      Checks: [
        { CheckID: 'serfHealth', Name: 'Serf Health Status', Status: 'passing' },
        {
          CheckID: `read-${i}`,
          Name: 'http',
          Status: 'passing',
          ServiceID: `read-${i}`,
          Output: 'HTTP GET: 200 OK',
        },
      ],
    };
    await put(agent, `http://${ours.api}/v1/catalog/register`, JSON.stringify(body));
  }
  await put(agent, `http://${ours.api}/v1/kv/bench/x`, 'x'.repeat(100));
  agent.destroy();
  return { address: ours.api, pids: () => ours.program.family(), stop: () => ours.stop() };
}

/** @returns {Promise<Subject>} */
async function etcd() {
  const folder = mkdtempSync(join(tmpdir(), 'muster-bench-'));
  const [client = 0, peer = 0] = await freePorts(2);
  const [own, other] = [`http://127.0.0.1:${client}`, `http://127.0.0.1:${peer}`];
  const args = ['--data-dir', folder, '--listen-client-urls', own, '--advertise-client-urls', own];
  const peers = ['--listen-peer-urls', other, '--initial-advertise-peer-urls', other];
  const program = start(
    'etcd',
    [...args, ...peers, '--initial-cluster', `default=${other}`, '--log-level', 'error'],
    { cpu: SUBJECT_CPU },
  );
  const agent = new http.Agent({ keepAlive: true });
  const pair = JSON.stringify({
    key: Buffer.from('bench/x').toString('base64'),
    value: Buffer.from('x'.repeat(100)).toString('base64'),
  });
  await until(
    'etcd to take a key',
    async () => (await send(agent, 'POST', `${own}/v3/kv/put`, pair)).status === 200,
    { program },
  );
  agent.destroy();
  return {
    address: `127.0.0.1:${client}`,
    pids: () => program.family(),
    async stop() {
      await program.stop('SIGTERM', 5_000);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** @param {Subject} subject @param {Kind} kind @param {number} seconds */
async function measure({ address, pids }, { path, connections, writes }, seconds) {
  const load = { connections, cpu: CLIENT_CPU, ...(writes === undefined ? {} : { writes }) };
  await wrk(`http://${address}${path}`, { seconds: 2, ...load });
  const own = pids();
  const before = cpuTime(own);
  const run = await wrk(`http://${address}${path}`, { seconds, ...load });
  return {
    perSecond: (run.requests / run.us) * 1e6,
    cpuUs: (cpuTime(own) - before) / run.requests,
    p50: run.p50 / 1000,
    p99: run.p99 / 1000,
    bytes: run.bytes / run.requests,
    errors: errorsOf(run),
  };
}

/** @param {string[]} argv */
export async function registryBench(argv) {
  const chosen = options(argv, {
    seconds: '5',
    rounds: '3',
    instances: '100',
    readers: '10000',
    only: '',
    subjects: 'muster,muster -dev,etcd',
  });
  const facts = conditions();
  printConditions(facts);
  const wanted = (chosen.subjects ?? '').split(',');
  const kinds = KINDS.filter(
    ({ name, subject }) => wanted.includes(subject) && name.startsWith(chosen.only ?? ''),
  );
  const figures = [];
  for (const name of ['muster', 'muster -dev', 'etcd']) {
    const own = kinds.filter(({ subject }) => subject === name);
    if (own.length === 0) continue;
    if (name === 'etcd' && findCommand('etcd') === undefined) {
      process.stdout.write('etcd is not there: left out\n');
      continue;
    }
    const store = name === 'muster' ? 'embedded' : 'memory';
    const subject = name === 'etcd' ? await etcd() : await muster(store, numberOption(chosen, 'instances'));
    try {
      for (const kind of own) {
        const runs = [];
        for (let i = 0; i < numberOption(chosen, 'rounds'); i++)
          runs.push(await measure(subject, kind, numberOption(chosen, 'seconds')));
        figures.push({ kind: kind.name, subject: name, connections: kind.connections, runs });
      }
    } finally {
      await subject.stop();
    }
  }
  const rows = figures.map(({ kind, subject, connections, runs }) => [
    kind,
    subject,
    String(connections),
    median(runs.map((run) => run.perSecond)),
    median(runs.map((run) => run.cpuUs)),
    median(runs.map((run) => run.p50)),
    median(runs.map((run) => run.p99)),
    median(runs.map((run) => run.bytes)),
    runs.map((run) => run.errors).find((error) => error !== '') ?? '',
  ]);
  const head = ['what', 'of', 'connections', 'per second', 'CPU µs', 'p50 ms', 'p99 ms', 'bytes', 'errors'];
  if (rows.length > 0) process.stdout.write(`${table(head, rows)}\n`);
  const blocked = 'readers'.startsWith(chosen.only ?? '') ? await blockedReaders(chosen) : undefined;
  keep('registry', { conditions: facts, options: chosen, figures, blocked });
  return figures.some(({ runs }) => runs.some(({ errors }) => errors !== '')) ? 1 : 0;
}

/** @param {Record<string, string>} chosen */
async function blockedReaders(chosen) {
  const ours = await startAgent({ store: 'embedded', cpu: SUBJECT_CPU });
  try {
    const args = [
      inRoot('bench', 'watchers.mjs'),
      ours.api,
      chosen.readers ?? '',
      chosen.rounds ?? '',
      ours.program.family().join(),
    ];
    const { code, output } = await runToEnd(process.execPath, args, { cpu: CLIENT_CPU });
    if (code !== 0) throw new Error(`the readers failed:\n${output}`);
    /** @type {{ cpuUs: number, first: number, middle: number, last: number }[]} */
    const rounds = JSON.parse(output);
    const rows = rounds.map(({ cpuUs, first, middle, last }) => [
      'one change',
      chosen.readers ?? '',
      cpuUs,
      first,
      middle,
      last,
    ]);
    const head = ['', 'blocked readers', 'CPU µs each', 'first ms', 'middle ms', 'last ms'];
    process.stdout.write(`\n${table(head, rows)}\n`);
    return rounds;
  } finally {
    await ours.stop();
  }
}
