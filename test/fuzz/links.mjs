// @ts-check
// Sends the door between nodes (8300) what no node would: without the key, inside of a handshake with it, and after one.
import { connect as connectTcp, createServer } from 'node:net';
import { importSources } from '../../scripts/support/bundle.mjs';
import { mutated, Random } from './random.mjs';
import { field, frame, PREFACE } from './wire.mjs';

/** @typedef {{ number: number, why: string }} LinkFinding */
/** @typedef {import('node:net').AddressInfo} AddressInfo */

const KEY = Buffer.alloc(32, 7).toString('base64');
const LANES = 8;
const BATCH = 64;
/** A node does not get on with what is incomplete: it is left after this long, ms. */
const BRIEFLY = 40;
/** An answer to a proper call takes this long at most on a busy machine, ms. */
const PATIENCE = 30_000;

/** @returns {Promise<any>} */
function sources() {
  return importSources(
    'fuzz-links',
    `
    export { createLogger } from './src/lib/log.ts';
    export { Keyring } from './src/cluster/link/keyring.ts';
    export { dialLink, listenLinks } from './src/cluster/link/link.ts';
    export { serveLines } from './src/cluster/link/lines.ts';
    export { Caller, serveRpc } from './src/cluster/link/rpc.ts';`,
  );
}

/** What a request to a call may hold, right and wrong. */
const BODIES = [
  '',
  '"x"',
  '{"a":1}',
  '[1,[2,{"$n":"5"}]]',
  '{"$bytes":"!!!"}',
  '{"$n":"99999999999999999999999999"}',
  '{"$n":"x"}',
  '{"__proto__":{"polluted":1}}',
  '{"constructor":{"prototype":{"polluted":1}}}',
  'nul',
  '['.repeat(20_000),
  '{"a":'.repeat(20_000),
  '\ud800',
];
const NAMES = ['echo', 'fails', '', '__proto__', 'constructor', 'toString', '../echo', 'e'.repeat(100)];

/** @param {Random} random @param {number} stream one request, as two frames */
function request(random, stream) {
  const fields = [
    field(':method', random.pick(['POST', 'POST', 'GET', 'CONNECT', ''])),
    field(':scheme', 'http'),
    field(':authority', 'muster'),
    field(':path', `/${random.pick(NAMES)}`),
    ...(random.chance(0.1) ? [field('Upper', 'case'), field(':late', 'x')] : []),
  ];
  return Buffer.concat([
    frame(1, random.pick([4, 4, 4, 5, 0]), stream, Buffer.concat(fields)),
    frame(0, 1, stream, Buffer.from(random.pick(BODIES))),
  ]);
}

/** What goes over a link once it stands. @param {Random} random */
function frames(random) {
  const all = [PREFACE, frame(4, 0, 0, Buffer.alloc(0))];
  for (let left = 1 + random.below(6), stream = 1; left > 0; left--, stream += random.pick([2, 2, 2, 0, 1]))
    all.push(
      random.chance(0.6)
        ? request(random, stream)
        : frame(
            random.below(14),
            random.below(256),
            random.below(4) * stream,
            random.bytes(random.below(40)),
          ),
    );
  const bytes = Buffer.concat(all);
  return random.chance(0.5) ? mutated(random, bytes) : bytes;
}

/** What is asked for over a link for lines, and signs of life. @param {Random} random */
function asked(random) {
  const bytes = Buffer.from(`${random.pick(BODIES)}\n${'\n'.repeat(random.below(4))}`);
  return random.chance(0.5) ? mutated(random, bytes) : bytes;
}

/** @param {Random} random @param {Buffer} hello a handshake's first flight, as a node sent it */
function withoutKey(random, hello) {
  return random.pick([
    () => random.bytes(random.below(400)),
    () => mutated(random, hello),
    // Records that are longer than they say, and many of them.
    () => Buffer.concat([Buffer.from([0x16, 3, 1, 0x40, 0]), random.bytes(random.below(2_000))]),
    () => Buffer.concat(Array(1 + random.below(40)).fill(Buffer.from([0x16, 3, 1, 0, 1, 1]))),
    () => PREFACE,
    () => Buffer.from('GET / HTTP/1.1\r\nHost: x\r\n\r\n'),
  ])();
}

/** @param {import('node:net').Socket} socket @param {Buffer[]} parts resolves when it is closed, or was left */
function pour(socket, parts) {
  return new Promise((/** @type {(value?: undefined) => void} */ resolve) => {
    const timer = setTimeout(() => socket.destroy(), BRIEFLY);
    socket.on('error', () => {});
    socket.on('data', () => {});
    socket.once('close', () => {
      clearTimeout(timer);
      resolve();
    });
    for (const part of parts) socket.write(part);
  });
}

/** The first bytes that a node with the key sends. @param {any} src @param {unknown} keyring @returns {Promise<Buffer>} */
function firstFlight(src, keyring) {
  return new Promise((resolve) => {
    const listener = createServer((socket) => {
      socket.on('error', () => {});
      socket.once('data', (bytes) => {
        resolve(bytes);
        socket.destroy();
        listener.close();
      });
    });
    listener.listen(0, '127.0.0.1', () => {
      const { port } = /** @type {import('node:net').AddressInfo} */ (listener.address());
      src.dialLink({ host: '127.0.0.1', port }, 'rpc', { keyring, timeout: PATIENCE }).catch(() => {});
    });
  });
}

/**
 * A node with the key makes a link, and somebody in the middle changes one of the pieces that it sends.
 * @param {{ host: string, port: number }} address @param {unknown} keyring @param {any} src @param {Random} random
 */
function changedOnTheWay(address, keyring, src, random) {
  return new Promise((/** @type {(value?: undefined) => void} */ resolve) => {
    let pieces = random.below(3);
    const middle = createServer((near) => {
      const far = connectTcp(address.port, address.host);
      for (const [socket, other] of [
        [near, far],
        [far, near],
      ]) {
        socket?.on('error', () => {});
        socket?.on('close', () => other?.destroy());
      }
      near.on('data', (bytes) => far.write(pieces-- === 0 ? mutated(random, bytes) : bytes));
      far.pipe(near);
    });
    middle.listen(0, '127.0.0.1', async () => {
      const { port } = /** @type {import('node:net').AddressInfo} */ (middle.address());
      const link = await src
        .dialLink({ host: '127.0.0.1', port }, 'rpc', { keyring, timeout: 10 * BRIEFLY })
        .catch(() => undefined);
      if (link !== undefined) await pour(link, [frames(random)]);
      middle.close(() => resolve());
    });
  });
}

/**
 * Runs until `count` inputs were sent or `seconds` are over. The same inputs for the same seed; keys of TLS are new in each run.
 * @param {{ seed: number, from?: number, count?: number, seconds?: number }} options
 */
export async function fuzzLinks({
  seed,
  from = 0,
  count = Number.POSITIVE_INFINITY,
  seconds = Number.POSITIVE_INFINITY,
}) {
  const src = await sources();
  const keyring = src.Keyring.open(KEY, undefined);
  /** @type {LinkFinding[]} */
  const findings = [];
  /** @type {Record<string, number>} */
  const counts = {};
  const tally = (/** @type {string} */ what) => {
    counts[what] = (counts[what] ?? 0) + 1;
  };
  let number = from;
  const thrown = (/** @type {unknown} */ error) =>
    findings.push({ number, why: error instanceof Error ? (error.stack ?? '') : String(error) });
  process.on('uncaughtException', thrown);
  process.on('unhandledRejection', thrown);
  const calls = {
    echo: (/** @type {unknown} */ given) => given,
    fails: () => {
      throw new Error('on purpose');
    },
  };
  const answer = (/** @type {unknown} */ given, /** @type {{ write(lines: Buffer): void }} */ outlet) =>
    outlet.write(Buffer.from(`${JSON.stringify(given)}\n`));
  const server = await src.listenLinks({
    host: '127.0.0.1',
    port: 0,
    keyring,
    clock: { now: Date.now },
    logger: src.createLogger({
      level: 'error',
      sink: (/** @type {{ text: string }} */ line) => thrown(line.text),
    }),
    handlers: {
      // What a call throws that is no refusal is told here: requests that cannot be read, and `fails`.
      rpc: (/** @type {unknown} */ link) => src.serveRpc(link, calls, () => tally('failed calls')),
      lines: (/** @type {unknown} */ link) => src.serveLines(link, answer, () => tally('failed requests')),
    },
  });
  const hello = await firstFlight(src, keyring);
  const open = () => connectTcp(server.address.port, server.address.host);
  const end = Date.now() + seconds * 1000;

  /** @param {number} at */
  async function one(at) {
    const random = new Random(seed, at);
    if (random.chance(0.4)) {
      tally('without the key');
      return pour(open(), [withoutKey(random, hello)]);
    }
    if (random.chance(0.15)) {
      // Somebody in the middle of a node with the key changes what it sends.
      tally('changed on the way');
      return changedOnTheWay(server.address, keyring, src, random);
    }
    tally('with the key');
    const purpose = random.chance(0.7) ? 'rpc' : random.chance(0.8) ? 'lines' : 'peer';
    const link = await src
      .dialLink(server.address, purpose, { keyring, timeout: PATIENCE })
      .catch(() => undefined);
    if (link !== undefined) await pour(link, [purpose === 'lines' ? asked(random) : frames(random)]);
  }

  let sent = 0;
  try {
    while (sent < count && Date.now() < end && findings.length === 0) {
      const first = from + sent;
      const size = Math.min(BATCH, count - sent);
      let next = first;
      await Promise.all(
        Array.from({ length: LANES }, async () => {
          while (next < first + size) {
            number = next++;
            await one(number);
          }
        }),
      );
      sent += size;
      // Afterwards a node with the key is served as before.
      const caller = new src.Caller(server.address, keyring);
      const heard = await caller.call('echo', { first }, PATIENCE).catch(String);
      caller.close();
      if (heard?.first !== first) findings.push({ number: first, why: `no answer: ${heard}` });
      if (/** @type {any} */ ({}).polluted !== undefined)
        findings.push({ number: first, why: 'every object has a property more' });
    }
  } finally {
    await server.stop();
    process.off('uncaughtException', thrown);
    process.off('unhandledRejection', thrown);
  }
  return { sent, counts, findings };
}
