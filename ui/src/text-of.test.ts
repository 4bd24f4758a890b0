import fc from 'fast-check';
import { expect, it } from 'vitest';
import { readableTextOf } from './text-of.ts';

const base64 = (bytes: Uint8Array | string) => Buffer.from(bytes).toString('base64');

it('shows text as it is, markup and other alphabets too', () => {
  for (const text of ['', '7f3a2c', '<img src=x onerror=alert(1)>', 'Grüße, 世界\n\tzwei', '🚀'])
    expect(readableTextOf(base64(text))).toBe(text);
});

it('takes nothing for text that is none', () => {
  for (const bytes of [[0], [0xff, 0xfe], [27, 91, 51, 49], [0xc3], [0x61, 0x7f], [0xc2, 0x85]])
    expect(readableTextOf(base64(Uint8Array.from(bytes)))).toBeUndefined();
});

it('never throws, and never shows what cannot be seen', () => {
  fc.assert(
    fc.property(fc.uint8Array(), (bytes) => {
      const text = readableTextOf(base64(bytes));
      if (text !== undefined) expect(Buffer.from(text).equals(Buffer.from(bytes))).toBe(true);
    }),
  );
});
