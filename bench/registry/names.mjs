// @ts-check
// The registry over DNS: answers per second and processor time for each, with dnsmasq and Consul beside it.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { dnsmasqFlags } from '../../scripts/support/dnsmasq.mjs';
import { findCommand } from '../../scripts/support/paths.mjs';
import { freePorts, runToEnd, start, until } from '../../scripts/support/processes.mjs';
import { put, startAgent } from '../agent.mjs';
import { cpuTime } from '../cpu.mjs';
import { median, rounded, table } from '../figures.mjs';
import { numberOption } from '../options.mjs';
import { hasOriginal, startConsul } from '../originals.mjs';
import { CLIENT_CPU, SUBJECT_CPU } from './places.mjs';

/** Instances of the service that is asked for over TCP: those of Consul's own issue about it. */
const MANY = 1_300;

/**
 * `dnsperf`: how it asks; undefined: `overTcp` does. `perSecond`, `ms`: what is to be reached.
 * @type {{ name: string, question: string, dnsperf: string[] | undefined, perSecond?: number, ms?: number }[]}
 */
const KINDS = [
  {
    name: 'A',
    question: 'read.service.consul A',
    dnsperf: ['-c', '4', '-q', '100'],
    perSecond: 60_000,
  },
  {
    name: 'SRV',
    question: 'read.service.consul SRV',
    dnsperf: ['-c', '4', '-q', '100'],
    perSecond: 60_000,
  },
  {
    name: 'A, EDNS',
    question: 'read.service.consul A',
    dnsperf: ['-e', '-b', '1024', '-c', '4', '-q', '100'],
    perSecond: 60_000,
  },
  {
    name: 'SRV, EDNS',
    question: 'read.service.consul SRV',
    dnsperf: ['-e', '-b', '1024', '-c', '4', '-q', '100'],
    perSecond: 60_000,
  },
  {
    name: `SRV of ${MANY} over TCP`,
    question: 'many.service.consul SRV',
    dnsperf: undefined,
    ms: 1,
  },
];

/** dnsmasq's service has fewer instances than the one that is asked for over TCP. @param {string} subject @param {string[] | undefined} dnsperf */
const isAsked = (subject, dnsperf) => subject !== 'dnsmasq' || dnsperf !== undefined;

/** @typedef {{ port: number, pids: () => number[], stop: () => Promise<unknown> }} Subject */

/** @param {number} i */
const addressOf = (i) => `10.1.${i >> 8}.${i & 255}`;

/** @param {number} instances */
const muster = async (instances) =>
  withServices(await startAgent({ store: 'memory', cpu: SUBJECT_CPU }), instances);

/** @param {number} instances */
const consul = async (instances) => withServices(await startConsul({ cpu: SUBJECT_CPU }), instances);

/**
 * A registry with all that is asked for.
 * @param {Awaited<ReturnType<typeof startAgent | typeof startConsul>>} ours @param {number} instances @returns {Promise<Subject>}
 */
async function withServices(ours, instances) {
  const agent = new http.Agent({ keepAlive: true, maxSockets: 8 });
  const register = (/** @type {string} */ service, /** @type {number} */ i) =>
    put(
      agent,
      `http://${ours.api}/v1/catalog/register`,
      JSON.stringify({
        Node: `node-${i}`,
        Address: addressOf(i),
        Service: { ID: `${service}-${i}`, Service: service, Port: 8000 + i },
        Check: { CheckID: `${service}-${i}`, Name: 'c', Status: 'passing', ServiceID: `${service}-${i}` },
      }),
    );
  await Promise.all(Array.from({ length: instances }, (_, i) => register('read', i)));
  await Promise.all(Array.from({ length: MANY }, (_, i) => register('many', i)));
  agent.destroy();
  return { port: ours.dns, pids: () => ours.program.family(), stop: () => ours.stop() };
}

/** The same service from hosts lines and `srv-host`. @param {number} instances @returns {Promise<Subject>} */
async function dnsmasq(instances) {
  const folder = mkdtempSync(join(tmpdir(), 'muster-bench-'));
  const [port = 0] = await freePorts(1);
  const all = Array.from({ length: instances }, (_, i) => i);
  writeFileSync(
    join(folder, 'hosts'),
    all.map((i) => `${addressOf(i)} node-${i}.node.dc1.consul read.service.consul\n`).join(''),
  );
  writeFileSync(
    join(folder, 'conf'),
    all.map((i) => `srv-host=read.service.consul,node-${i}.node.dc1.consul,${8000 + i},1,1\n`).join(''),
  );
  const program = start(
    findCommand('dnsmasq') ?? 'dnsmasq',
    [...dnsmasqFlags(port, `${folder}/conf`), `--addn-hosts=${folder}/hosts`],
    { cpu: SUBJECT_CPU },
  );
  return {
    port,
    pids: () => program.family(),
    async stop() {
      await program.kill();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/**
 * @param {number} port
 * @param {string} file what to ask
 * @param {number} seconds
 * @param {string[]} more
 */
async function dnsperf(port, file, seconds, more) {
  const args = ['-s', '127.0.0.1', '-p', String(port), '-d', file, '-l', String(seconds), ...more];
  const { code, output } = await runToEnd('dnsperf', args, { cpu: CLIENT_CPU });
  const figure = (/** @type {RegExp} */ pattern) => Number(pattern.exec(output)?.[1] ?? Number.NaN);
  const run = {
    perSecond: figure(/Queries per second:\s+([\d.]+)/),
    completed: figure(/Queries completed:\s+(\d+)/),
    lost: figure(/Queries lost:\s+(\d+)/),
    ok: figure(/NOERROR (\d+)/),
    latency: figure(/Average Latency \(s\):\s+([\d.]+)/) * 1000,
    bytes: figure(/response (\d+)/),
  };
  if (code !== 0 || Number.isNaN(run.perSecond)) throw new Error(`dnsperf failed:\n${output}`);
  return run;
}

/**
 * One question after another on one connection, and on the next where the server ends it (Consul does after 128): dnsperf takes no answer of more
 * than 16 kB over TCP.
 * @param {number} port
 * @param {string} line name and type
 * @param {number} seconds
 * @returns {Promise<Awaited<ReturnType<typeof dnsperf>>>}
 */
function overTcp(port, line, seconds) {
  const labels = (line.split(' ')[0] ?? '')
    .split('.')
    .flatMap((label) => [label.length, ...Buffer.from(label)]);
  const packet = Buffer.from([0, 1, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, ...labels, 0, 0, 33, 0, 1]);
  const question = Buffer.concat([Buffer.from([0, packet.length]), packet]);
  return new Promise((resolve, reject) => {
    const begin = performance.now();
    let [completed, ok, bytes, received] = [0, 0, 0, 0];
    // What is read goes into one place: to touch new memory for every answer would be most of what is measured.
    const buffer = Buffer.alloc(128 * 1024);
    /** The first bytes of an answer: its length, and the header. */
    const head = Buffer.alloc(14);
    const callback = (/** @type {number} */ count) => {
      if (received < head.length) buffer.copy(head, received, 0, count);
      received += count;
      if (received < head.length || received < 2 + head.readUInt16BE(0)) return true;
      completed++;
      // Response code 0, and answers.
      if (((head[5] ?? 0) & 15) === 0 && head.readUInt16BE(8) > 0) ok++;
      bytes += received - 2;
      received = 0;
      const ms = performance.now() - begin;
      if (ms < seconds * 1000) {
        socket.write(question);
        return true;
      }
      isOver = true;
      socket.destroy();
      resolve({
        perSecond: (completed / ms) * 1000,
        completed,
        lost: 0,
        ok,
        latency: ms / completed,
        bytes: bytes / completed,
      });
      return false;
    };
    let isOver = false;
    /** @type {import('node:net').Socket} */
    let socket;
    const open = () => {
      const answeredBefore = completed;
      received = 0;
      socket = connect({ port, host: '127.0.0.1', noDelay: true, onread: { buffer, callback } });
      socket.on('connect', () => socket.write(question));
      socket.on('error', () => {});
      socket.on('close', () => {
        if (isOver) return;
        if (completed > answeredBefore) open();
        else reject(new Error('closed without an answer'));
      });
    };
    open();
  });
}

/** @param {Record<string, string>} chosen @returns {Promise<import('./places.mjs').Part>} */
export async function names(chosen) {
  const instances = numberOption(chosen, 'instances');
  const seconds = numberOption(chosen, 'seconds');
  const begin = {
    muster,
    ...(findCommand('dnsmasq') === undefined ? {} : { dnsmasq }),
    ...(hasOriginal('consul') ? { consul } : {}),
  };
  const folder = mkdtempSync(join(tmpdir(), 'muster-bench-'));
  /** @type {{ subject: string, name: string, round: number, perSecond: number, cpuUs: number, latency: number, bytes: number, bad: number }[]} */
  const figures = [];
  try {
    for (let round = 0; round < numberOption(chosen, 'rounds'); round++) {
      for (const [subject, open] of Object.entries(begin)) {
        const server = await open(instances);
        try {
          for (const { name, question, dnsperf: more } of KINDS) {
            if (!isAsked(subject, more)) continue;
            const file = join(folder, 'questions');
            writeFileSync(file, `${question}\n`);
            const ask = (/** @type {number} */ time) =>
              more === undefined
                ? overTcp(server.port, question, time)
                : dnsperf(server.port, file, time, more);
            await until('it to answer', () => ask(1).then(({ ok }) => ok > 0));
            const before = cpuTime(server.pids());
            const run = await ask(seconds);
            const cpuUs = (cpuTime(server.pids()) - before) / run.completed;
            figures.push({ subject, name, round, ...run, cpuUs, bad: run.lost + run.completed - run.ok });
          }
        } finally {
          await server.stop();
        }
      }
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  const middle = (
    /** @type {string} */ subject,
    /** @type {string} */ name,
    /** @type {'perSecond' | 'cpuUs' | 'latency' | 'bytes'} */ key,
  ) => median(figures.filter((one) => one.subject === subject && one.name === name).map((one) => one[key]));
  const bad = (/** @type {string} */ subject, /** @type {string} */ name) =>
    figures
      .filter((one) => one.subject === subject && one.name === name)
      .reduce((sum, one) => sum + one.bad, 0);
  const rows = KINDS.flatMap(({ name, dnsperf: more }) =>
    Object.keys(begin)
      .filter((subject) => isAsked(subject, more))
      .map((subject) => [
        name,
        subject,
        middle(subject, name, 'perSecond'),
        middle(subject, name, 'cpuUs'),
        middle(subject, name, 'latency'),
        middle(subject, name, 'bytes'),
        String(bad(subject, name)),
      ]),
  );
  process.stdout.write(
    `${table([`DNS, ${instances} instances`, 'of', 'answers/s', 'CPU µs', 'mean ms', 'bytes', 'bad or lost'], rows)}\n\n`,
  );
  const verdicts = KINDS.map(({ name, perSecond, ms, dnsperf: more }) => {
    const [rate, us, latency] = [
      middle('muster', name, 'perSecond'),
      middle('muster', name, 'cpuUs'),
      middle('muster', name, 'latency'),
    ];
    const peers = Object.keys(begin).filter((subject) => subject !== 'muster' && isAsked(subject, more));
    return {
      what: `DNS ${name}`,
      reach: perSecond === undefined ? `< ${ms} ms` : `≥ ${rounded(perSecond)}/s`,
      reached: perSecond === undefined ? `${rounded(latency)} ms` : `${rounded(rate)}/s, ${rounded(us)} µs`,
      isReached: perSecond === undefined ? latency < (ms ?? 0) : rate >= perSecond,
      beside: peers
        .map((peer) => {
          const its = middle(peer, name, 'perSecond');
          return `${peer}: ${rounded(its)}/s, × ${rounded(rate / its)}`;
        })
        .join('; '),
    };
  });
  return { figures, verdicts, isRight: KINDS.every(({ name }) => bad('muster', name) === 0) };
}
