import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Body, BY_CHUNKS, BY_CLOSE, BY_LENGTH } from './body.ts';
import { latin1 } from './bytes.ts';

interface Outcome {
  end: number;
  done: boolean;
  failed: boolean;
  data: string;
}

/** Walks `bytes` cut at `cuts` and says where the body ended and what it was. */
function walk(bytes: Uint8Array, cuts: number[], kind = BY_CHUNKS, length = 0): Outcome {
  const body = new Body();
  body.begin(kind, length);
  const memory = new Uint8Array(bytes.length * 2);
  memory.set(bytes);
  const edges = [...new Set([...cuts.map((cut) => cut % (bytes.length + 1)), bytes.length])].sort(
    (a, b) => a - b,
  );
  let p = 0;
  let data = '';
  for (const edge of edges) {
    if (body.done || body.failed) break;
    if (kind === BY_CHUNKS) {
      p = body.extract(memory, p, edge, bytes.length);
      data += String.fromCharCode(...memory.subarray(bytes.length, body.dataEnd));
    } else {
      const from = p;
      p = body.advance(memory, p, edge);
      data += String.fromCharCode(...memory.subarray(from, p));
    }
  }
  return { end: p, done: body.done, failed: body.failed, data };
}

const encode = (chunks: string[], extension = '', trailers = '') =>
  `${chunks
    .filter((c) => c !== '')
    .map((c) => `${c.length.toString(16)}${extension}\r\n${c}\r\n`)
    .join('')}0\r\n${trailers}\r\n`;

const cuts = fc.array(fc.nat(500), { maxLength: 12 });

describe('chunks', () => {
  it('give back what was put in, however they are cut, and end where they end', () => {
    fc.assert(
      fc.property(
        fc.array(fc.string({ maxLength: 40, unit: 'binary-ascii' }), { maxLength: 6 }),
        fc.constantFrom('', ';a', ';a=b', ' ; a="b c"'),
        fc.constantFrom('', 'X-T: 1\r\n', 'X-T: 1\r\nY: \r\n'),
        cuts,
        (chunks, extension, trailers, at) => {
          const text = encode(chunks, extension, trailers);
          expect(walk(latin1(`${text}GET /`), at)).toEqual({
            end: text.length,
            done: true,
            failed: false,
            data: chunks.join(''),
          });
        },
      ),
      { numRuns: 500 },
    );
  });

  it.each([
    ['a sign', '-5\r\nhello\r\n0\r\n\r\n'],
    ['a prefix', '0x5\r\nhello\r\n0\r\n\r\n'],
    ['no size', '\r\nhello\r\n0\r\n\r\n'],
    ['a leading space', ' 5\r\nhello\r\n0\r\n\r\n'],
    ['a bare LF behind the size', '5\nhello\r\n0\r\n\r\n'],
    ['a bare LF in an extension', '5;a\nhello\r\n0\r\n\r\n'],
    ['a bare LF behind the data', '5\r\nhello\n0\r\n\r\n'],
    ['more data than announced', '5\r\nhelloX\r\n0\r\n\r\n'],
    ['17 digits', '00000000000000005\r\nhello\r\n0\r\n\r\n'],
    ['2^64 - 1', 'FFFFFFFFFFFFFFFF\r\n'],
    ['white space without an extension', '5 x\r\nhello\r\n0\r\n\r\n'],
    ['a control character in an extension', '5;a\x01\r\nhello\r\n0\r\n\r\n'],
    ['a trailer without a colon', '0\r\nGET / HTTP/1.1\r\n\r\n'],
    ['a trailer that frames', '0\r\nContent-Length: 3\r\n\r\n'],
    ['a trailer that addresses', '0\r\nhOsT: x\r\n\r\n'],
    ['a folded trailer', '0\r\nA: b\r\n c\r\n\r\n'],
    ['a bare CR at the end', '0\r\n\rX'],
    ['a long extension', `5;${'a'.repeat(2_000)}\r\nhello\r\n0\r\n\r\n`],
    ['long trailers', `0\r\n${'A: bbbbbbbbbbbbbbbbbbbb\r\n'.repeat(1_000)}\r\n`],
  ])('with %s are refused', (_, text) => {
    expect(walk(latin1(text), []).failed).toBe(true);
  });

  it('are judged the same however hostile bytes are cut', () => {
    const token = fc.constantFrom(
      '0',
      '5',
      'a',
      'F',
      '\r',
      '\n',
      '\r\n',
      ';',
      ' ',
      ':',
      'x',
      'hello',
      '\0',
      'Host',
      '0\r\n\r\n',
    );
    fc.assert(
      fc.property(fc.array(token, { maxLength: 30 }), cuts, (tokens, at) => {
        const bytes = latin1(tokens.join(''));
        const whole = walk(bytes, []);
        const pieces = walk(bytes, at);
        expect([pieces.done, pieces.failed, pieces.end]).toEqual([whole.done, whole.failed, whole.end]);
        if (!whole.failed) expect(pieces.data).toBe(whole.data);
      }),
      { numRuns: 2_000 },
    );
  });
});

describe('a length', () => {
  it('ends the body where it says', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 60 }), cuts, (length, at) => {
        const outcome = walk(latin1('x'.repeat(100)), at, BY_LENGTH, length);
        expect(outcome).toMatchObject({ end: length, done: true });
      }),
    );
  });
});

describe('a body that ends with the connection', () => {
  it('takes everything and is never done by itself', () => {
    expect(walk(latin1('abc'), [1], BY_CLOSE)).toMatchObject({ end: 3, done: false, data: 'abc' });
  });
});
