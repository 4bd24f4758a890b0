import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cutOutput, Tail } from './output.ts';

describe('output', () => {
  it('says how much was cut', () => {
    expect(cutOutput('0123456789', 10)).toBe('0123456789');
    expect(cutOutput('0123456789a', 10)).toBe('0123456789 ... (captured 10 of 11 bytes)');
  });

  it('keeps the last bytes of a stream, however it is cut into pieces', () => {
    fc.assert(
      fc.property(
        fc.array(fc.string({ unit: 'binary-ascii', maxLength: 30 }), { maxLength: 100 }),
        fc.integer({ min: 1, max: 50 }),
        (pieces, max) => {
          const tail = new Tail(max);
          for (const piece of pieces) tail.write(Buffer.from(piece));
          expect(tail.toString()).toBe(pieces.join('').slice(-max));
          expect(tail.total).toBe(pieces.join('').length);
        },
      ),
    );
  });
});
