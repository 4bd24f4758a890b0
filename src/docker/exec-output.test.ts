import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { demultiplexer } from './exec-output.ts';

/** A piece of output as the engine sends it; stream 1 is standard output, 2 standard error. */
function piece(stream: number, text: string): Buffer {
  const content = Buffer.from(text);
  const header = Buffer.from([stream, 0, 0, 0, 0, 0, 0, 0]);
  header.writeUInt32BE(content.length, 4);
  return Buffer.concat([header, content]);
}

describe('output of an exec', () => {
  it('is the same however it is cut into chunks', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.constantFrom(1, 2), fc.string({ maxLength: 40 }))),
        fc.array(fc.nat(60)),
        (pieces, cuts) => {
          const stream = Buffer.concat(pieces.map(([number, text]) => piece(number, text)));
          let output = '';
          const split = demultiplexer((chunk) => {
            output += chunk.toString('latin1');
          });
          let at = 0;
          for (const cut of cuts) {
            split(stream.subarray(at, at + cut));
            at += cut;
          }
          split(stream.subarray(at));
          expect(output).toBe(Buffer.from(pieces.map(([, text]) => text).join('')).toString('latin1'));
        },
      ),
    );
  });
});
