import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readBase64 } from './base64.ts';

describe('base64', () => {
  // Each asked of Go's base64.StdEncoding.
  it.each([
    ['a', 0],
    ['abcde', 4],
    ['YQ=', 3],
    ['YQ===', 4],
    ['YQ==YQ==', 4],
    ['Y=Q=', 1],
    ['ab\n', 1],
    ['ab\ncde', 5],
    ['a!bc', 1],
    ['====', 0],
    ['YWJj\nZ', 5],
    ['YWJjYQ=x', 6],
    ['YWJjYQ=\n', 8],
  ])('%j is refused where Go refuses it, at %i', (text, at) => {
    expect(readBase64(text)).toEqual({ fault: `illegal base64 data at input byte ${at}` });
  });

  it('is read whole, with line ends anywhere', () => {
    const bytes = fc.uint8Array({ maxLength: 40 });
    fc.assert(
      fc.property(bytes, fc.boolean(), fc.nat(60), (given, isUrl, cut) => {
        const text = Buffer.from(given).toString('base64');
        const [encoding, written] = isUrl
          ? (['base64url', text.replaceAll('+', '-').replaceAll('/', '_')] as const)
          : (['base64', text] as const);
        const broken = `${written.slice(0, cut)}\r\n${written.slice(cut)}\n`;
        expect(readBase64(broken, encoding)).toEqual(Buffer.from(given));
      }),
    );
  });

  it('is refused in the other alphabet', () => {
    expect(readBase64('+/+/', 'base64url')).toHaveProperty('fault');
    expect(readBase64('-_-_')).toHaveProperty('fault');
  });
});
