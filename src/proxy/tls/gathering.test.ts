import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { READ_SIZE } from '../http1/memory.ts';
import { Gathering } from './gathering.ts';

/** What is gathered: so many bytes of a value. */
const given = fc.record({ length: fc.integer({ min: 1, max: 2 * READ_SIZE }), value: fc.nat(255) });

describe('bytes that wait', () => {
  it('are copies, in order, whatever others gather meanwhile', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(2), fc.option(given, { nil: undefined })), { maxLength: 30 }),
        (steps) => {
          const gatherings = [new Gathering(), new Gathering(), new Gathering()];
          const wanted: number[][] = [[], [], []];
          for (const [who, what] of steps) {
            const gathering = gatherings[who]!;
            expect(gathering.length).toBe(wanted[who]!.length);
            if (what === undefined) {
              gathering.clear();
              wanted[who] = [];
              continue;
            }
            const bytes = new Uint8Array(what.length).fill(what.value);
            gathering.append(bytes);
            for (const value of bytes) wanted[who]!.push(value);
            bytes.fill(0);
          }
          for (const [who, gathering] of gatherings.entries()) {
            if (gathering.length > 0)
              expect(Buffer.compare(gathering.bytes, Uint8Array.from(wanted[who]!))).toBe(0);
            expect(gathering.length).toBe(wanted[who]!.length);
            gathering.clear();
          }
        },
      ),
    );
  });
});
