import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MsgpackError, MsgpackReader, type Packed, PackedExtension } from './msgpack.ts';
import { MsgpackWriter, type Packable, pack } from './msgpack-write.ts';

const read = (bytes: Buffer): Packed => new MsgpackReader(bytes).read();
const of = (...bytes: number[]) => Buffer.from(bytes);

describe('a value', () => {
  // From the table of formats of the specification, the first and the last of each.
  it.each<[Buffer, Packed]>([
    [of(0x00), 0],
    [of(0x7f), 127],
    [of(0xe0), -32],
    [of(0xff), -1],
    [of(0xc0), null],
    [of(0xc2), false],
    [of(0xc3), true],
    [of(0xcc, 0xff), 255],
    [of(0xcd, 0xff, 0xfe), 65534],
    [of(0xce, 0xff, 0xff, 0xff, 0xff), 2 ** 32 - 1],
    [of(0xcf, 0, 0, 0, 0, 0, 0, 0, 9), 9],
    [of(0xcf, 0, 0x20, 0, 0, 0, 0, 0, 0), 2n ** 53n],
    [of(0xcf, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff), 2n ** 64n - 1n],
    [of(0xd0, 0x80), -128],
    [of(0xd1, 0x80, 0), -32768],
    [of(0xd2, 0x80, 0, 0, 0), -(2 ** 31)],
    [of(0xd3, 0x80, 0, 0, 0, 0, 0, 0, 0), -(2n ** 63n)],
    [of(0xca, 0x3f, 0x80, 0, 0), 1],
    [of(0xcb, 0x3f, 0xb9, 0x99, 0x99, 0x99, 0x99, 0x99, 0x9a), 0.1],
    [of(0xa1, 0x61), of(0x61)],
    [of(0xd9, 1, 0x61), of(0x61)],
    [of(0xda, 0, 1, 0x61), of(0x61)],
    [of(0xdb, 0, 0, 0, 1, 0x61), of(0x61)],
    [of(0xc4, 1, 0xff), of(0xff)],
    [of(0xc5, 0, 1, 0xff), of(0xff)],
    [of(0xc6, 0, 0, 0, 1, 0xff), of(0xff)],
    [of(0x92, 1, 0x91, 2), [1, [2]]],
    [of(0xdc, 0, 1, 1), [1]],
    [of(0xdd, 0, 0, 0, 1, 1), [1]],
    [of(0x81, 0xa1, 0x61, 1), new Map([['a', 1]])],
    [of(0xde, 0, 1, 0xa1, 0x61, 1), new Map([['a', 1]])],
    [of(0xdf, 0, 0, 0, 1, 0xa1, 0x61, 1), new Map([['a', 1]])],
    [of(0xd4, 5, 9), new PackedExtension(5, of(9))],
    [of(0xd5, 0xff, 9, 8), new PackedExtension(-1, of(9, 8))],
    [of(0xc7, 3, 5, 1, 2, 3), new PackedExtension(5, of(1, 2, 3))],
    [of(0xc8, 0, 1, 5, 1), new PackedExtension(5, of(1))],
    [of(0xc9, 0, 0, 0, 1, 5, 1), new PackedExtension(5, of(1))],
  ])('%j is read, and passed over', (bytes, value) => {
    const reader = new MsgpackReader(Buffer.concat([bytes, of(0xc3)]));
    expect(reader.read()).toEqual(value);
    expect(reader.read()).toBe(true);
    const other = new MsgpackReader(Buffer.concat([bytes, of(0xc3)]));
    other.skip();
    expect([other.at, other.read(), other.isAtEnd]).toEqual([bytes.length, true, true]);
  });

  it('has keys that mean nothing to JavaScript', () => {
    const map = read(pack({ ['__proto__']: { a: 1 }, constructor: 2 })) as ReadonlyMap<string, Packed>;
    expect([...map.keys()]).toEqual(['__proto__', 'constructor']);
  });
});

describe('what cannot be', () => {
  it.each([
    ['nothing', of(), 'it ends within a value'],
    ['a byte that begins nothing', of(0xc1), 'no value begins with the byte 0xc1'],
    ['a text that is cut off', of(0xa2, 0x61), 'it ends within a value'],
    ['a list of more than there is', of(0xdd, 0xff, 0xff, 0xff, 0xff), 'it ends within a value'],
    ['a map of more than there is', of(0xdf, 0x7f, 0xff, 0xff, 0xff, 1), 'it ends within a value'],
    ['a text of more than there is', of(0xdb, 0xff, 0xff, 0xff, 0xff), 'it ends within a value'],
    ['a key that is a number', of(0x81, 1, 1), 'a key that is no string'],
    ['a thousand levels', Buffer.alloc(1001, 0x91), 'more than 64 levels'],
    [
      'a million elements and one',
      Buffer.concat([of(0xdd, 0, 0x0f, 0x42, 0x41), Buffer.alloc(1_000_001)]),
      'elements',
    ],
  ])('%s is an error', (_what, bytes, words) => {
    expect(() => read(bytes)).toThrow(MsgpackError);
    expect(() => read(bytes)).toThrow(words);
  });

  it('is passed over however deep it goes, as nothing is made of it', () => {
    const reader = new MsgpackReader(Buffer.concat([Buffer.alloc(100_000, 0x91), of(0xc0, 7)]));
    reader.skip();
    expect(reader.read()).toBe(7);
  });
});

it('whatever is written is read, and ends where it was to end', () => {
  const value = fc.letrec<{ any: Packable }>((tie) => ({
    any: fc.oneof(
      { maxDepth: 4 },
      fc.constantFrom(null, true, false),
      fc.integer(),
      fc.bigInt({ min: -(2n ** 63n), max: 2n ** 64n - 1n }),
      fc.double({ noNaN: true }),
      fc.string(),
      fc.uint8Array({ maxLength: 300 }),
      fc.array(tie('any'), { maxLength: 20 }),
      fc.dictionary(fc.string(), tie('any'), { maxKeys: 20 }),
    ),
  })).any;
  const expected = (one: Packable): Packed => {
    if (typeof one === 'string' || one instanceof Uint8Array) return Buffer.from(one as string);
    if (typeof one === 'bigint') return Number.isSafeInteger(Number(one)) ? Number(one) : one;
    if (Array.isArray(one)) return (one as Packable[]).map(expected);
    if (typeof one !== 'object' || one === null) return one as Packed;
    return new Map(Object.entries(one).map(([name, inner]) => [name, expected(inner as Packable)]));
  };
  fc.assert(
    fc.property(value, (one) => {
      const bytes = pack(one);
      const reader = new MsgpackReader(bytes);
      expect(reader.read()).toEqual(expected(one));
      expect(reader.at).toBe(bytes.length);
    }),
  );
});

it('what is taken piece by piece is what would be taken at once', () => {
  const values = fc.array(
    fc.tuple(fc.oneof(fc.string(), fc.uint8Array({ maxLength: 3000 }), fc.integer()), fc.boolean()),
  );
  fc.assert(
    fc.property(values, fc.integer({ min: 1, max: 100 }), (all, room) => {
      const writer = new MsgpackWriter(room);
      const pieces: Buffer[] = [];
      for (const [value, isTaken] of all) {
        const before = writer.size;
        writer.put(value);
        expect(writer.size - before).toBe(pack(value).length);
        if (isTaken) pieces.push(writer.take());
      }
      pieces.push(writer.take());
      expect(writer.size).toBe(0);
      expect(Buffer.concat(pieces)).toEqual(Buffer.concat(all.map(([value]) => pack(value))));
    }),
  );
});

it('whatever comes is read or refused', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      for (const how of ['read', 'skip'] as const) {
        try {
          new MsgpackReader(Buffer.from(bytes))[how]();
        } catch (error) {
          expect(error).toBeInstanceOf(MsgpackError);
        }
      }
    }),
    { numRuns: 2_000 },
  );
});
