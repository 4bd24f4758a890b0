import { describe, expect, it } from 'vitest';
import { PLAIN } from '../../route/handling.ts';
import { completeLimits } from '../limits.ts';
import { latin1 } from './bytes.ts';
import { composeRequest, type RequestRewrite } from './compose.ts';
import { Forwarding, type ForwardingOptions } from './forwarding.ts';
import { createMemory, OUT, READ } from './memory.ts';
import { RequestHead } from './request-head.ts';

const head = new RequestHead();
const memory = createMemory();

interface Sent {
  line: string;
  /** Lower-case names; lines of one name joined by "|". */
  fields: Record<string, string>;
}

function forwarded(
  lines: string[],
  address = '10.0.0.1',
  options: ForwardingOptions = {},
  start = 'GET / HTTP/1.1',
): Sent {
  const bytes = latin1(`${[start, ...lines].join('\r\n')}\r\n\r\n`);
  memory.set(bytes, READ);
  expect(head.scan(memory, READ, READ + bytes.length, completeLimits())).toBe(READ + bytes.length);
  const rewrite: RequestRewrite = {
    handling: PLAIN,
    host: new Uint8Array(),
    hostPort: -1,
    extras: undefined,
    fallbackHost: latin1('me:80'),
    forwarding: new Forwarding(address, options),
    upgrade: false,
    maxForwards: -1,
  };
  const end = composeRequest(memory, head, OUT, rewrite);
  const [line = '', ...rest] = String.fromCharCode(...memory.subarray(OUT, end)).split('\r\n');
  expect(rest.splice(-2)).toEqual(['', '']);
  const fields: Record<string, string> = {};
  for (const field of rest) {
    const colon = field.indexOf(': ');
    const name = field.slice(0, colon).toLowerCase();
    const value = field.slice(colon + 2);
    fields[name] = fields[name] === undefined ? value : `${fields[name]}|${value}`;
  }
  return { line, fields };
}

describe('what a backend is told of the client', () => {
  it('is everything, when the client said nothing', () => {
    expect(forwarded(['Host: h.test:8081'], '10.0.0.1', { localAddress: '9.8.7.6' }).fields).toEqual({
      host: 'h.test:8081',
      'x-forwarded-for': '10.0.0.1',
      'x-real-ip': '10.0.0.1',
      'x-forwarded-proto': 'http',
      'x-forwarded-host': 'h.test:8081',
      'x-forwarded-port': '8081',
      forwarded: 'for=10.0.0.1; proto=http; by=9.8.7.6; httpproto=http/1.1',
      via: '1.1 muster',
    });
  });

  it('is what the client said, the lists made longer', () => {
    const given = [
      'Host: h.test',
      'X-Forwarded-For: 1.2.3.4',
      'x-forwarded-for: 5.6.7.8, 9.9.9.9',
      'X-Real-Ip: 9.9.9.9',
      'X-Forwarded-Proto: https',
      'X-Forwarded-Host: front.test',
      'X-Forwarded-Port: 4444',
      'Forwarded: for=1.2.3.4; proto=https',
      'Via: 1.0 front',
    ];
    expect(forwarded(given, '10.0.0.1', { localAddress: '9.8.7.6' }).fields).toEqual({
      host: 'h.test',
      'x-forwarded-for': '1.2.3.4, 5.6.7.8, 9.9.9.9, 10.0.0.1',
      'x-real-ip': '9.9.9.9',
      'x-forwarded-proto': 'https',
      'x-forwarded-host': 'front.test',
      'x-forwarded-port': '4444',
      forwarded: 'for=1.2.3.4; proto=https; by=9.8.7.6; httpproto=http/1.1',
      via: '1.0 front|1.1 muster',
    });
  });

  it.each([
    [['X-Forwarded-Proto: https'], 'https', 'for=10.0.0.1; proto=https; httpproto=http/1.1'],
    [['X-Forwarded-Proto: wss'], 'wss', 'for=10.0.0.1; proto=wss; httpproto=http/1.1'],
    [['Forwarded: for=1.2.3.4; Proto=HTTPS'], 'HTTPS', 'for=1.2.3.4; Proto=HTTPS; httpproto=http/1.1'],
    [
      ['Forwarded: xproto=no;proto="https", for=5.6.7.8;proto=http'],
      'https',
      'xproto=no;proto="https", for=5.6.7.8;proto=http; httpproto=http/1.1',
    ],
    [['Forwarded: for=1.2.3.4; proto=wss'], 'https', 'for=1.2.3.4; proto=wss; httpproto=http/1.1'],
    [['Forwarded: for=1.2.3.4; proto=ws; by=me'], 'http', 'for=1.2.3.4; proto=ws; by=me; httpproto=http/1.1'],
    // Neither says it for the other.
    [
      ['Forwarded: for=1.2.3.4; proto=http', 'X-Forwarded-Proto: https'],
      'https',
      'for=1.2.3.4; proto=http; httpproto=http/1.1',
    ],
    [['Forwarded: for=1.2.3.4'], 'http', 'for=1.2.3.4; httpproto=http/1.1'],
    [['Forwarded: for=1.2.3.4; proto='], 'http', 'for=1.2.3.4; proto=; httpproto=http/1.1'],
    // What is no scheme goes no further.
    [
      ['X-Forwarded-Proto: https; for=evil'],
      'https; for=evil',
      'for=10.0.0.1; proto=http; httpproto=http/1.1',
    ],
  ])('takes the scheme from the one field for the other: %j', (lines, proto, forwardedAs) => {
    const { fields } = forwarded(['Host: h.test', ...lines]);
    expect(fields['x-forwarded-proto']).toBe(proto);
    expect(fields.forwarded).toBe(forwardedAs);
  });

  it('is ours where the client left a field empty', () => {
    const names = ['For', 'Host', 'Port', 'Proto'].map((name) => `X-Forwarded-${name}`);
    const empty = [...names, 'X-Real-Ip', 'Forwarded'].map((name) => `${name}: \t`);
    const said = forwarded(['Host: h.test'], '10.0.0.1', { localAddress: '9.8.7.6' }).fields;
    expect(forwarded(['Host: h.test', ...empty], '10.0.0.1', { localAddress: '9.8.7.6' }).fields).toEqual(
      said,
    );
    const both = ['Host: h.test', 'X-Forwarded-Host:', 'X-Forwarded-Host: front.test', 'X-Real-Ip:'];
    expect(forwarded(both, '10.0.0.1', { localAddress: '9.8.7.6' }).fields).toEqual({
      ...said,
      'x-forwarded-host': 'front.test',
    });
  });

  it('is ours when the client had its own taken off by Connection', () => {
    const { fields } = forwarded([
      'Host: h.test',
      'Connection: x-forwarded-for, forwarded',
      'X-Forwarded-For: evil',
      'Forwarded: evil',
    ]);
    expect(fields['x-forwarded-for']).toBe('10.0.0.1');
    expect(fields.forwarded).not.toContain('evil');
  });

  it('has brackets and quotes for IPv6 only where they belong', () => {
    const { fields } = forwarded(['Host: [::1]:81'], 'fe80::1');
    expect(fields['x-forwarded-for']).toBe('fe80::1');
    expect(fields.forwarded).toMatch(/^for="\[fe80::1\]";/);
    expect(fields['x-forwarded-port']).toBe('81');
  });

  it('names the version that the client spoke', () => {
    const { line, fields } = forwarded([], '10.0.0.1', {}, 'GET / HTTP/1.0');
    expect(line).toBe('GET / HTTP/1.1');
    expect(fields).toMatchObject({ host: 'me:80', via: '1.0 muster', 'x-forwarded-port': '80' });
    expect(fields['x-forwarded-host']).toBeUndefined();
  });

  it('leaves out what is between the client and us', () => {
    const { fields } = forwarded([
      'Host: h.test',
      'Connection: keep-alive, X-Hop',
      'X-Hop: 1',
      'Keep-Alive: 1',
      'Proxy-Connection: keep-alive',
      'Proxy-Authorization: x',
      'TE: gzip',
      'Upgrade: websocket',
      'HTTP2-Settings: x',
      'X-Kept: 1',
    ]);
    expect(Object.keys(fields).filter((name) => !/forwarded|real|via/.test(name))).toEqual([
      'host',
      'x-kept',
    ]);
  });
});

describe('the target', () => {
  it.each([
    ['GET http://real.test HTTP/1.1', 'GET / HTTP/1.1'],
    ['GET http://real.test?a HTTP/1.1', 'GET /?a HTTP/1.1'],
    ['GET http://real.test/a/b?c HTTP/1.1', 'GET /a/b?c HTTP/1.1'],
    ['OPTIONS http://real.test HTTP/1.1', 'OPTIONS * HTTP/1.1'],
  ])('%s becomes %s, with the target’s Host', (start, line) => {
    const sent = forwarded(['Host: other.test'], '10.0.0.1', {}, start);
    expect(sent.line).toBe(line);
    expect(sent.fields.host).toBe('real.test');
  });
});
