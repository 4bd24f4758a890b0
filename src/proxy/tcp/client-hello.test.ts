import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { connect } from 'node:tls';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { HelloScan, MAX_HELLO, parseClientHello } from './client-hello.ts';

/** What Node's own client says first. */
async function helloOf(options: object): Promise<Buffer> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  const client = connect({ host: '127.0.0.1', port, ...options });
  client.on('error', () => {});
  const [socket] = (await once(server, 'connection')) as [Socket];
  const [hello] = (await once(socket, 'data')) as [Buffer];
  client.destroy();
  socket.destroy();
  server.close();
  return hello;
}

const parse = (bytes: Uint8Array) => parseClientHello(bytes, 0, bytes.length);
const vector = (size: 1 | 2 | 3, bytes: Uint8Array): Buffer => {
  const head = Buffer.alloc(size);
  head.writeUIntBE(bytes.length, 0, size);
  return Buffer.concat([head, bytes]);
};

const extension = (type: number, value: Uint8Array) =>
  Buffer.concat([Buffer.from([type >> 8, type & 255]), vector(2, value)]);
const nameExtension = (...names: [type: number, name: string][]) =>
  extension(
    0,
    vector(
      2,
      Buffer.concat(
        names.map(([type, name]) => Buffer.concat([Buffer.from([type]), vector(2, Buffer.from(name))])),
      ),
    ),
  );

function hello(extensions: Uint8Array[], { cut = 16_384, type = 1 } = {}): Buffer {
  const body = Buffer.concat([
    Buffer.from([3, 3]),
    Buffer.alloc(32, 7),
    vector(1, Buffer.alloc(32)),
    vector(2, Buffer.from([0x13, 0x01])),
    vector(1, Buffer.from([0])),
    vector(2, Buffer.concat(extensions)),
  ]);
  const message = Buffer.concat([Buffer.from([type]), vector(3, body)]);
  const records: Buffer[] = [];
  for (let at = 0; at < message.length; at += cut)
    records.push(Buffer.concat([Buffer.from([22, 3, 1]), vector(2, message.subarray(at, at + cut))]));
  return Buffer.concat(records);
}

const label = fc.stringMatching(/^[a-zA-Z0-9-]{1,20}$/);
const name = fc.array(label, { minLength: 1, maxLength: 5 }).map((labels) => labels.join('.'));
const others = fc.array(
  fc.record({ type: fc.integer({ min: 1, max: 65_535 }), value: fc.uint8Array({ maxLength: 40 }) }),
  { maxLength: 5 },
);

describe('the hello of a TLS client', () => {
  it("of Node's names its server, or none", async () => {
    expect(parse(await helloOf({ servername: 'One.Test' }))).toEqual({ serverName: 'one.test' });
    expect(parse(await helloOf({ servername: 'two.test', maxVersion: 'TLSv1.2' }))).toEqual({
      serverName: 'two.test',
    });
    expect(parse(await helloOf({ servername: '' }))).toEqual({ serverName: '' });
  });

  it('tells its name wherever the extension stands and however it is cut into records', () => {
    fc.assert(
      fc.property(name, others, fc.nat(5), fc.integer({ min: 1, max: 300 }), (server, around, at, cut) => {
        const extensions = around.map(({ type, value }) => extension(type, value));
        extensions.splice(at, 0, nameExtension([0, server]));
        expect(parse(hello(extensions, { cut }))).toEqual({ serverName: server.toLowerCase() });
      }),
    );
  });

  it('is the same in pieces as whole, wherever it is cut, and whatever it is', () => {
    const whole = hello([nameExtension([0, 'a.test'])], { cut: 20 });
    fc.assert(
      fc.property(fc.nat(whole.length - 1), fc.nat(255), fc.integer({ min: 1, max: 9 }), (at, byte, step) => {
        const bytes = Buffer.from(whole);
        bytes[at] = byte;
        const scan = new HelloScan();
        let found: ReturnType<HelloScan['scan']> = 'more';
        for (let end = step; found === 'more' && end < bytes.length + step; end += step)
          found = scan.scan(bytes.subarray(0, end));
        expect(found).toEqual(parse(bytes));
      }),
    );
  });

  it('is given up at its limit, however small its pieces and records, without being read again with each', () => {
    // 11,000 records of a byte each.
    const endless = hello([extension(7, Buffer.alloc(60_000))], { cut: 1 }).subarray(0, MAX_HELLO);
    const scan = new HelloScan();
    let looked = 0;
    const counted = (end: number) =>
      new Proxy(endless.subarray(0, end), {
        get(bytes, name) {
          looked++;
          const value = Reflect.get(bytes, name, bytes);
          return typeof value === 'function' ? value.bind(bytes) : value;
        },
      });
    for (let end = 1; end < MAX_HELLO; end += 7) expect(scan.scan(counted(end))).toBe('more');
    expect(looked).toBeLessThan(20 * MAX_HELLO);
  });

  it('is waited for, byte by byte', () => {
    const whole = hello([nameExtension([0, 'a.test'])], { cut: 50 });
    for (let end = 0; end < whole.length; end++) expect(parseClientHello(whole, 0, end)).toBe('more');
    expect(parse(Buffer.concat([whole, Buffer.from('more')]))).toEqual({ serverName: 'a.test' });
  });

  it.each([
    ['two names', [nameExtension([0, 'a.test'], [0, 'b.test'])]],
    ['the extension twice', [nameExtension([0, 'a.test']), nameExtension([0, 'a.test'])]],
    ['an empty name', [nameExtension([0, ''])]],
    ['an empty list', [nameExtension()]],
    ['a name with a dot at its end', [nameExtension([0, 'a.test.'])]],
    ['a name with a zero byte', [nameExtension([0, 'a\0.test'])]],
    ['a name that is too long', [nameExtension([0, 'a'.repeat(254)])]],
    ['a list that is cut off', [extension(0, Buffer.from([0, 9, 0, 0, 1]))]],
    ['an extension that is cut off', [Buffer.from([0, 0, 0, 9, 1])]],
  ])('is refused with %s', (_, extensions) => {
    expect(parse(hello(extensions))).toBe('invalid');
  });

  it('is refused when it is something else', () => {
    expect(parse(Buffer.from('GET / HTTP/1.1\r\n'))).toBe('invalid');
    expect(parse(Buffer.from([22, 2]))).toBe('invalid');
    expect(parse(Buffer.from([22, 3, 1, 0, 0]))).toBe('invalid');
    expect(parse(hello([], { type: 2 }))).toBe('invalid');
    // 16 MB of it: nobody waits for that.
    expect(parse(Buffer.from([22, 3, 1, 0x40, 0, 1, 0xff, 0xff, 0xff]))).toBe('invalid');
  });

  it('never breaks the parser', () => {
    const good = hello([nameExtension([0, 'a.test'])]);
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(good.length - 1), fc.nat(255)), { maxLength: 8 }), (changes) => {
        const bytes = Buffer.from(good);
        for (const [at, byte] of changes) bytes[at] = byte;
        const parsed = parse(bytes);
        if (typeof parsed !== 'string') expect(parsed.serverName.length).toBeLessThanOrEqual(253);
      }),
      { numRuns: 3_000 },
    );
  });
});
