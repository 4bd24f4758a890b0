import zlib from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Compressor, chooseCoding } from './compression.ts';
import { createMemory, OUT, READ, SCRATCH } from './memory.ts';

describe('compression', () => {
  it.each([
    ['gzip', 'gzip'],
    ['deflate, GZIP;q=0.5', 'gzip'],
    ['gzip;q=0', undefined],
    ['identity', undefined],
    ['', undefined],
    ['br;q=0.1, gzip', 'br'],
  ])('of Accept-Encoding: %s takes %s', (accepted, expected) => {
    expect(chooseCoding(accepted)?.name).toBe(expected);
  });

  it.each([
    ['gzip', zlib.gunzipSync],
    ['br', zlib.brotliDecompressSync],
  ] as const)(
    '%s: what comes out is what went in, however it was cut, and every piece at once',
    (name, unpack) => {
      const memory = createMemory();
      fc.assert(
        fc.property(fc.array(fc.uint8Array({ maxLength: 3_000 }), { maxLength: 5 }), (pieces) => {
          const compressor = new Compressor(chooseCoding(name)!);
          const sent: Uint8Array[] = [];
          const write = (bytes: Uint8Array, isLast: boolean) => {
            memory.set(bytes, READ);
            const end = compressor.write(memory, READ, READ + bytes.length, OUT, SCRATCH, isLast);
            sent.push(memory.slice(OUT, end));
          };
          for (const piece of pieces) write(piece, false);
          write(new Uint8Array(), true);
          compressor.close();
          compressor.close();
          expect(unpack(Buffer.concat(sent))).toEqual(Buffer.concat(pieces));
        }),
        { numRuns: 50 },
      );
    },
  );

  it('has room for a whole read of what cannot be compressed', () => {
    const memory = createMemory();
    const noise = new Uint8Array(65_536).map((_, i) => (i * 2_654_435_761) >>> 13);
    memory.set(noise, READ);
    const compressor = new Compressor(chooseCoding('gzip')!);
    const end = compressor.write(memory, READ, READ + noise.length, OUT, SCRATCH, true);
    expect(zlib.gunzipSync(memory.subarray(OUT, end))).toEqual(Buffer.from(noise));
    compressor.close();
  });
});
