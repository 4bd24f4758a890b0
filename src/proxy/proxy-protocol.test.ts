import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { addressBytes, addressText } from '../lib/ip.ts';
import { type Endpoint, encodeProxyV1, encodeProxyV2, parseProxyHeader } from './proxy-protocol.ts';

const port = fc.nat(65_535);
const endpoint = fc.record({ address: fc.oneof(fc.ipV4(), fc.ipV6()), port });
const normal = ({ address, port }: Endpoint): Endpoint => ({
  address: addressText(addressBytes(address) as Uint8Array),
  port,
});
const parse = (bytes: Uint8Array) => parseProxyHeader(bytes, 0, bytes.length);

describe.each([
  ['version 1', encodeProxyV1],
  ['version 2', encodeProxyV2],
])('%s', (_, encode) => {
  it('comes back as it was written, with whatever follows it', () => {
    fc.assert(
      fc.property(endpoint, endpoint, fc.uint8Array({ maxLength: 50 }), (source, destination, rest) => {
        const header = encode(source, destination);
        const parsed = parse(Buffer.concat([header, rest]));
        expect(parsed).toEqual({
          length: header.length,
          ends: { source: normal(source), destination: normal(destination) },
        });
      }),
    );
  });

  it('is waited for, byte by byte', () => {
    fc.assert(
      fc.property(endpoint, endpoint, (source, destination) => {
        const header = encode(source, destination);
        for (let end = 0; end < header.length; end++) expect(parseProxyHeader(header, 0, end)).toBe('more');
      }),
    );
  });

  it('with one byte changed is never longer than it was, and never breaks the parser', () => {
    fc.assert(
      fc.property(endpoint, endpoint, fc.nat(), fc.nat(255), (source, destination, at, byte) => {
        const header = encode(source, destination);
        header[at % header.length] = byte;
        const parsed = parse(header);
        if (typeof parsed !== 'string') expect(parsed.length).toBeLessThanOrEqual(header.length);
      }),
    );
  });
});

describe('headers of others', () => {
  const v2 = (...parts: (string | number[])[]) =>
    Buffer.concat([
      Buffer.from('0d0a0d0a000d0a515549540a', 'hex'),
      ...parts.map((part) => Buffer.from(part as string, 'latin1')),
    ]);

  it.each([
    ['PROXY TCP4 1.2.3.4 5.6.7.8 1 2\r\nhi', 32],
    ['PROXY UNKNOWN\r\n', 15],
    ['PROXY UNKNOWN ffff:f::1 what ever\r\n', 35],
  ])('are understood: %j', (text, length) => {
    expect(parse(Buffer.from(text))).toMatchObject({ length });
  });

  it('tell of local connections and of families without an address', () => {
    expect(parse(v2([0x20, 0x00, 0, 0]))).toEqual({ length: 16, ends: undefined });
    expect(parse(v2([0x21, 0x00, 0, 0]))).toEqual({ length: 16, ends: undefined });
  });

  it('may have extensions', () => {
    const header = encodeProxyV2({ address: '1.2.3.4', port: 5 }, { address: '6.7.8.9', port: 10 });
    const extended = Buffer.concat([header, Buffer.from([0x05, 0, 2, 1, 2])]);
    extended.writeUInt16BE(17, 14);
    expect(parse(extended)).toMatchObject({ length: 33, ends: { source: { address: '1.2.3.4' } } });
    extended.writeUInt16BE(3, 31 - 4 + 1);
    expect(parse(extended)).toBe('invalid');
  });

  it.each([
    'GET / HTTP/1.1\r\n',
    'PROXY TCP4 1.2.3.4 5.6.7.8 1 2\n',
    'PROXY TCP4 1.2.3.4  5.6.7.8 1 2\r\n',
    'PROXY TCP4 ::1 ::1 1 2\r\n',
    'PROXY TCP6 1.2.3.4 1.2.3.4 1 2\r\n',
    'PROXY TCP4 1.2.3.4 5.6.7.8 01 2\r\n',
    'PROXY TCP4 1.2.3.4 5.6.7.8 1 65536\r\n',
    'PROXY TCP4 1.2.3.4 5.6.7.8 1\r\n',
    'PROXY UNKNOWNX\r\n',
    `PROXY UNKNOWN ${'x'.repeat(100)}\r\n`,
    'proxy TCP4 1.2.3.4 5.6.7.8 1 2\r\n',
  ])('are refused: %j', (text) => {
    expect(parse(Buffer.from(text))).toBe('invalid');
  });

  it('of version 2 are refused when their lengths, family or command are wrong', () => {
    expect(parse(v2([0x11, 0x11, 0, 12], 'x'.repeat(12)))).toBe('invalid');
    expect(parse(v2([0x21, 0x41, 0, 12], 'x'.repeat(12)))).toBe('invalid');
    expect(parse(v2([0x21, 0x11, 0, 11], 'x'.repeat(11)))).toBe('invalid');
    expect(parse(v2([0x21, 0x11, 0xff, 0xff]))).toBe('invalid');
  });

  it('never break the parser', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), fc.boolean(), (noise, signed) => {
        const bytes = signed ? v2([...noise]) : Buffer.concat([Buffer.from('PROXY '), noise]);
        const parsed = parse(bytes);
        if (typeof parsed !== 'string') expect(parsed.length).toBeLessThanOrEqual(bytes.length);
      }),
      { numRuns: 2_000 },
    );
  });
});
