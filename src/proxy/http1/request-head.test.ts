import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DEFAULT_LIMITS } from '../limits.ts';
import { latin1 } from './bytes.ts';
import {
  BAD_CODING,
  BAD_CONNECTION,
  BAD_FIELD,
  BAD_HOST,
  BAD_LENGTH,
  BAD_START_LINE,
  BAD_TARGET,
  BAD_VERSION,
  HEAD_TOO_LARGE,
  NOT_IMPLEMENTED,
  TARGET_TOO_LONG,
  TWO_FRAMINGS,
} from './refusals.ts';
import { RequestHead } from './request-head.ts';

const head = new RequestHead();
const scan = (text: string, limits = DEFAULT_LIMITS) => {
  const bytes = latin1(text);
  return head.scan(bytes, 0, bytes.length, limits);
};
const text = (bytes: string, start: number, end: number) => bytes.slice(start, end);

/** Lines behind "GET / HTTP/1.1" and a Host. */
const lines = (...more: string[]) =>
  `GET / HTTP/1.1\r\nHost: a.test\r\n${more.map((l) => `${l}\r\n`).join('')}\r\n`;

const REFUSED: [string, string, number][] = [
  ['no Host in HTTP/1.1', 'GET / HTTP/1.1\r\n\r\n', BAD_HOST],
  ['two Hosts', lines('Host: a.test'), BAD_HOST],
  ['a Host list', 'GET / HTTP/1.1\r\nHost: a.test,b.test\r\n\r\n', BAD_HOST],
  ['a Host with user information', 'GET / HTTP/1.1\r\nHost: u@a.test\r\n\r\n', BAD_HOST],
  ['a port beyond 65535', 'GET / HTTP/1.1\r\nHost: a.test:65536\r\n\r\n', BAD_HOST],
  ['a port of letters', 'GET / HTTP/1.1\r\nHost: a.test:8o\r\n\r\n', BAD_HOST],
  ['an unclosed IPv6 literal', 'GET / HTTP/1.1\r\nHost: [::1\r\n\r\n', BAD_HOST],
  ['an empty Host', 'GET / HTTP/1.1\r\nHost: \r\n\r\n', BAD_HOST],
  ['a fragment', 'GET /a#b HTTP/1.1\r\nHost: a.test\r\n\r\n', BAD_START_LINE],
  ['two spaces', 'GET  / HTTP/1.1\r\nHost: a.test\r\n\r\n', BAD_START_LINE],
  ['a space behind the version', 'GET / HTTP/1.1 \r\nHost: a.test\r\n\r\n', BAD_START_LINE],
  ['a bare LF', 'GET / HTTP/1.1\nHost: a.test\n\n', BAD_START_LINE],
  ['HTTP/0.9', 'GET /\r\n', BAD_START_LINE],
  ['HTTP/1.2', 'GET / HTTP/1.2\r\nHost: a.test\r\n\r\n', BAD_VERSION],
  ['HTTP/2.0', 'GET / HTTP/2.0\r\nHost: a.test\r\n\r\n', BAD_VERSION],
  ['two empty lines in front', `\r\n\r\n${lines()}`, BAD_START_LINE],
  ['a relative target', 'GET a HTTP/1.1\r\nHost: a.test\r\n\r\n', BAD_TARGET],
  ['https in the target', 'GET https://a.test/ HTTP/1.1\r\nHost: a.test\r\n\r\n', BAD_TARGET],
  ['user information in the target', 'GET http://u@a.test/ HTTP/1.1\r\nHost: a.test\r\n\r\n', BAD_TARGET],
  ['no host in the target', 'GET http:/// HTTP/1.1\r\nHost: a.test\r\n\r\n', BAD_TARGET],
  ['* with GET', 'GET * HTTP/1.1\r\nHost: a.test\r\n\r\n', BAD_TARGET],
  ['CONNECT', 'CONNECT a.test:443 HTTP/1.1\r\nHost: a.test\r\n\r\n', NOT_IMPLEMENTED],
  ['TRACE', 'TRACE / HTTP/1.1\r\nHost: a.test\r\n\r\n', NOT_IMPLEMENTED],
  ['a folded line', lines('X: a', ' b'), BAD_FIELD],
  ['a space before the colon', lines('X : a'), BAD_FIELD],
  ['no colon', lines('nonsense'), BAD_FIELD],
  ['an empty name', lines(': a'), BAD_FIELD],
  ['NUL', lines('X: a\0b'), BAD_FIELD],
  ['DEL', lines('X: a\x7fb'), BAD_FIELD],
  ['a bare CR', lines('X: a\rb'), BAD_FIELD],
  ['a bare LF between lines', lines('X: a\nY: b'), BAD_FIELD],
  ['two lengths, equal', lines('Content-Length: 5', 'Content-Length: 5'), BAD_LENGTH],
  ['a list of lengths', lines('Content-Length: 5, 5'), BAD_LENGTH],
  ['a signed length', lines('Content-Length: +5'), BAD_LENGTH],
  ['an empty length', lines('Content-Length:'), BAD_LENGTH],
  ['a length beyond 15 digits', lines('Content-Length: 1000000000000000'), BAD_LENGTH],
  ['a length and chunks', lines('Content-Length: 5', 'Transfer-Encoding: chunked'), TWO_FRAMINGS],
  ['chunks and a length', lines('Transfer-Encoding: chunked', 'Content-Length: 5'), TWO_FRAMINGS],
  ['two codings', lines('Transfer-Encoding: gzip, chunked'), BAD_CODING],
  ['chunked twice', lines('Transfer-Encoding: chunked', 'Transfer-Encoding: chunked'), BAD_CODING],
  ['an unknown coding', lines('Transfer-Encoding: identity'), BAD_CODING],
  ['an empty coding', lines('Transfer-Encoding:'), BAD_CODING],
  ['chunks in HTTP/1.0', 'POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n', BAD_CODING],
  ['Connection naming Host', lines('Connection: Host'), BAD_CONNECTION],
  ['Connection naming a framing field', lines('Connection: close, transfer-encoding'), BAD_CONNECTION],
  ['Connection with a space inside', lines('Connection: a b'), BAD_CONNECTION],
  ['Connection with quotes', lines('Connection: "close"'), BAD_CONNECTION],
  ['a long target', `GET /${'a'.repeat(9_000)}`, TARGET_TOO_LONG],
  ['a long line', lines(`X: ${'a'.repeat(9_000)}`), HEAD_TOO_LARGE],
  ['a long name', `GET / HTTP/1.1\r\n${'a'.repeat(9_000)}`, HEAD_TOO_LARGE],
  ['101 lines', lines(...Array.from({ length: 100 }, () => 'X: a')), HEAD_TOO_LARGE],
  ['a large head', lines(...Array.from({ length: 50 }, () => `X: ${'a'.repeat(1_000)}`)), HEAD_TOO_LARGE],
];

describe('a request head that is refused', () => {
  it.each(REFUSED)('%s', (_, bytes, code) => {
    expect(scan(bytes)).toBe(code);
  });
});

const ACCEPTED: [string, string][] = [
  ['an empty line in front', `\r\n${lines()}`],
  ['HTTP/1.0 without Host', 'GET / HTTP/1.0\r\n\r\n'],
  ['an IPv6 Host with a port', 'GET / HTTP/1.1\r\nHost: [::1]:80\r\n\r\n'],
  ['an empty port', 'GET / HTTP/1.1\r\nHost: a.test:\r\n\r\n'],
  ['every token character', lines("X!#$%&'*+-.^_`|~9: a")],
  ['an empty value', lines('X:')],
  ['bytes above 0x7f in a value', lines('X: \xff')],
  ['white space around a length', lines('Content-Length: \t 5 \t')],
  ['empty elements in Connection', lines('Connection: , close,,')],
  ['an unknown method', 'PURGE / HTTP/1.1\r\nHost: a.test\r\n\r\n'],
  ['100 lines', lines(...Array.from({ length: 99 }, () => 'X: a'))],
  ['a line of 8,000 bytes', lines(`X: ${'a'.repeat(7_997)}`)],
];

describe('a request head that is taken', () => {
  it.each(ACCEPTED)('%s', (_, bytes) => {
    expect(scan(bytes)).toBe(bytes.length);
  });

  it('has its ranges', () => {
    const bytes =
      'POST /a/b?c=d HTTP/1.1\r\nHost: x.test:81\r\nContent-Length: 7\r\nConnection: close\r\n\r\n';
    scan(bytes);
    expect(text(bytes, head.hostStart, head.hostEnd)).toBe('x.test:81');
    expect(head.port).toBe(81);
    expect(text(bytes, head.pathStart, head.pathEnd)).toBe('/a/b');
    expect(text(bytes, head.targetStart, head.targetEnd)).toBe('/a/b?c=d');
    expect(head.fields.contentLength).toBe(7);
    expect(head.wantsClose()).toBe(true);
  });

  it('takes the authority of an absolute target for the Host, whatever Host says', () => {
    const bytes = 'GET http://real.test:8080?q HTTP/1.1\r\nHost: other.test\r\n\r\n';
    expect(scan(bytes)).toBe(bytes.length);
    expect(text(bytes, head.hostStart, head.hostEnd)).toBe('real.test:8080');
    expect(head.absolute).toBe(true);
    expect(head.pathEnd).toBe(head.pathStart);
  });

  it('is no upgrade for h2c, with a body or without its Connection', () => {
    const wants = (...more: string[]) => {
      scan(lines(...more));
      return head.wantsUpgrade();
    };
    expect(wants('Connection: Upgrade', 'Upgrade: websocket')).toBe(true);
    expect(wants('Upgrade: websocket')).toBe(false);
    expect(wants('Connection: Upgrade')).toBe(false);
    expect(wants('Connection: Upgrade', 'Upgrade: h2c')).toBe(false);
    expect(wants('Connection: Upgrade', 'Upgrade: websocket, H2C')).toBe(false);
    expect(wants('Connection: Upgrade', 'Upgrade: h2cx')).toBe(true);
    expect(wants('Connection: Upgrade', 'Upgrade: websocket', 'Content-Length: 1')).toBe(false);
  });
});

/** Pieces that make heads which are right, nearly right and wrong. */
const piece = fc.constantFrom(
  'GET',
  'POST',
  'OPTIONS',
  ' ',
  '/',
  '/a?b',
  '*',
  'http://b.test/x',
  'HTTP/1.1',
  'HTTP/1.0',
  'HTTP/2.0',
  '\r\n',
  '\r',
  '\n',
  '\r\n\r\n',
  'Host: a.test\r\n',
  'Host:',
  'Content-Length: 5\r\n',
  'Content-Length: 6\r\n',
  'Transfer-Encoding: chunked\r\n',
  'Transfer-Encoding : chunked\r\n',
  'Connection: close\r\n',
  'Connection: content-length\r\n',
  'X-A: b\r\n',
  ' fold\r\n',
  '\0',
  '\xff',
  ':',
  'x',
);
const mixed = fc
  .tuple(
    fc.constantFrom('', 'GET / HTTP/1.1\r\nHost: a.test\r\n', 'POST /x HTTP/1.0\r\n'),
    fc.array(piece, { maxLength: 8 }),
    fc.constantFrom('', '\r\n'),
  )
  .map(([start, pieces, end]) => start + pieces.join('') + end);

describe('any input', () => {
  it('gives the same answer however it is cut', () => {
    fc.assert(
      fc.property(mixed, (bytes) => {
        const whole = latin1(bytes);
        const result = head.scan(whole, 0, whole.length, DEFAULT_LIMITS);
        let refused = 0;
        for (let cut = 0; cut < whole.length; cut++) {
          const part = head.scan(whole, 0, cut, DEFAULT_LIMITS);
          if (refused < 0) expect(part).toBe(refused);
          if (part < 0) {
            refused = part;
            expect(part).toBe(result);
          } else if (part > 0) expect(part).toBe(result);
          else if (result > 0) expect(cut).toBeLessThan(result);
        }
      }),
      { numRuns: 400 },
    );
  });

  it('never has two framings, two Hosts or a name that is no token', () => {
    fc.assert(
      fc.property(mixed, (bytes) => {
        const end = scan(bytes);
        if (end <= 0) return;
        const { fields } = head;
        expect(fields.chunked && fields.contentLength >= 0).toBe(false);
        const names = bytes
          .slice(0, end)
          .split('\r\n')
          .slice(1, -2)
          .map((line) => line.slice(0, line.indexOf(':')).toLowerCase());
        expect(names.filter((name) => name === 'host').length).toBeLessThanOrEqual(1);
        for (const name of names)
          if (name !== '' && !/ HTTP$/i.test(name)) expect(name).toMatch(/^[!#$%&'*+\-.^_`|~0-9a-z ]+$/);
      }),
      { numRuns: 2_000 },
    );
  });

  it('never crashes the scanner or leads it out of its range', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), fc.boolean(), (noise, withStart) => {
        const bytes = withStart
          ? Uint8Array.from([...latin1('GET / HTTP/1.1\r\nHost: a\r\n'), ...noise])
          : noise;
        expect(head.scan(bytes, 0, bytes.length, DEFAULT_LIMITS)).toBeLessThanOrEqual(bytes.length);
      }),
      { numRuns: 2_000 },
    );
  });
});
