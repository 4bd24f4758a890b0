import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Queue } from './areas.ts';
import { READ_SIZE } from './http1/memory.ts';

/** What is to wait: so many bytes of a value. */
const given = fc.record({ length: fc.integer({ min: 1, max: 2 * READ_SIZE }), value: fc.nat(255) });

describe('bytes that wait', () => {
  it('are copies, in order, whatever others let wait meanwhile', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(2), fc.oneof(given, fc.constant('clear' as const), fc.nat(READ_SIZE))), {
          maxLength: 30,
        }),
        (steps) => {
          const queues = [new Queue(), new Queue(), new Queue()];
          const wanted: number[][] = [[], [], []];
          for (const [who, what] of steps) {
            const queue = queues[who]!;
            expect(queue.length).toBe(wanted[who]!.length);
            if (what === 'clear') {
              queue.clear();
              wanted[who] = [];
              continue;
            }
            if (typeof what === 'number') {
              const taken = Math.min(what, queue.length);
              queue.from += taken;
              wanted[who]!.splice(0, taken);
              continue;
            }
            const bytes = new Uint8Array(what.length).fill(what.value);
            queue.append(bytes, 0, bytes.length);
            for (const value of bytes) wanted[who]!.push(value);
            bytes.fill(0);
          }
          for (const [who, queue] of queues.entries()) {
            if (queue.length > 0)
              expect(
                Buffer.compare(queue.bytes.subarray(queue.from, queue.to), Uint8Array.from(wanted[who]!)),
              ).toBe(0);
            expect(queue.length).toBe(wanted[who]!.length);
            queue.clear();
          }
        },
      ),
    );
  });
});
