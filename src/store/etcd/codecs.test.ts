import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { fromText, fromTexts, toText } from '../row-text.ts';
import { fieldsOf, MessageWriter, ProtobufError } from './protobuf.ts';

it('numbers and bytes of a message come back', () => {
  fc.assert(
    fc.property(fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), fc.uint8Array(), (number, bytes) => {
      const message = new MessageWriter().oneOf(1, number).bytes(300, bytes).finish();
      const fields = [...fieldsOf(message)];
      expect(fields[0]).toMatchObject({ number: 1, int: number });
      if (bytes.length > 0) expect(fields[1]).toEqual({ number: 300, int: 0n, bytes: Buffer.from(bytes) });
    }),
  );
});

it('any bytes are read to their end or refused', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      try {
        for (const { number } of fieldsOf(Buffer.from(bytes))) expect(number).toBeGreaterThanOrEqual(0);
      } catch (error) {
        expect(error).toBeInstanceOf(ProtobufError);
      }
    }),
  );
});

it('rows come back from their text, whatever is in them', () => {
  const leaf = fc.oneof(
    fc.string(),
    fc.integer(),
    fc.boolean(),
    fc.constant(null),
    fc.bigInt(),
    fc.uint8Array().map((bytes) => Uint8Array.from(bytes)),
  );
  const key = fc.oneof(
    fc.string(),
    fc.constantFrom('__proto__', '\u0000bytes', '\u0000int', '\u0000\u0000int'),
  );
  const row = fc.dictionary(
    key,
    fc.oneof(leaf, fc.array(leaf), fc.dictionary(key, leaf, { noNullPrototype: true })),
    {
      noNullPrototype: true,
    },
  );
  fc.assert(
    fc.property(row, (value) => {
      expect(isDeepStrictEqual(fromText(toText(value)), value)).toBe(true);
    }),
  );
  fc.assert(
    fc.property(fc.array(row), (values) => {
      expect(isDeepStrictEqual(fromTexts(values.map(toText)), values)).toBe(true);
    }),
  );
});
