import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatUint64, parseUint64 } from './json-uint64.ts';

describe('numbers of 64 bits in JSON', () => {
  it('are read exactly, and written as they were', () => {
    const row = fc.record({
      Key: fc.oneof(fc.string(), fc.constant('{"Flags":18446744073709551615,"a":1}')),
      Flags: fc.oneof(fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), fc.constant(3304740253564472344n)),
    });
    fc.assert(
      fc.property(fc.array(row), fc.constantFrom('', '\t', 2), (rows, indent) => {
        const text = formatUint64(rows, 'Flags', indent);
        const read = parseUint64(text, 'Flags') as { Key: string; Flags: number | bigint }[];
        expect(read.map(({ Key, Flags }) => ({ Key, Flags: BigInt(Flags) }))).toEqual(rows);
        for (const { Flags } of read)
          expect(typeof Flags).toBe(Flags > Number.MAX_SAFE_INTEGER ? 'bigint' : 'number');
        expect(formatUint64(read, 'Flags', indent)).toBe(text);
      }),
    );
  });

  it('are written as numbers', () => {
    expect(formatUint64([{ flags: 2n ** 64n - 1n }], 'flags', '')).toBe('[{"flags":18446744073709551615}]');
  });

  it('leave texts of digits alone, as in metadata of that name', () => {
    const text = '{"Flags":18446744073709551615,"Meta":{"Flags":"7"},"More":{"Flags":"1234567890123456789"}}';
    const read = parseUint64(text, 'Flags');
    expect(read).toMatchObject({ Meta: { Flags: '7' }, More: { Flags: '1234567890123456789' } });
    expect(formatUint64(read, 'Flags', '')).toBe(text);
  });

  it('leave other members and what is no JSON to JSON.parse', () => {
    expect(parseUint64('{"Flags":3,"Index":4}', 'Flags')).toEqual({ Flags: 3, Index: 4 });
    expect(() => parseUint64('{"Flags":12345678901234567890', 'Flags')).toThrow(SyntaxError);
  });
});
