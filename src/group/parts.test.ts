import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LineSplitter, LONGEST_LINE } from './lines.ts';
import { nextRestart } from './restart.ts';
import { substitute } from './substitute.ts';

describe('the pause before a restart', () => {
  const policy = { base: 500, max: 30_000, resetAfter: 10_000 };

  it('grows with each crash up to the longest, and begins again after a good run', () => {
    const delays = [0, 1, 2, 3, 6, 20].map((attempt) => nextRestart(policy, attempt, 5, 1).delay);
    expect(delays).toEqual([500, 1000, 2000, 4000, 30_000, 30_000]);
    expect(nextRestart(policy, 6, 10_000, 1)).toEqual({ attempt: 1, delay: 500 });
  });

  it('is never less than half of it', () => {
    fc.assert(
      fc.property(fc.nat(100), fc.double({ min: 0, max: 0.999, noNaN: true }), (attempt, random) => {
        const { delay } = nextRestart(policy, attempt, 0, random);
        expect(delay).toBeGreaterThanOrEqual(250);
        expect(delay).toBeLessThanOrEqual(30_000);
      }),
    );
  });
});

it.each([
  ['$PORT', '8000'],
  [`a\${PORT}b`, 'a8000b'],
  ['$PORTS and $HOME2', '$PORTS and $HOME2'],
  ['$$PORT', '$PORT'],
  ['$', '$'],
  ['$toString', '$toString'],
])('%s becomes %s', (text, filled) => {
  expect(substitute(text, { PORT: '8000' })).toBe(filled);
});

describe('output in lines', () => {
  it('is the same however it arrives', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 200 }), fc.array(fc.nat(30)), (text, sizes) => {
        const bytes = Buffer.from(text);
        const lines: string[] = [];
        const splitter = new LineSplitter((line) => lines.push(line));
        let at = 0;
        for (const size of sizes) {
          splitter.write(bytes.subarray(at, at + size));
          at += size;
        }
        splitter.write(bytes.subarray(at));
        splitter.end();
        const expected = text.split('\n').map((line) => line.replace(/\r$/, ''));
        if (!text.endsWith('\n') && text.endsWith('\r')) expected[expected.length - 1] += '\r';
        if (expected[expected.length - 1] === '') expected.pop();
        expect(lines).toEqual(expected);
      }),
    );
  });

  it('a line without end is cut, not kept', () => {
    const lines: string[] = [];
    const splitter = new LineSplitter((line) => lines.push(line));
    for (let i = 0; i < 10; i++) splitter.write(Buffer.alloc(LONGEST_LINE, 'x'));
    expect(lines.length).toBeGreaterThanOrEqual(9);
    expect(lines.every((line) => line.length <= LONGEST_LINE)).toBe(true);
  });
});
