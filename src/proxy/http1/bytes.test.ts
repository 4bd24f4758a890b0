import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { areText, CLASS, TAB, VALUE } from './bytes.ts';

describe('four bytes at once', () => {
  it('are text when each of them is', () => {
    const view = new DataView(new ArrayBuffer(4));
    // Bytes at the edges of what is let through, most of the time.
    const byte = fc.oneof(fc.constantFrom(0, 9, 31, 32, 126, 127, 128, 159, 160, 254, 255), fc.nat(255));
    fc.assert(
      fc.property(fc.tuple(byte, byte, byte, byte), (bytes) => {
        bytes.forEach((one, i) => {
          view.setUint8(i, one);
        });
        const each = bytes.every((one) => one !== TAB && (CLASS[one]! & VALUE) !== 0);
        expect(areText(view.getInt32(0, true))).toBe(each);
      }),
      { numRuns: 20_000 },
    );
  });
});
