import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { latin1, textOf } from '../../http1/bytes.ts';
import { Decoder } from './decoder.ts';
import { Encoder } from './encoder.ts';
import { FieldBlock } from './field-block.ts';
import { AUTHORITY, METHOD, PATH, SCHEME } from './field-name.ts';
import { decodeHuffman, encodeHuffman, huffmanLength } from './huffman.ts';

const bytesOf = (hex: string) => Uint8Array.from(Buffer.from(hex.replaceAll(' ', ''), 'hex'));
const linesOf = (block: FieldBlock) => textOf(block.lines, 0, block.end);
const pseudoOf = (block: FieldBlock, kind: number) => {
  const out = new Uint8Array(1_000);
  return textOf(out, 0, block.put(kind, out, 0));
};

describe('the Huffman code', () => {
  it.each([
    ['www.example.com', 'f1e3c2e5f23a6ba0ab90f4ff'],
    ['no-cache', 'a8eb10649cbf'],
    ['custom-value', '25a849e95bb8e8b4bf'],
    ['Mon, 21 Oct 2013 20:13:21 GMT', 'd07abe941054d444a8200595040b8166e082a62d1bff'],
  ])('is that of RFC 7541: %s', (text, hex) => {
    const out = new Uint8Array(100);
    const plain = latin1(text);
    expect(Buffer.from(out.subarray(0, encodeHuffman(plain, 0, plain.length, out, 0))).toString('hex')).toBe(
      hex,
    );
    const coded = bytesOf(hex);
    expect(textOf(out, 0, decodeHuffman(coded, 0, coded.length, out, 0))).toBe(text);
  });

  it('gives any bytes back', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        const coded = new Uint8Array(2_000);
        const end = encodeHuffman(bytes, 0, bytes.length, coded, 5);
        expect(end - 5).toBe(huffmanLength(bytes, 0, bytes.length));
        const out = new Uint8Array(400);
        expect(decodeHuffman(coded, 5, end, out, 3)).toBe(3 + bytes.length);
        expect(out.subarray(3, 3 + bytes.length)).toEqual(bytes);
      }),
    );
  });

  it('takes any bytes, and from those that are a text of it the text alone', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
        const out = new Uint8Array(100);
        const end = decodeHuffman(bytes, 0, bytes.length, out, 0);
        if (end < 0) return;
        const again = new Uint8Array(100);
        const length = encodeHuffman(out, 0, end, again, 0);
        expect(again.subarray(0, length)).toEqual(bytes);
      }),
      { numRuns: 2_000 },
    );
  });

  it.each([
    ['padding of a whole byte', '1fff'],
    ['padding of zeros', '18'],
    ['the end of the string', 'ffffffff'],
  ])('refuses %s', (_, hex) => {
    const coded = bytesOf(hex);
    expect(decodeHuffman(coded, 0, coded.length, new Uint8Array(10), 0)).toBe(-1);
  });
});

describe('a decoder', () => {
  // RFC 7541 appendix C.4
  it('reads the requests of the RFC, one behind the other', () => {
    const decoder = new Decoder(4_096);
    const block = new FieldBlock();
    const read = (hex: string) => {
      const bytes = bytesOf(hex);
      expect(decoder.decode(bytes, 0, bytes.length, block)).toBe(true);
      expect(block.isRequest).toBe(true);
      return (
        [METHOD, SCHEME, PATH, AUTHORITY].map((kind) => pseudoOf(block, kind)).join(' ') + linesOf(block)
      );
    };
    expect(read('8286 8441 8cf1 e3c2 e5f2 3a6b a0ab 90f4 ff')).toBe('GET http / www.example.com');
    expect(read('8286 84be 5886 a8eb 1064 9cbf')).toBe(
      'GET http / www.example.comcache-control: no-cache\r\n',
    );
    expect(read('8287 85bf 4088 25a8 49e9 5ba9 7d7f 8925 a849 e95b b8e8 b4bf')).toBe(
      'GET https /index.html www.example.comcustom-key: custom-value\r\n',
    );
  });

  // RFC 7541 appendix C.6
  it('reads the answers of the RFC, with a table in which there is room for three', () => {
    const decoder = new Decoder(256);
    const block = new FieldBlock();
    const read = (hex: string) => {
      const bytes = bytesOf(hex);
      expect(decoder.decode(bytes, 0, bytes.length, block)).toBe(true);
      expect(block.isAnswer).toBe(true);
      return `${block.status} ${linesOf(block)}`;
    };
    const date = (second: number) => `date: Mon, 21 Oct 2013 20:13:${second} GMT\r\n`;
    const location = 'location: https://www.example.com\r\n';
    const cacheControl = 'cache-control: private\r\n';
    expect(
      read(
        '4882 6402 5885 aec3 771a 4b61 96d0 7abe 9410 54d4 44a8 2005 9504 0b81 66e0 82a6 2d1b ff6e 919d 29ad 1718 63c7 8f0b 97c8 e9ae 82ae 43d3',
      ),
    ).toBe(`302 ${cacheControl}${date(21)}${location}`);
    expect(read('4883 640e ffc1 c0bf')).toBe(`307 ${cacheControl}${date(21)}${location}`);
    expect(
      read(
        '88c1 6196 d07a be94 1054 d444 a820 0595 040b 8166 e084 a62d 1bff c05a 839b d9ab 77ad 94e7 821d d7f2 e6c7 b335 dfdf cd5b 3960 d5af 2708 7f36 72c1 ab27 0fb5 291f 9587 3160 65c0 03ed 4ee5 b106 3d50 07',
      ),
    ).toBe(
      `200 ${cacheControl}${date(22)}${location}content-encoding: gzip\r\nset-cookie: foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1\r\n`,
    );
  });

  it.each([
    ['index 0', '80'],
    ['an index that stands for nothing', 'be'],
    ['a number without end', 'ffffffffffffff'],
    ['a string that is longer than the block', '0005 6162'],
    ['a literal without value', '0001 61'],
    ['a size that was not allowed', '3fe21f'],
    ['another size behind a field', '8220'],
    ['a string that is no Huffman code', '0081 18 0161'],
  ])('refuses %s', (_, hex) => {
    const bytes = bytesOf(hex);
    expect(new Decoder(4_096).decode(bytes, 0, bytes.length, new FieldBlock())).toBe(false);
  });

  it.each([
    ['upper case', 'A', '1'],
    ['no name', '', '1'],
    ['a space in a name', 'a b', '1'],
    ['a line end in a value', 'a', '1\r\nb: 2'],
    ['a NUL in a value', 'a', '\0'],
    ['Connection', 'connection', 'close'],
    ['Transfer-Encoding', 'transfer-encoding', 'chunked'],
    ['TE, if it is not trailers', 'te', 'gzip'],
    ['a length that is none', 'content-length', '1a'],
    ['a pseudo-header field that nobody knows', ':x', '1'],
  ])('says that a message with %s is malformed, and goes on', (_, name, value) => {
    const decoder = new Decoder(4_096);
    const block = new FieldBlock();
    const bytes = Buffer.concat([
      Buffer.from([0x40, name.length]),
      Buffer.from(name),
      Buffer.from([value.length]),
      Buffer.from(value),
    ]);
    for (const encoded of [bytes, Buffer.from([0xbe])]) {
      expect(decoder.decode(encoded, 0, encoded.length, block)).toBe(true);
      expect(block.isMalformed).toBe(true);
    }
    const plain = bytesOf('82');
    expect(decoder.decode(plain, 0, plain.length, block)).toBe(true);
    expect(block.isMalformed).toBe(false);
  });

  it('survives any bytes', () => {
    const block = new FieldBlock();
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 60 }), { maxLength: 5 }), (blocks) => {
        const decoder = new Decoder(4_096);
        for (const bytes of blocks) if (!decoder.decode(bytes, 0, bytes.length, block)) return;
      }),
      { numRuns: 5_000 },
    );
  });

  it('lets a block that is larger than any head end as one that is too large', () => {
    const decoder = new Decoder(4_096);
    const block = new FieldBlock();
    const value = Buffer.alloc(3_900, 'a');
    const kept = Buffer.concat([bytesOf('4001 61'), bytesOf('7fbd1d'), value]);
    const many = Buffer.concat([kept, Buffer.alloc(60_000, 0xbe)]);
    expect(decoder.decode(many, 0, many.length, block)).toBe(true);
    expect(block.isTooLarge).toBe(true);
    expect(block.isTrailers).toBe(false);
  });

  it('keeps no more of cookies than any head may have, however often a table is pointed at', () => {
    const decoder = new Decoder(4_096);
    const block = new FieldBlock();
    const cookie = Buffer.concat([bytesOf('60 7fa11e'), Buffer.alloc(4_000, 'c')]);
    const read = (times: number) => {
      const bytes = Buffer.concat([cookie, Buffer.alloc(times, 0xbe)]);
      expect(decoder.decode(bytes, 0, bytes.length, block)).toBe(true);
      return block.end;
    };
    expect(read(2)).toBe('cookie: '.length + 3 * 4_000 + 2 * '; '.length + '\r\n'.length);
    expect(block.isTooLarge).toBe(false);
    // More than there is room for in a string.
    expect(read(140_000)).toBeLessThanOrEqual(65_536);
    expect(block.isTooLarge).toBe(true);
  });
});

describe('an encoder', () => {
  const names = fc.constantFrom(
    'a',
    'X-Long-Name',
    'date',
    'etag',
    'cookie',
    'Set-Cookie',
    'content-length',
    'Server',
    'accept',
    'grpc-status',
  );
  const field = fc.tuple(
    names,
    fc.oneof(
      fc.constantFrom('', '0', '1', 'gzip, deflate', 'application/grpc', 'x'.repeat(500), 'y'.repeat(1_500)),
      fc.stringMatching(/^[!-~\u0080-\u00ff]{0,30}$/),
    ),
  );
  const message = fc.record({
    status: fc.constantFrom(200, 204, 404, 503),
    fields: fc.array(field, { maxLength: 12 }),
    rooms: fc.oneof(
      { weight: 5, arbitrary: fc.constant([]) },
      fc.array(fc.integer({ min: 0, max: 5_000 }), { maxLength: 3 }),
    ),
  });

  it('is understood by the decoder, whatever was said before and whatever room there is', () => {
    const out = new Uint8Array(70_000);
    const block = new FieldBlock();
    fc.assert(
      fc.property(fc.array(message, { maxLength: 12 }), (messages) => {
        const encoder = new Encoder();
        const decoder = new Decoder(4_096);
        for (const { status, fields, rooms } of messages) {
          // As a transport has it: a buffer that the next read overwrites.
          const bytes = Buffer.from(out.buffer);
          bytes.fill(0);
          for (const room of rooms) encoder.resize(room);
          encoder.begin(out, 0);
          encoder.status(status);
          for (const [name, value] of fields) encoder.text(name, value);
          expect(decoder.decode(bytes, 0, encoder.end, block)).toBe(true);
          expect(block.status).toBe(status);
          const said = fields.map(([name, value]) => [name.toLowerCase(), value] as const);
          const cookies = said.filter(([name]) => name === 'cookie').map(([, value]) => value);
          const expected = [
            ...said.filter(([name]) => name !== 'cookie'),
            ...(cookies.length > 0 ? [['cookie', cookies.join('; ')] as const] : []),
          ];
          expect(linesOf(block)).toBe(expected.map(([name, value]) => `${name}: ${value}\r\n`).join(''));
        }
      }),
      { numRuns: 300 },
    );
  });

  it('says in one byte what came twice before, and never keeps what is secret', () => {
    const encoder = new Encoder();
    const out = new Uint8Array(1_000);
    const length = (name: string, value: string) => {
      encoder.begin(out, 0);
      encoder.text(name, value);
      return encoder.end;
    };
    for (const [name, value] of [
      ['x-kind', 'something'],
      ['server', 'nginx'],
    ] as const) {
      expect(length(name, value)).toBeGreaterThan(1);
      expect(length(name, value)).toBeGreaterThan(1);
      expect(length(name, value)).toBe(1);
    }
    for (let i = 0; i < 3; i++) expect(length('set-cookie', 'secret')).toBeGreaterThan(1);
    expect(out[0]! & 0xf0).toBe(0x10);
  });

  it('does not take one field for another that stood in its place', () => {
    const encoder = new Encoder();
    const decoder = new Decoder(4_096);
    const out = Buffer.alloc(1_000);
    const block = new FieldBlock();
    const read = (name: string, value: string) => {
      encoder.begin(out, 0);
      encoder.text(name, value);
      expect(decoder.decode(out, 0, encoder.end, block)).toBe(true);
      expect(linesOf(block)).toBe(`${name.toLowerCase()}: ${value}\r\n`);
    };
    for (let i = 0; i < 3; i++) read('X-Kind', 'one');
    for (const [name, value] of [
      ['x-kind', 'two'],
      ['x-kine', 'one'],
      ['x-kin', 'done'],
      ['X-KIND', 'one'],
    ] as const)
      read(name, value);
    // Pushed out of the table, while it is what is expected.
    encoder.resize(0);
    encoder.resize(4_096);
    read('x-kind', 'one');
  });
});
