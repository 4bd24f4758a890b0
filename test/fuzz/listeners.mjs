// @ts-check
// Feeds the proxy, on either transport and in this process, with what no client and no instance would send: every kind of listener.
import { execFileSync } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect as connectTls } from 'node:tls';
import { importSources } from '../../scripts/support/bundle.mjs';
import { GET, kinds } from './listener-kinds.mjs';
import { Random } from './random.mjs';

/** @typedef {{ number: number, why: string, input?: Buffer }} ListenerFinding */
/** @typedef {import('node:net').AddressInfo} AddressInfo */
/** @typedef {import('node:net').Socket} Socket */

/** @typedef {import('./listener-kinds.mjs').Kind} Kind */

const LANES = 48;
const BATCH = 480;
/** What the proxy waits for anybody, ms. */
const SILENCE = 150;
/** Longer than a busy machine takes until all of a batch is over, ms. */
const PATIENCE = 30_000;
/** Sessions of one UDP socket go on: as many of them as there are sockets. */
const UDP_SOCKETS = 16;

/** @type {Promise<any> | undefined} */
let loaded;

/** @returns {Promise<any>} */
function sources() {
  loaded ??= importSources(
    'fuzz-listeners',
    `
    export { CounterReader, createCounterBlock } from './src/proxy/counters.ts';
    export { routeTo, targetAt } from './src/proxy/fixtures.ts';
    export { ProxyServer } from './src/proxy/net/server.ts';
    export { readCertificate } from './src/proxy/tls/certificate.ts';
    export { Keyring } from './src/proxy/tls/keyring.ts';
    export { DEFAULT_TLS } from './src/proxy/tls/spec.ts';
    export { OBSTACLE, transportFor } from './src/proxy/uring/fixtures.ts';
    export { Pools } from './src/route/pools.ts';
    export { TargetStates } from './src/balance/states.ts';`,
  );
  return loaded;
}

/** Those that this system allows. @returns {Promise<('net' | 'uring')[]>} */
export async function transports() {
  return (await sources()).OBSTACLE === undefined ? ['uring', 'net'] : ['net'];
}

/** Says it in two pieces, then does one of the things that peers do. @param {Socket} socket @param {Buffer} bytes @param {Random} random */
function say(socket, bytes, random) {
  const cut = random.below(bytes.length + 1);
  const end = random.below(10);
  if (cut > 0) socket.write(bytes.subarray(0, cut));
  setImmediate(() => {
    if (socket.destroyed) return;
    socket.write(bytes.subarray(cut));
    if (end < 7) socket.end();
    // A socket of TLS cannot be reset.
    else if (end === 7 && !('encrypted' in socket)) setImmediate(() => socket.resetAndDestroy());
    else if (end < 9) setImmediate(() => socket.destroy());
  });
}

/** A key and its certificate for tests, PEM. */
function pair() {
  const folder = mkdtempSync(join(tmpdir(), 'muster-fuzz-'));
  const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')];
  const asked = [
    '-newkey',
    'ec',
    '-pkeyopt',
    'ec_paramgen_curve:prime256v1',
    '-nodes',
    '-subj',
    '/CN=a.test',
  ];
  execFileSync('openssl', ['req', '-x509', ...asked, '-keyout', key, '-out', cert], { stdio: 'ignore' });
  const made = { key: readFileSync(key, 'utf8'), cert: readFileSync(cert, 'utf8') };
  rmSync(folder, { recursive: true });
  return made;
}

/** @param {any} src @param {'net' | 'uring'} name @param {Kind} kind */
async function startProxy(src, name, { answer, calls = false }) {
  let answers = new Random(0);
  /** @type {Set<Socket>} */
  const sockets = new Set();
  const instance = createServer({ allowHalfOpen: true }, (socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    socket.on('error', () => {});
    socket.on('end', () => socket.end());
    socket.on('data', (asked) => {
      if (answer === undefined) socket.write(asked);
      else say(socket, answer(answers), answers);
    });
  }).listen(0, '127.0.0.1');
  await once(instance, 'listening');
  const { port } = /** @type {AddressInfo} */ (instance.address());
  const echo = createSocket('udp4').bind(port, '127.0.0.1');
  await once(echo, 'listening');
  echo.on('message', (asked, { port: from }) => echo.send(asked, from, '127.0.0.1'));

  const { transport, astray } = await src.transportFor(name);
  const counters = src.createCounterBlock();
  const counts = new src.CounterReader();
  counts.add(counters);
  const keyring = new src.Keyring();
  keyring
    .store('default')
    .replace({ certificates: [src.readCertificate({ place: 'made', ...pair() })], clientCa: [] });
  const pools = new src.Pools({
    states: new src.TargetStates(),
    random: Math.random,
    turns: new Int32Array(16),
  });
  const pool = (
    /** @type {string} */ id,
    /** @type {boolean} */ datagrams,
    /** @type {unknown} */ names,
  ) => ({
    id,
    strategy: 'rr',
    datagrams,
    names,
    slot: 1,
    targets: [
      {
        ...{ id: 't', host: '127.0.0.1', port, weight: 1, slot: 2 },
        ...{ priority: 0, maxConnections: 0, serverName: names === undefined ? '' : 'a.test' },
      },
    ],
  });
  pools.apply({
    version: 1,
    removed: [],
    changed: [
      pool('p', false, undefined),
      pool('named', false, { matching: 'exact', unexpected: 'any' }),
      pool('u', true, undefined),
    ],
  });
  const waits = ['head', 'keepAlive', 'body', 'response', 'tunnel', 'linger', 'stall', 'upstreamIdle'];
  const server = new src.ProxyServer(
    {
      keyring,
      pools,
      counters,
      routes: src.routeTo([
        calls ? { ...src.targetAt(port), options: { protocol: 'grpc' } } : src.targetAt(port),
      ]),
      limits: {
        responseSilence: SILENCE,
        ...Object.fromEntries(waits.map((wait) => [`${wait}Timeout`, SILENCE])),
      },
    },
    transport,
  );
  return {
    server,
    /** @param {number} seed */
    begin(seed) {
      answers = new Random(seed, 1);
    },
    /** What is not as it should be when nobody is there. */
    left() {
      const { openConnections, inFlight } = counts.overall();
      const left = { connections: server.connections, openConnections, inFlight };
      return Object.values(left).every((count) => count === 0) ? undefined : JSON.stringify(left);
    },
    async stop() {
      await server.stop();
      for (const socket of sockets) socket.destroy();
      instance.close();
      echo.close();
      const lost = astray();
      return lost.slots + lost.completions === 0 ? undefined : JSON.stringify(lost);
    },
  };
}

/**
 * One client, from its connect to its end. The answer is what was wrong with it.
 * @param {number} port @param {Kind} kind @param {Buffer} bytes @param {Random} random @returns {Promise<string | undefined>}
 */
function client(port, kind, bytes, random) {
  return new Promise((resolve) => {
    const place = { host: '127.0.0.1', port, allowHalfOpen: true };
    const socket =
      kind.over === 'tls'
        ? connectTls({ ...place, rejectUnauthorized: false, ALPNProtocols: ['h2', 'http/1.1'] })
        : connect(place);
    /** @type {Buffer[]} */
    const got = [];
    const timer = setTimeout(() => {
      socket.destroy();
      resolve('neither answered nor closed');
    }, PATIENCE);
    socket.on('error', () => {});
    socket.on('data', (chunk) => {
      if (kind.answer === undefined) got.push(chunk);
    });
    socket.on('end', () => socket.end());
    socket.on('close', () => {
      clearTimeout(timer);
      // What comes back from an echo is the client's own, or was somebody else's.
      const echoed = Buffer.concat(got);
      resolve(bytes.includes(echoed) ? undefined : `got ${echoed.length} bytes that it never sent`);
    });
    say(socket, bytes, random);
  });
}

/** Asks properly until it is answered: a busy machine may take longer than the proxy waits. @param {number} port @param {Kind} kind */
async function isWell(port, { over, spec, answer }) {
  if (over === 'udp' || answer === undefined || spec.acceptProxy === true) return true;
  const late = Date.now() + PATIENCE;
  while (Date.now() < late) if (await isAnswered(port, spec.protocol === 'https')) return true;
  return false;
}

/** @param {number} port @param {boolean} isSecure */
async function isAnswered(port, isSecure) {
  const place = { host: '127.0.0.1', port };
  const socket = isSecure ? connectTls({ ...place, rejectUnauthorized: false }) : connect(place);
  socket.write(GET.replace('\r\n\r\n', '\r\nConnection: close\r\n\r\n'));
  let text = '';
  try {
    for await (const chunk of socket) text += chunk.toString('latin1');
  } catch {
    // It was not in time, or its answer is the one that somebody made up for it.
  }
  return /^HTTP\/1\.1 \d{3}/.test(text);
}

/**
 * Sends until there were `count` inputs or `seconds` are over; a batch with a finding is the last one. An input depends on the seed and its number.
 * @param {{ seed: number, transport: 'net' | 'uring', kind: string, from?: number, count?: number, seconds?: number }} options
 */
export async function fuzzListeners({
  seed,
  transport,
  kind: name,
  from = 0,
  count = Number.POSITIVE_INFINITY,
  seconds = Number.POSITIVE_INFINITY,
}) {
  const src = await sources();
  const kind = kinds({ ...src.DEFAULT_TLS, handshakeTimeout: SILENCE })[name];
  if (kind === undefined) throw new Error(`no kind of listener is named ${name}`);
  /** @type {ListenerFinding[]} */
  const findings = [];
  let first = from;
  const thrown = (/** @type {unknown} */ error) =>
    findings.push({ number: first, why: error instanceof Error ? `${error.stack}` : `${error}` });
  process.on('uncaughtException', thrown);
  const proxy = await startProxy(src, transport, kind);
  const { port } = await proxy.server.open({
    ...{ id: 'l', host: '127.0.0.1', port: 0, pool: kind.over === 'udp' ? 'u' : 'p', slot: 1 },
    ...(kind.over === 'udp' ? { limits: { clientIdleTimeout: SILENCE } } : {}),
    ...(kind.spec.protocol === 'tcp'
      ? {
          limits: {
            headTimeout: SILENCE,
            clientIdleTimeout: SILENCE,
            upstreamIdleTimeout: SILENCE,
            halfClosedTimeout: SILENCE,
          },
        }
      : {}),
    ...kind.spec,
  });
  const datagrams =
    kind.over === 'udp' ? Array.from({ length: UDP_SOCKETS }, () => createSocket('udp4')) : [];
  for (const socket of datagrams) socket.on('error', thrown);
  const end = Date.now() + seconds * 1_000;
  let sent = 0;
  for (; sent < count && findings.length === 0 && Date.now() < end; first = from + sent) {
    const size = Math.min(BATCH, count - sent);
    proxy.begin(seed ^ first);
    let next = first;
    const lane = async () => {
      while (next < first + size) {
        const number = next++;
        const random = new Random(seed, number);
        const input = kind.send(random);
        if (kind.over === 'udp') {
          const socket = /** @type {import('node:dgram').Socket} */ (datagrams[number % UDP_SOCKETS]);
          await new Promise((resolve) => socket.send(input, port, '127.0.0.1', resolve));
        } else {
          const why = await client(port, kind, input, random);
          if (why !== undefined) findings.push({ number, why, input });
        }
      }
    };
    await Promise.all(Array.from({ length: LANES }, lane));
    const late = Date.now() + PATIENCE;
    while (proxy.left() !== undefined && Date.now() < late)
      await new Promise((resolve) => setTimeout(resolve, 5));
    const left = proxy.left();
    if (left !== undefined) findings.push({ number: first, why: `left behind: ${left}` });
    if (!(await isWell(port, kind))) findings.push({ number: first, why: 'not well afterwards' });
    sent += size;
  }
  for (const socket of datagrams) socket.close();
  const lost = await proxy.stop();
  if (lost !== undefined) findings.push({ number: from, why: `lost: ${lost}` });
  process.off('uncaughtException', thrown);
  return { sent, findings, peak: process.resourceUsage().maxRSS * 1_024 };
}
