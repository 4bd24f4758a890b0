import fc from 'fast-check';
import { expect, it } from 'vitest';
import { jsonPieces } from './pieces.ts';

it('the pieces together are the whole, none of them has more than some items', () => {
  const list = fc.nat(700).map((length) => Array.from({ length }, (_, item) => ({ item, text: '[",]' })));
  const value = fc.oneof(list, fc.string(), fc.constant(undefined), fc.constant(null), fc.array(fc.nat()));
  fc.assert(
    fc.property(fc.dictionary(fc.string(), value, { maxKeys: 5 }), (object) => {
      const pieces = [...jsonPieces(object)];
      expect(pieces.join('')).toBe(JSON.stringify(object));
      for (const piece of pieces) expect(piece.split('"item":').length).toBeLessThanOrEqual(129);
    }),
  );
});
