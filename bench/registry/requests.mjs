// @ts-check
// The registry over HTTP: reads and writes per second and processor time for each; beside it etcd, and a server of Node that only sends the same bytes.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findCommand, inRoot } from '../../scripts/support/paths.mjs';
import { freePorts, start, until } from '../../scripts/support/processes.mjs';
import { put, send, startAgent } from '../agent.mjs';
import { cpuTime } from '../cpu.mjs';
import { median, rounded, table } from '../figures.mjs';
import { h2load } from '../h2load.mjs';
import { numberOption } from '../options.mjs';
import { hasOriginal, startConsul } from '../originals.mjs';
import { errorsOf, wrk } from '../wrk.mjs';
import { CLIENT_CPU, SUBJECT_CPU } from './places.mjs';

/**
 * One thing that is measured. `writes` as in `writes.lua`; `isLong`: its answers are; `reach`: requests per second, and CPU µs of each.
 * @typedef {{ name: string, subject: SubjectName, path: string, connections: number, writes?: string,
 *   reach?: { perSecond: number, cpuUs?: number }, isLong?: boolean }} Kind
 * @typedef {'muster' | 'muster -dev' | 'etcd' | 'node:http' | 'consul -dev'} SubjectName
 */

const HEALTH = '/v1/health/service/read?passing';

/** @type {Kind[]} */
const OURS_AND_PEERS = [
  {
    name: 'health, 100 instances',
    subject: 'muster',
    path: HEALTH,
    connections: 64,
    reach: { perSecond: 20_000, cpuUs: 45 },
    isLong: true,
  },
  { name: 'health, 100 instances', subject: 'node:http', path: '/0', connections: 64, isLong: true },
  {
    name: 'health, 100 instances, pretty',
    subject: 'muster',
    path: `${HEALTH}&pretty`,
    connections: 64,
    reach: { perSecond: 10_000, cpuUs: 95 },
    isLong: true,
  },
  { name: 'health, 100 instances, pretty', subject: 'node:http', path: '/1', connections: 64, isLong: true },
  {
    name: 'get a key',
    subject: 'muster',
    path: '/v1/kv/bench/x',
    connections: 64,
    reach: { perSecond: 30_000 },
  },
  { name: 'get a key', subject: 'etcd', path: '/', connections: 64, writes: 'etcd-range' },
  {
    name: 'put a key',
    subject: 'muster',
    path: '/',
    connections: 32,
    writes: 'kv',
    reach: { perSecond: 20_000 },
  },
  { name: 'put a key', subject: 'muster -dev', path: '/', connections: 32, writes: 'kv' },
  { name: 'put a key', subject: 'etcd', path: '/', connections: 32, writes: 'etcd-put' },
  {
    name: 'register with the agent',
    subject: 'muster',
    path: '/',
    connections: 32,
    writes: 'agent-register',
    reach: { perSecond: 8_000 },
  },
  {
    name: 'register in the catalog',
    subject: 'muster',
    path: '/',
    connections: 32,
    writes: 'register',
    reach: { perSecond: 8_000 },
  },
];

/** Consul does all that we do, and keeps nothing on the disk here. @type {Kind[]} */
const KINDS = [
  ...OURS_AND_PEERS,
  ...OURS_AND_PEERS.filter(({ subject }) => subject === 'muster').map(({ reach: _, ...kind }) => ({
    ...kind,
    subject: /** @type {const} */ ('consul -dev'),
  })),
];

/** @typedef {{ address: string, pids: () => number[], stop: () => Promise<unknown> }} Subject */

/** A registry with all that is read. @param {'embedded' | 'memory' | 'consul'} what @param {number} instances @returns {Promise<Subject>} */
async function registry(what, instances) {
  const place = { cpu: SUBJECT_CPU };
  const ours = await (what === 'consul' ? startConsul(place) : startAgent({ store: what, ...place }));
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

/** Answers of a registry, which Node's own server gives again: those of `ANSWERS`, in this order. @type {Buffer[]} */
let answers = [];
const ANSWERS = [HEALTH, `${HEALTH}&pretty`];

/** @param {string} api */
async function keepAnswers(api) {
  answers = await Promise.all(
    ANSWERS.map(async (path) => Buffer.from(await (await fetch(`http://${api}${path}`)).arrayBuffer())),
  );
}

/** @returns {Promise<Subject>} */
async function bare() {
  const folder = mkdtempSync(join(tmpdir(), 'muster-bench-'));
  const files = answers.map((_, i) => join(folder, String(i)));
  for (const [i, file] of files.entries()) writeFileSync(file, answers[i] ?? '');
  const [port = 0] = await freePorts(1);
  const program = start(process.execPath, [inRoot('bench', 'registry', 'bare.mjs'), String(port), ...files], {
    cpu: SUBJECT_CPU,
  });
  const address = `127.0.0.1:${port}`;
  await until('the bare server', async () => (await fetch(`http://${address}/0`)).ok, { program });
  return {
    address,
    pids: () => program.family(),
    async stop() {
      await program.stop('SIGTERM', 5_000);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** @param {SubjectName} name */
function isThere(name) {
  if (name === 'etcd') return findCommand('etcd') !== undefined;
  return name !== 'consul -dev' || hasOriginal('consul');
}

/** @param {SubjectName} name @param {number} instances @returns {Promise<Subject>} */
async function begin(name, instances) {
  if (name === 'etcd') return etcd();
  if (name === 'node:http') return bare();
  if (name === 'consul -dev') return registry('consul', instances);
  const subject = await registry(name === 'muster' ? 'embedded' : 'memory', instances);
  if (answers.length === 0) await keepAnswers(subject.address);
  return subject;
}

/** @param {Pick<Subject, 'address' | 'pids'>} subject @param {Pick<Kind, 'path' | 'connections' | 'writes' | 'isLong'>} kind @param {number} seconds */
export async function load({ address, pids }, { path, connections, writes, isLong = false }, seconds) {
  const options = { connections, cpu: CLIENT_CPU, ...(writes === undefined ? {} : { writes }) };
  const client = isLong ? h2load : wrk;
  await client(`http://${address}${path}`, { seconds: 2, ...options });
  const own = pids();
  const before = cpuTime(own);
  const run = await client(`http://${address}${path}`, { seconds, ...options });
  return {
    perSecond: (run.requests / run.us) * 1e6,
    cpuUs: (cpuTime(own) - before) / run.requests,
    p50: run.p50 / 1000,
    p99: run.p99 / 1000,
    bytes: run.bytes / run.requests,
    errors: errorsOf(run),
  };
}

/**
 * Rounds of all subjects one after another, each started afresh on a disk at rest.
 * @param {Record<string, string>} chosen
 * @returns {Promise<import('./places.mjs').Part>}
 */
export async function requests(chosen) {
  const wanted = (chosen.subjects ?? '').split(',');
  const kinds = KINDS.filter(({ subject }) => wanted.includes(subject));
  const figures = kinds.map((kind) => ({
    ...kind,
    runs: /** @type {Awaited<ReturnType<typeof load>>[]} */ ([]),
  }));
  for (let round = 0; round < numberOption(chosen, 'rounds'); round++) {
    for (const name of new Set(kinds.map(({ subject }) => subject))) {
      if (!isThere(name)) {
        process.stdout.write(`${name} is not there: left out\n`);
        continue;
      }
      // What the one before wrote is on the disk when the next begins: a synced write would wait for it.
      execFileSync('sync');
      const subject = await begin(name, numberOption(chosen, 'instances'));
      try {
        for (const figure of figures)
          if (figure.subject === name)
            figure.runs.push(await load(subject, figure, numberOption(chosen, 'seconds')));
      } finally {
        await subject.stop();
      }
    }
  }
  const measured = figures.filter(({ runs }) => runs.length > 0);
  const middle = (
    /** @type {(typeof figures)[number]} */ { runs },
    /** @type {'perSecond' | 'cpuUs' | 'p50' | 'p99' | 'bytes'} */ key,
  ) => median(runs.map((run) => run[key]));
  const rows = measured.map((figure) => [
    figure.name,
    figure.subject,
    String(figure.connections),
    middle(figure, 'perSecond'),
    middle(figure, 'cpuUs'),
    middle(figure, 'p50'),
    middle(figure, 'p99'),
    middle(figure, 'bytes'),
    figure.runs.map((run) => run.errors).find((error) => error !== '') ?? '',
  ]);
  const head = ['what', 'of', 'connections', 'per second', 'CPU µs', 'p50 ms', 'p99 ms', 'bytes', 'errors'];
  process.stdout.write(`${table(head, rows)}\n\n`);
  const verdicts = measured.flatMap((figure) => {
    const { reach } = figure;
    if (reach === undefined) return [];
    const [perSecond, cpuUs] = [middle(figure, 'perSecond'), middle(figure, 'cpuUs')];
    const others = measured.filter(
      ({ name, subject }) => name === figure.name && !subject.startsWith('muster'),
    );
    return [
      {
        what: figure.name,
        reach: `≥ ${rounded(reach.perSecond)}/s${reach.cpuUs === undefined ? '' : `, ≤ ${reach.cpuUs} µs`}`,
        reached: `${rounded(perSecond)}/s, ${rounded(cpuUs)} µs`,
        isReached: perSecond >= reach.perSecond && cpuUs <= (reach.cpuUs ?? Number.POSITIVE_INFINITY),
        beside: others
          .map((other) => {
            const peer = middle(other, 'perSecond');
            return `${other.subject}: ${rounded(peer)}/s, × ${rounded(perSecond / peer)}`;
          })
          .join('; '),
      },
    ];
  });
  return {
    figures: measured,
    verdicts,
    isRight: measured.every(({ runs }) => runs.every(({ errors }) => errors === '')),
  };
}
