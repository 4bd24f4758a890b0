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
    ['long trailers', `0\r\n${'A: bbbbbbbbbbbbbbbbbbbb\r\n'.repeat(2_000)}\r\n`],
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

describe('bytes that need not be looked at', () => {
  /** Walks a body in pieces and goes past what is ahead without a look, as far as it is told. The answer: what was looked at, and the end. */
  function pass(bytes: Uint8Array, kind: number, length: number, pieces: number[], skips: number[]) {
    const body = new Body();
    body.begin(kind, length);
    let [p, skipped] = [0, 0];
    for (let turn = 0; !body.done && !body.failed && p < bytes.length; turn++) {
      p = body.advance(bytes, p, Math.min(bytes.length, p + (pieces[turn % pieces.length] ?? 1)));
      const skip = Math.min(body.ahead, skips[turn % skips.length] ?? 0, bytes.length - p);
      if (skip > 0) body.skip(skip);
      p += skip;
      skipped += skip;
    }
    return { p, skipped, done: body.done, failed: body.failed };
  }

  const steps = fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 1, maxLength: 5 });

  it('are all of a body but its framing, and it ends where it would', () => {
    fc.assert(
      fc.property(
        fc.array(fc.string({ minLength: 1, maxLength: 90, unit: 'binary-ascii' }), {
          minLength: 1,
          maxLength: 6,
        }),
        steps,
        steps,
        (chunks, pieces, skips) => {
          const text = encode(chunks);
          const chunked = pass(latin1(`${text}GET /`), BY_CHUNKS, 0, pieces, skips);
          expect(chunked).toMatchObject({ p: text.length, done: true, failed: false });
          expect(chunked.skipped).toBeLessThanOrEqual(chunks.join('').length);
          const data = chunks.join('');
          const sized = pass(latin1(`${data}GET /`), BY_LENGTH, data.length, pieces, skips);
          expect(sized).toMatchObject({ p: data.length, done: true, failed: false });
        },
      ),
      { numRuns: 500 },
    );
  });

  it('are everything where the connection is the end, and nothing behind the end', () => {
    const body = new Body();
    body.begin(BY_CLOSE, -1);
    body.skip(1_000);
    expect([body.ahead, body.done]).toEqual([Number.POSITIVE_INFINITY, false]);
    body.begin(BY_LENGTH, 5);
    expect(body.ahead).toBe(5);
    body.skip(5);
    expect([body.ahead, body.done]).toEqual([0, true]);
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
