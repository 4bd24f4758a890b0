import { createServer, type IncomingMessage } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { headersOf, readPlainHead } from './plain-head.ts';

const server = createServer({ insecureHTTPParser: true });
beforeAll(() => new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve)));
afterAll(() => void server.close());

/** What Node makes of a request; undefined: it refuses it. */
function byNode(text: string): Promise<IncomingMessage | undefined> {
  return new Promise((resolve) => {
    const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
    const done = (request?: IncomingMessage) => {
      server.removeAllListeners('request').removeAllListeners('clientError');
      socket.destroy();
      resolve(request);
    };
    server.once('request', done).once('clientError', () => done());
    socket.end(Buffer.from(text, 'latin1'));
  });
}

describe('a head of the common kind', () => {
  const common =
    'PUT /v1/kv/a?x=%20 HTTP/1.1\r\nHost: a:1\r\nX-Consul-Token:  t \r\nContent-Length: 12\r\n\r\n';

  it('is read with its fields and the size of its body', () => {
    expect(readPlainHead(common)).toEqual({
      method: 'PUT',
      url: '/v1/kv/a?x=%20',
      rawHeaders: ['Host', 'a:1', 'X-Consul-Token', 't', 'Content-Length', '12'],
      length: 12,
    });
  });

  it('may have an address with bytes beyond ASCII, which are escaped', () => {
    const head = readPlainHead(common.replace('kv/a', 'kv/\xc3\xa4'));
    expect(head?.url).toBe('/v1/kv/%C3%A4?x=%20');
  });

  it.each([
    ['a method that is rare', common.replace('PUT', 'HEAD')],
    ['an earlier version', common.replace('1.1', '1.0')],
    ['an absolute address', common.replace('/v1', 'http://a/v1')],
    ['an address with other characters', common.replace('%20', '\x7f')],
    ['no host', common.replace('Host', 'Hast')],
    ['two sizes', common.replace('\r\n\r\n', '\r\nContent-Length: 12\r\n\r\n')],
    ['a size that is none', common.replace('12', '+12')],
    ['chunks', common.replace('Content-Length: 12', 'Transfer-Encoding: chunked')],
    ['a wish to be asked first', common.replace('X-Consul-Token', 'Expect')],
    ['another protocol', common.replace('X-Consul-Token', 'Upgrade')],
    ['an end of the connection', common.replace('X-Consul-Token:  t', 'Connection: close')],
    ['a folded line', common.replace('\r\nX', '\r\n X')],
    ['a bare line feed', common.replace('\r\nX', '\nX')],
    ['a space before the colon', common.replace('Host:', 'Host :')],
    ['bytes beyond ASCII', common.replace('  t ', ' \xe4')],
    ['a zero byte', common.replace('  t ', ' \0')],
    ['too many fields', common.replace('\r\n\r\n', `\r\n${'A: b\r\n'.repeat(100)}\r\n`)],
    ['no end', common.slice(0, -2)],
  ])('has not %s', (_, text) => {
    expect(readPlainHead(text)).toBeUndefined();
  });

  it('is told from a long one that is none in one pass', () => {
    // A pattern that could read it in several ways would take hours.
    expect(readPlainHead(`GET / HTTP/1.1\r\nHost:${' \t'.repeat(32_000)}\x01\r\n\r\n`)).toBeUndefined();
  });

  it('is read as Node reads it', async () => {
    const piece = fc.constantFrom(
      ...[
        'GET ',
        'PUT ',
        '/',
        '/v1/kv/a',
        '?b=c',
        ' ',
        ' HTTP/1.1',
        '\r\n',
        '\r',
        '\n',
        ':',
        ': ',
        '\t',
        ',',
      ],
      ...[
        'Host: a\r\n',
        'host:b\r\n',
        'Content-Length: 3\r\n',
        'Content-Length',
        'Connection: keep-alive\r\n',
      ],
      ...[
        'Cookie: a\r\n',
        'cookie: b\r\n',
        'X-A: 1\r\n',
        'x-a: 2\r\n',
        'Authorization: x\r\n',
        'TE: x\r\n',
        'a',
        '0',
      ],
      ...[
        'authorization: y\r\n',
        'Transfer-Encoding: x\r\n',
        '\xe4',
        '\0',
        'User-Agent: u\r\n',
        'user-agent: v\r\n',
      ],
    );
    const head = fc
      .tuple(fc.array(piece, { maxLength: 4 }), fc.array(piece, { maxLength: 9 }), fc.boolean())
      .map(([line, fields, isUsual]) =>
        [isUsual ? 'GET /v1/kv/a HTTP/1.1\r\nHost: a\r\n' : line.join(''), ...fields, '\r\n'].join(''),
      );
    let read = 0;
    await fc.assert(
      fc.asyncProperty(head, async (text) => {
        const own = readPlainHead(text);
        // Node knows no bytes in an address.
        if (own === undefined || own.url.includes('%')) return;
        read++;
        const node = await byNode(text + 'x'.repeat(own.length));
        const { method, url, rawHeaders } = own;
        expect({ method, url, rawHeaders, headers: { ...headersOf(rawHeaders) } }).toEqual({
          method: node?.method,
          url: node?.url,
          rawHeaders: node?.rawHeaders,
          headers: { ...node?.headers },
        });
      }),
      { numRuns: 1500 },
    );
    expect(read).toBeGreaterThan(50);
  });
});
