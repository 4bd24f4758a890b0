// @ts-check
// Sends what no client would send to the doors of a real agent, and looks after each batch whether it is as it was.
import { createSocket } from 'node:dgram';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MUSTER } from '../../scripts/support/paths.mjs';
import { freePorts, pause, start, until } from '../../scripts/support/processes.mjs';
import { question, tcpInput, udpInput } from './dns.mjs';
import { operations, requestInput, streamInput } from './http.mjs';
import { Random } from './random.mjs';
import { MADE_BEFORE, TOKEN } from './words.mjs';

/** @typedef {{ kind: 'request' | 'stream' | 'udp' | 'tcp', parts: Buffer[], waits?: boolean }} Input */
/** @typedef {{ number: number, why: string, input?: Input }} Finding */

const LANES = 8;
const BATCH = 64;
/** An answer takes this long at most, in ms, on a machine that has other things to do too. */
const PATIENCE = 30_000;
/** What may wait is waited for this long. */
const BRIEFLY = 120;
/** Bytes that the agent may hold: what a run leaves in its catalog is some tens of MB. */
const MAX_RSS = 768 * 1024 * 1024;
/** Everything is taken back that often, in batches. */
const CLEAN_EVERY = 60;

/**
 * The input of a number: the same for the same seed and the same table of endpoints.
 * @param {number} seed @param {number} number @param {readonly import('./http.mjs').Row[]} rows @returns {Input}
 */
export function inputOf(seed, number, rows) {
  const random = new Random(seed, number);
  const kind = random.below(20);
  if (kind < 11) return requestInput(random, rows);
  if (kind < 15) return streamInput(random, rows);
  return kind < 18 ? udpInput(random) : tcpInput(random);
}

/** @param {Input} input one line of shell that sends it */
export function reproduction({ kind, parts }) {
  return `${kind} base64 ${parts.map((part) => part.toString('base64')).join(' , ')}`;
}

/** @param {'memory' | 'embedded'} store */
async function startAgent(store) {
  const folder = mkdtempSync(join(tmpdir(), 'muster-fuzz-'));
  const [http = 0, dns = 0, proxy = 0, admin = 0] = await freePorts(4);
  const path = join(folder, 'muster.toml');
  writeFileSync(
    path,
    `[node]\n${store === 'memory' ? 'dev = true' : `data_dir = "${folder}/data"`}\n[ports]\nhttp = ${http}\ndns = ${dns}\n` +
      `[balancer]\nlisten = ["127.0.0.1:${proxy}"]\nadmin = "127.0.0.1:${admin}"\n` +
      `[acl]\nenabled = true\n[acl.tokens]\ninitial_management = "${TOKEN}"\n`,
  );
  const args = [MUSTER, 'agent', '-config-file', path, '-log-level', 'warn'];
  const begin = () => start(process.execPath, args, { keep: 64 * 1024 * 1024 });
  let program = begin();
  const ready = () =>
    until(
      'the agent to have a leader',
      async () => (await call(http, 'GET', '/v1/status/leader')).length > 2,
      { program },
    );
  await ready();
  return {
    http,
    dns,
    get program() {
      return program;
    },
    /** Ends it and starts it with what it had on the disk. Answers how it ended. */
    async again() {
      const exit = await program.stop('SIGTERM', 60_000);
      program = begin();
      await ready();
      return exit;
    },
    async stop() {
      const exit = await program.stop('SIGTERM', 60_000);
      rmSync(folder, { recursive: true, force: true });
      return exit;
    },
  };
}

/** What has to be the same after a restart: nothing else than writes changes it. */
const KEPT = [
  '/v1/kv/?recurse',
  '/v1/query',
  '/v1/acl/tokens',
  '/v1/acl/list',
  '/v1/acl/policies',
  '/v1/acl/roles',
  '/v1/coordinate/nodes',
]
  .concat(['service-defaults', 'proxy-defaults', 'service-router'].map((kind) => `/v1/config/${kind}`))
  // Not what the agent registers itself: that it writes anew.
  .concat(
    ['nodes', 'service/web', 'service/db', 'service/__proto__'].map(
      (rest) => `/v1/catalog/${rest}?filter=Node+matches+%22%5En%22`,
    ),
  );

/** @param {number} port @returns {Promise<string[]>} */
function kept(port) {
  return Promise.all(
    KEPT.map(async (path) => {
      const headers = { 'X-Consul-Token': TOKEN };
      return (await fetch(`http://127.0.0.1:${port}${path}`, { headers })).text();
    }),
  );
}

/** A request as it should be. @param {number} port @param {string} method @param {string} path @param {Uint8Array} [body] */
async function call(port, method, path, body) {
  const init = {
    method,
    signal: AbortSignal.timeout(PATIENCE),
    headers: { Connection: 'close', 'X-Consul-Token': TOKEN },
  };
  const response = await fetch(
    `http://127.0.0.1:${port}${path}`,
    body === undefined ? init : { ...init, body },
  );
  const bytes = Buffer.from(await response.arrayBuffer());
  if (response.status !== 200) throw new Error(`${method} ${path}: ${response.status} ${bytes}`);
  return bytes;
}

/**
 * Sends over TCP. Resolves with what came back and how it ended.
 * @param {number} port @param {Input} input
 * @returns {Promise<{ answer: Buffer, end: 'closed' | 'left', ms: number }>}
 */
function exchange(port, { kind, parts, waits = false }) {
  return new Promise((resolve) => {
    const began = performance.now();
    /** @type {Buffer[]} */
    const chunks = [];
    const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
    const leave = (/** @type {'closed' | 'left'} */ end) => {
      clearTimeout(timer);
      socket.destroy();
      resolve({ answer: Buffer.concat(chunks), end, ms: performance.now() - began });
    };
    const timer = setTimeout(() => leave('left'), waits ? BRIEFLY : PATIENCE);
    socket.on('error', () => leave('closed'));
    socket.on('end', () => leave('closed'));
    socket.on('close', () => leave('closed'));
    socket.on('data', (chunk) => chunks.push(chunk));
    socket.on('connect', async () => {
      for (const [i, part] of parts.entries()) {
        if (i > 0) await pause(2);
        if (!socket.destroyed) socket.write(part);
      }
      if (kind !== 'request' && !socket.destroyed) socket.end();
    });
  });
}

/** @param {number} port @param {Buffer} packet @returns {Promise<Buffer | undefined>} undefined when nothing came */
function askDns(port, packet) {
  return new Promise((resolve, reject) => {
    const socket = createSocket('udp4');
    const done = (/** @type {Buffer | undefined} */ answer) => {
      clearTimeout(timer);
      socket.close();
      resolve(answer);
    };
    // An answer itself, or what has no ID, is not answered.
    const answered = packet.length >= 12 && (packet.readUInt8(2) & 0x80) === 0;
    const timer = setTimeout(() => done(undefined), answered ? PATIENCE / 2 : 1);
    socket.on('error', reject);
    socket.on('message', done);
    socket.send(packet, port, '127.0.0.1');
  });
}

/** @param {string} output what a program printed @returns {string | undefined} the first line that should not be there */
function complaint(output) {
  return output
    .split('\n')
    .find((line) => / ERROR | failed unexpectedly|Unhandled|Warning: |^\s+at .*:\d+:\d+\)?$/.test(line));
}

/** @param {number} pid */
function rssOf(pid) {
  return Number(readFileSync(`/proc/${pid}/statm`, 'latin1').split(' ')[1]) * 4096;
}

/**
 * Runs until `count` inputs were sent or `seconds` are over. Stops at the first batch after which something is wrong.
 * @param {{ seed: number, store?: 'memory' | 'embedded', from?: number, count?: number, seconds?: number, onProgress?: (text: string) => void }} options
 */
export async function fuzz({
  seed,
  store = 'memory',
  from = 0,
  count = Number.POSITIVE_INFINITY,
  seconds = Number.POSITIVE_INFINITY,
  onProgress,
}) {
  const began = performance.now();
  const agent = await startAgent(store);
  const { http, dns } = agent;
  /** @type {Finding[]} */
  const findings = [];
  /** @type {Record<string, number>} */
  const counts = {};
  const tally = (/** @type {string} */ name) => {
    counts[name] = (counts[name] ?? 0) + 1;
  };
  let made = MADE_BEFORE;
  let peak = 0;
  let slowest = 0;
  let sent = 0;

  /** @param {number} number @param {Input} original */
  async function one(number, original) {
    const parts = original.parts.map((part) => withMade(part, made));
    const input = { ...original, parts };
    tally(input.kind);
    if (input.kind === 'udp') {
      const packet = /** @type {Buffer} */ (parts[0]);
      const answer = await askDns(dns, packet);
      const expected = packet.length >= 12 && (packet.readUInt8(2) & 0x80) === 0;
      tally(answer === undefined ? 'udp: none' : `udp: rcode ${answer.readUInt8(3) & 15}`);
      if (answer === undefined && expected)
        findings.push({ number, why: 'a question was not answered', input });
      else if (answer !== undefined && answer.readUInt16BE(0) !== packet.readUInt16BE(0))
        findings.push({ number, why: 'an answer to another question', input });
      return;
    }
    const { answer, end, ms } = await exchange(input.kind === 'tcp' ? dns : http, input);
    if (input.waits !== true) slowest = Math.max(slowest, ms);
    if (end === 'left' && input.waits !== true)
      findings.push({ number, why: 'neither an answer nor a close', input });
    if (input.kind === 'tcp') return;
    const status = /^HTTP\/1\.1 (\d{3})/.exec(answer.toString('latin1', 0, 20))?.[1];
    tally(`${input.kind}: ${status ?? 'closed'}`);
    if (answer.includes('internal error')) findings.push({ number, why: '500 internal error', input });
    const id = /"ID":\s*"([0-9a-f-]{36})"/.exec(answer.toString('latin1', 0, 2_000))?.[1];
    if (id !== undefined) made = id;
  }

  /** @param {number} first */
  async function lookAfterIt(first) {
    const { program } = agent;
    if (!program.running()) {
      findings.push({ number: first, why: 'the agent has ended' });
      return;
    }
    try {
      await call(http, 'GET', '/v1/status/leader');
      if ((await askDns(dns, question(new Random(1)))) === undefined) throw new Error('no answer over DNS');
    } catch (error) {
      findings.push({ number: first, why: `not well afterwards: ${error}` });
    }
    const line = complaint(program.output());
    if (line !== undefined) findings.push({ number: first, why: `in the log: ${line.slice(0, 1_000)}` });
    const rss = rssOf(program.pid);
    peak = Math.max(peak, rss);
    if (rss > MAX_RSS) findings.push({ number: first, why: `holds ${Math.round(rss / 1e6)} MB` });
  }

  let exit;
  try {
    const rows = operations(JSON.parse((await call(http, 'GET', '/v1/muster/openapi.json')).toString()));
    const empty = await call(http, 'GET', '/v1/snapshot');
    for (let batch = 0; findings.length === 0 && sent < count; batch++) {
      if (performance.now() - began > seconds * 1_000) break;
      const first = from + sent;
      const size = Math.min(BATCH, count - sent);
      let next = first;
      await Promise.all(
        Array.from({ length: LANES }, async () => {
          while (next < first + size) {
            const number = next++;
            await one(number, inputOf(seed, number, rows));
          }
        }),
      );
      sent += size;
      await lookAfterIt(first);
      if (batch % CLEAN_EVERY === CLEAN_EVERY - 1) {
        await call(http, 'PUT', '/v1/snapshot', empty);
        onProgress?.(`${sent} inputs, ${Math.round(rssOf(agent.program.pid) / 1e6)} MB`);
      }
    }
    if (store === 'embedded' && findings.length === 0) {
      const before = await kept(http);
      await agent.again();
      const after = await kept(http);
      for (const [i, path] of KEPT.entries()) {
        const [one = '', other = ''] = [before[i], after[i]];
        const at = [...one].findIndex((char, place) => char !== other[place]);
        if (one !== other)
          findings.push({
            number: from,
            why: `${path} is another after a restart: ${one.slice(Math.max(0, at - 300), at + 100)} … ${other.slice(Math.max(0, at - 300), at + 100)}`,
          });
      }
    }
  } finally {
    exit = await agent.stop();
  }
  if (findings.length === 0 && exit.code !== 0)
    findings.push({ number: from, why: `ended with ${exit.code ?? exit.signal} when told to stop` });
  return {
    seed,
    sent,
    counts,
    findings,
    peak,
    slowest,
    seconds: (performance.now() - began) / 1_000,
    output: agent.program.output(),
  };
}

/** @param {Buffer} part @param {string} made */
function withMade(part, made) {
  if (made === MADE_BEFORE || !part.includes(MADE_BEFORE)) return part;
  const copy = Buffer.from(part);
  for (let at = copy.indexOf(MADE_BEFORE); at >= 0; at = copy.indexOf(MADE_BEFORE, at + 36))
    copy.write(made, at);
  return copy;
}
