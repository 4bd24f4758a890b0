import fc from 'fast-check';
import { expect, it } from 'vitest';
import { GrowingBuffer } from './growing-buffer.ts';

it('has all pieces one behind the other, however large they are', () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 2_000, size: 'max' }), { maxLength: 20 }), (pieces) => {
      const buffer = new GrowingBuffer();
      for (const piece of pieces) buffer.append(piece);
      expect(buffer.bytes.equals(Buffer.concat(pieces))).toBe(true);
    }),
  );
});
