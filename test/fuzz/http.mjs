// @ts-check
// What is sent to the HTTP port: requests to every endpoint of the table, and streams of bytes that are hardly any.
import { gzipSync } from 'node:zlib';
import { filter } from './filters.mjs';
import { bodyFor } from './json.mjs';
import { mutated } from './random.mjs';
import { MADE_BEFORE, ODD, TOKEN, word } from './words.mjs';

/** @typedef {import('./random.mjs').Random} Random */

/**
 * @typedef {object} HttpInput
 * @property {'request' | 'stream'} kind a request has one answer; a stream is followed by the end of our side
 * @property {Buffer[]} parts sent one after another, with a pause between them
 * @property {boolean} waits an answer may take its time: a blocked read, or a stream of events
 */

/**
 * @typedef {object} Row one operation of the API
 * @property {string} method
 * @property {string} path with `{name}` for parameters
 * @property {string[]} query
 * @property {import('./json.mjs').Schema | 'bytes' | undefined} body
 */

/** An agent that leaves would be gone: that is its purpose. */
const LEFT_OUT = new Set(['/v1/agent/leave']);

/** Answers that go on until the client leaves. */
const ENDLESS = new Set(['/v1/agent/monitor', '/v1/muster/stream']);

/**
 * The operations of an OpenAPI description.
 * @param {{ paths: Record<string, Record<string, { parameters: { name: string, in: string }[], requestBody?: { content: Record<string, { schema?: import('./json.mjs').Schema }> } }>> }} description
 * @returns {Row[]}
 */
export function operations({ paths }) {
  return Object.entries(paths).flatMap(([path, methods]) =>
    LEFT_OUT.has(path)
      ? []
      : Object.entries(methods).map(([method, { parameters, requestBody }]) => ({
          method: method.toUpperCase(),
          path,
          query: parameters.filter((one) => one.in === 'query').map(({ name }) => name),
          body:
            requestBody === undefined
              ? undefined
              : (requestBody.content['application/json']?.schema ?? /** @type {const} */ ('bytes')),
        })),
  );
}

const METHODS = [
  'GET',
  'PUT',
  'POST',
  'DELETE',
  'HEAD',
  'OPTIONS',
  'PATCH',
  'TRACE',
  'CONNECT',
  'get',
  'X',
  'PROPFIND',
];
const PARAMETERS = [
  'index',
  'wait',
  'filter',
  'near',
  'node-meta',
  'dc',
  'stale',
  'consistent',
  'cached',
  'pretty',
].concat([
  'token',
  'recurse',
  'keys',
  'raw',
  'cas',
  'flags',
  'acquire',
  'passing',
  'tag',
  'hash',
  '__proto__',
  'ns',
]);

/** @param {Random} random @param {Row} row */
function target(random, row) {
  let path = row.path.replace(/\{(\w+)\}/g, (_, name) => {
    const text = row.path.startsWith('/v1/agent/join') ? word(random, 'join') : word(random, name);
    return random.chance(0.9) ? encodeURIComponent(wellFormed(text)) : text.replace(/[^!-~]/g, '%FF');
  });
  if (random.chance(0.03))
    path = path.replace('/', random.pick(['//', '/./', '/x/../', '/%2e%2e/', '/%', '/%00']));
  const names = row.query.filter(() => random.chance(0.2));
  if (random.chance(0.1)) names.push(random.pick(PARAMETERS));
  const pairs = names.map((name) => {
    const value = name === 'filter' ? filter(random) : word(random, name);
    return random.chance(0.1) ? name : `${name}=${encodeURIComponent(wellFormed(value))}`;
  });
  if (random.chance(0.02))
    pairs.push(random.pick(['%', '%zz=1', '&&&', '=', 'a=%ff', 'a;b', 'x='.repeat(2_000)]));
  return { path, search: pairs.length === 0 ? '' : `?${pairs.join('&')}` };
}

/** @param {string} text */
function wellFormed(text) {
  return Buffer.from(text).toString();
}

/** @param {Random} random */
function headers(random) {
  const made = [`Host: ${random.chance(0.97) ? 'muster' : random.pick(['', 'a b', '[', 'x'.repeat(5_000)])}`];
  if (random.chance(0.6)) made.push(`X-Consul-Token: ${TOKEN}`);
  const some = [
    () => `X-Consul-Token: ${random.pick([MADE_BEFORE, 'x', '__proto__', ''])}`,
    () =>
      `Authorization: ${random.pick(['Bearer x', 'Bearer', 'bearer  ', `Bearer ${' '.repeat(5_000)}x`, 'Basic eA=='])}`,
    () => 'Accept-Encoding: gzip, deflate;q=0, *;q=x',
    () => `If-None-Match: ${random.pick(['*', '"x"', 'W/"', ''])}`,
    () =>
      `Cache-Control: ${random.pick(['max-age=1', 'stale-if-error=x', 'max-age=99999999999999999999', 'no-cache'])}`,
    () => 'Expect: 100-continue',
    () => 'Expect: the unexpected',
    () => 'Upgrade: websocket\r\nConnection: upgrade',
    () => 'X-Forwarded-For: 1.2.3.4, ::, x',
    () => `Content-Type: ${random.pick(['application/json', 'text/plain', '/', ''])}`,
    () => `X-Long: ${'x'.repeat(random.pick([1, 8_000, 40_000]))}`,
    () => '__proto__: x',
  ];
  for (let left = random.below(3); left > 0; left--) if (random.chance(0.4)) made.push(random.pick(some)());
  return made;
}

const BOMB = gzipSync(Buffer.alloc(48 * 1024 * 1024));

/** @param {Random} random @param {Row} row @returns {Buffer} */
function body(random, row) {
  if (row.body === undefined) return random.chance(0.9) ? Buffer.alloc(0) : random.bytes(random.below(300));
  if (row.body !== 'bytes') return bodyFor(random, row.body);
  if (row.path === '/v1/snapshot') {
    if (random.chance(0.02)) return BOMB;
    return random.chance(0.5) ? gzipSync(random.bytes(1_024)) : random.bytes(random.below(100));
  }
  if (row.path.startsWith('/v1/config'))
    return bodyFor(random, {
      type: 'object',
      properties: { Kind: TEXT, Name: TEXT, Protocol: TEXT, Meta: ANY, Config: ANY },
    });
  if (random.chance(0.03))
    return Buffer.alloc(random.pick([512 * 1024, 512 * 1024 + 1, 3 * 1024 * 1024]), 97);
  if (random.chance(0.2)) return Buffer.from(word(random, 'rules'));
  return random.chance(0.5) ? random.bytes(random.below(500)) : Buffer.from(random.pick(ODD));
}

const TEXT = { type: 'string' };
const ANY = { type: 'object', additionalProperties: TEXT };

/** In chunks, mostly right ones. @param {Random} random @param {Buffer} bytes */
function chunked(random, bytes) {
  const parts = [];
  for (let at = 0; at < bytes.length; ) {
    const part = bytes.subarray(at, at + 1 + random.below(4_000));
    parts.push(
      Buffer.from(`${part.length.toString(16)}${random.chance(0.1) ? ';a="b"' : ''}\r\n`),
      part,
      Buffer.from('\r\n'),
    );
    at += part.length;
  }
  return Buffer.concat([
    ...parts,
    Buffer.from(random.chance(0.9) ? '0\r\n\r\n' : '0\r\nX-Trailer: 1\r\n\r\n'),
  ]);
}

/**
 * One whole request. A GET that is not meant to block never does.
 * @param {Random} random @param {readonly Row[]} rows @param {{ close: boolean }} options
 */
function wholeRequest(random, rows, { close }) {
  const row = random.pick(rows);
  const method = random.chance(0.94) ? row.method : random.pick(METHODS);
  const { path, search } = target(random, row);
  const bytes = body(random, row);
  const inChunks = bytes.length > 0 && random.chance(0.1);
  const length = inChunks ? 'Transfer-Encoding: chunked' : `Content-Length: ${bytes.length}`;
  const head = [`${method} ${path}${search} HTTP/1.1`, ...headers(random), length];
  if (close) head.push('Connection: close');
  return {
    bytes: Buffer.concat([
      Buffer.from(`${head.join('\r\n')}\r\n\r\n`),
      inChunks ? chunked(random, bytes) : bytes,
    ]),
    waits: ENDLESS.has(row.path) || /[?&](index|hash|wait)\b/.test(search),
  };
}

/** @param {Random} random @param {readonly Row[]} rows @returns {HttpInput} */
export function requestInput(random, rows) {
  const { bytes, waits } = wholeRequest(random, rows, { close: true });
  return { kind: 'request', parts: cut(random, bytes, 0.05), waits };
}

/** In one part, or with a probability in several. @param {Random} random @param {Buffer} bytes @param {number} slow */
function cut(random, bytes, slow) {
  if (bytes.length < 2 || !random.chance(slow)) return [bytes];
  const places = random.times(1 + random.below(5), () => random.below(bytes.length)).sort((a, b) => a - b);
  return [0, ...places].map((from, i) => bytes.subarray(from, places[i] ?? bytes.length));
}

/** @type {((random: Random, rows: readonly Row[]) => Buffer)[]} */
const STREAMS = [
  (random, rows) => mutated(random, wholeRequest(random, rows, { close: false }).bytes),
  (random, rows) => mutated(random, wholeRequest(random, rows, { close: true }).bytes),
  (random) => random.bytes(random.below(600)),
  // Requests one behind the other without waiting for answers, the last one perhaps broken off.
  (random, rows) => {
    const all = random.times(2 + random.below(12), () => wholeRequest(random, rows, { close: false }).bytes);
    const bytes = Buffer.concat(all);
    return random.chance(0.5) ? bytes : bytes.subarray(0, random.below(bytes.length));
  },
  // Heads too large, too many, malformed.
  (random) => head(random, [`X-Large: ${'x'.repeat(random.pick([60_000, 66_000, 300_000]))}`]),
  (random) =>
    head(
      random,
      random.times(random.pick([100, 1_900, 3_000]), (i) => `X-${i}: y`),
    ),
  (random) =>
    head(
      random,
      random.times(500, () => 'Cookie: a=b'),
    ),
  (random) =>
    head(random, [
      random.pick(['no colon', ': no name', ' folded', 'A B: c', 'X:\u0000', 'X: a\rb', '\u00e9: x']),
    ]),
  (random) => head(random, [], `GET /${'x'.repeat(random.pick([10_000, 70_000]))} HTTP/1.1`),
  (random) =>
    head(
      random,
      [],
      random.pick([
        'GET',
        'GET  / HTTP/1.1',
        'GET / HTTP/9.9',
        'GET / HTTP/1.0',
        'GET /v1/status/leader',
        'G\u0000T / HTTP/1.1',
      ]),
    ),
  (random) =>
    head(
      random,
      [],
      random.pick([
        'GET * HTTP/1.1',
        'GET http://x/v1/kv/a HTTP/1.1',
        'CONNECT a:1 HTTP/1.1',
        'OPTIONS * HTTP/1.1',
      ]),
    ),
  // Lengths that are wrong, twice there, or no numbers.
  (random) =>
    Buffer.concat([
      head(
        random,
        random.pick([
          ['Content-Length: 5', 'Content-Length: 6'],
          ['Content-Length: -1'],
          ['Content-Length: 99999999999999999999'],
          ['Content-Length: 0x5'],
          ['Content-Length: 10'],
          ['Content-Length: 1'],
          ['Content-Length: 3', 'Transfer-Encoding: chunked'],
          ['Transfer-Encoding: chunked, chunked'],
          ['Transfer-Encoding: gzip'],
          ['Transfer-Encoding: chunked'],
        ]),
        'PUT /v1/kv/a HTTP/1.1',
      ),
      Buffer.from(
        random.pick([
          'abc',
          'abcdefghijklmnop',
          '3\r\nabc\r\n0\r\n\r\n',
          'fffffffffffffffff\r\n',
          '-1\r\n',
          '3\r\nabcd\r\n',
          'g\r\n',
        ]),
      ),
      random.chance(0.3) ? Buffer.from(`3;${'e'.repeat(30_000)}\r\nabc\r\n0\r\n\r\n`) : Buffer.alloc(0),
    ]),
  // Other protocols on this port.
  (random) =>
    random.pick([
      Buffer.from(
        'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\u0000\u0000\u0000\u0004\u0000\u0000\u0000\u0000\u0000',
        'latin1',
      ),
      Buffer.from('160301020001000001fc0303', 'hex'),
      Buffer.from('SSH-2.0-x\r\n'),
      Buffer.from('\r\n'.repeat(1_000)),
      Buffer.alloc(0),
    ]),
];

/** @param {Random} random @param {string[]} lines @param {string} [first] */
function head(random, lines, first = 'GET /v1/status/leader HTTP/1.1') {
  const end = random.chance(0.95) ? '\r\n' : '\n';
  return Buffer.from([first, 'Host: x', ...lines, '', ''].join(end), 'latin1');
}

/** @param {Random} random @param {readonly Row[]} rows @returns {HttpInput} */
export function streamInput(random, rows) {
  const quick = rows.filter(({ path }) => !ENDLESS.has(path));
  const bytes = random.pick(STREAMS)(random, quick);
  return {
    kind: 'stream',
    parts: cut(random, bytes, 0.3),
    waits: /[?&](index|hash|wait)\b/.test(bytes.toString('latin1')),
  };
}
