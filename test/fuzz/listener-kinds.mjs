// @ts-check
// What clients and instances say at each kind of listener.
import { mutated } from './random.mjs';
import { CHUNKED, field, frame, HEAD, HELLO, PREFACE, PROXY_HEADERS } from './wire.mjs';

/** @typedef {import('./random.mjs').Random} Random */

/**
 * @typedef {object} Kind
 * @property {Record<string, unknown>} spec of the listener
 * @property {(random: Random) => Buffer} send what a client says
 * @property {(random: Random) => Buffer} [answer] what an instance says to it; what it was sent, when there is none
 * @property {boolean} [calls] the instance speaks HTTP/2
 * @property {'tls' | 'udp'} [over] what the client speaks it over; TCP when there is none
 */

export const GET = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n';
const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';
const REQUESTS = [
  GET,
  HEAD,
  CHUNKED,
  'HEAD / HTTP/1.1\r\nHost: a\r\n\r\n',
  'GET / HTTP/1.0\r\n\r\n',
  'POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\nhello',
  'GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\nearly',
  'OPTIONS * HTTP/1.1\r\nHost: a\r\nMax-Forwards: 0\r\n\r\n',
  'CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n',
  `POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 70000\r\n\r\n${'b'.repeat(70_000)}`,
];
const RESPONSES = [
  OK,
  'HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nok',
  'HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nok',
  'HTTP/1.1 200 OK\r\n\r\nuntil the end',
  'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nX-T: 1\r\n\r\n',
  'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\nok',
  'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\n2\r\nok\r\n0\r\n\r\n',
  'HTTP/1.1 101 X\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\nhi',
  'HTTP/1.1 204 No\r\nContent-Length: 5\r\n\r\nhello',
  'HTTP/1.1 304 No\r\n\r\n',
  `HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 X\r\nLink: a\r\n\r\n${OK}`,
  OK + OK,
  `HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n${'c'.repeat(100_000)}`,
  `HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n`,
  '',
];

/** One or several of them, half of the time changed. @param {Random} random @param {readonly (string | Buffer)[]} texts */
function some(random, texts) {
  const bytes = Buffer.concat(random.times(1 + random.below(3), () => Buffer.from(random.pick(texts))));
  return random.chance(0.6) ? mutated(random, bytes) : bytes;
}

/** What a client of HTTP/2 sends. @param {Random} random */
function frames(random) {
  const request = (/** @type {number} */ stream) => [
    frame(
      1,
      random.pick([4, 5, 5, 0]),
      stream,
      Buffer.concat([
        field(':method', random.pick(['GET', 'POST', 'CONNECT'])),
        field(':scheme', 'http'),
        field(':path', '/'),
        field(':authority', 'a'),
        ...(random.chance(0.2) ? [field('content-length', '5'), field('te', 'trailers')] : []),
        ...(random.chance(0.05) ? [field('Upper', 'x'), field(':late', 'x')] : []),
      ]),
    ),
    ...(random.chance(0.5) ? [frame(0, 1, stream, Buffer.from('hello'))] : []),
  ];
  const all = [PREFACE, frame(4, 0, 0, Buffer.alloc(0))];
  for (let left = 1 + random.below(5), stream = 1; left > 0; left--, stream += 2)
    all.push(
      ...(random.chance(0.7)
        ? request(stream)
        : [
            frame(
              random.below(12),
              random.below(256),
              random.below(3) * stream,
              random.bytes(random.below(40)),
            ),
          ]),
    );
  const bytes = Buffer.concat(all);
  return random.chance(0.6) ? mutated(random, bytes) : bytes;
}

/** What an instance of HTTP/2 says. @param {Random} random */
function answersInFrames(random) {
  const all = [frame(4, 0, 0, random.chance(0.9) ? Buffer.alloc(0) : random.bytes(6))];
  for (let left = 1 + random.below(4); left > 0; left--) {
    const stream = 1 + 2 * random.below(4);
    const head = Buffer.concat([
      field(':status', random.pick(['200', '200', '204', '103', '101', '99', 'x'])),
      ...(random.chance(0.3) ? [field('content-length', random.pick(['5', '2', 'x']))] : []),
      ...(random.chance(0.1) ? [field('connection', 'close'), field('a', 'b\r\nc: d')] : []),
    ]);
    all.push(frame(1, random.pick([4, 4, 5, 0]), stream, head));
    if (random.chance(0.7)) all.push(frame(0, random.below(2), stream, Buffer.from('hello')));
    if (random.chance(0.3)) all.push(frame(1, 5, stream, field('grpc-status', '0')));
    if (random.chance(0.3))
      all.push(
        frame(random.below(12), random.below(256), random.below(2) * stream, random.bytes(random.below(20))),
      );
  }
  const bytes = Buffer.concat(all);
  return random.chance(0.5) ? mutated(random, bytes) : bytes;
}

/** @param {any} tls its settings @returns {Record<string, Kind>} */
export function kinds(tls) {
  const requests = (/** @type {Random} */ random) => some(random, REQUESTS);
  const responses = (/** @type {Random} */ random) => some(random, RESPONSES);
  const fine = () => Buffer.from(OK);
  return {
    requests: { spec: { protocol: 'http' }, send: requests, answer: fine },
    responses: { spec: { protocol: 'http' }, send: (random) => some(random, [GET, HEAD]), answer: responses },
    both: { spec: { protocol: 'http' }, send: requests, answer: responses },
    'PROXY headers': {
      spec: { protocol: 'http', acceptProxy: true },
      send: (random) => Buffer.concat([some(random, PROXY_HEADERS), requests(random)]),
      answer: fine,
    },
    frames: { spec: { protocol: 'http', http2: true }, send: frames, answer: responses },
    calls: { spec: { protocol: 'http' }, calls: true, send: requests, answer: answersInFrames },
    'frames both ways': {
      spec: { protocol: 'http', http2: true },
      calls: true,
      send: frames,
      answer: answersInFrames,
    },
    hellos: {
      spec: { protocol: 'https', tls, http2: true },
      send: (random) => some(random, [HELLO, GET]),
      answer: fine,
    },
    'inside of TLS': {
      spec: { protocol: 'https', tls, http2: true },
      over: 'tls',
      send: (random) => (random.chance(0.5) ? frames(random) : requests(random)),
      answer: responses,
    },
    relayed: { spec: { protocol: 'tcp' }, send: (random) => random.bytes(1 + random.below(3_000)) },
    'relayed by name': {
      spec: { protocol: 'tcp', acceptProxy: true, pool: 'named' },
      send: (random) => Buffer.concat([some(random, PROXY_HEADERS), some(random, [HELLO])]),
    },
    datagrams: {
      spec: { protocol: 'udp' },
      over: 'udp',
      send: (random) => random.bytes(random.below(random.chance(0.02) ? 20_000 : 200)),
    },
  };
}

/** The names of all kinds. */
export const LISTENER_KINDS = Object.keys(kinds(undefined));
