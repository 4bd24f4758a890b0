import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { healthRequest, servingStatus } from './grpc-health.ts';

const frame = (...message: number[]) =>
  Buffer.concat([Buffer.from([0, 0, 0, 0, message.length]), Buffer.from(message)]);

describe('messages of the gRPC health protocol', () => {
  it('asks for a service, or for the whole server', () => {
    expect([...healthRequest('web')]).toEqual([0, 0, 0, 0, 5, 0x0a, 3, 0x77, 0x65, 0x62]);
    expect([...healthRequest('')]).toEqual([0, 0, 0, 0, 0]);
  });

  it('writes names of any length', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 300 }), (service) => {
        const message = healthRequest(service);
        expect(message.readUInt32BE(1)).toBe(message.length - 5);
        const name = Buffer.from(service);
        expect(message.subarray(message.length - name.length)).toEqual(name);
        const header = name.length === 0 ? 0 : name.length < 128 ? 2 : 3;
        expect(message.length).toBe(5 + header + name.length);
      }),
    );
  });

  it.each([
    [[], 'UNKNOWN'],
    [[8, 0], 'UNKNOWN'],
    [[8, 1], 'SERVING'],
    [[8, 2], 'NOT_SERVING'],
    [[8, 3], 'SERVICE_UNKNOWN'],
    [[8, 77], '77'],
    [[8, 2, 8, 1], 'SERVING'],
    // Minus one: ten bytes.
    [[8, 255, 255, 255, 255, 255, 255, 255, 255, 255, 1], '-1'],
    // Fields that a later version may add: number, text, 64 and 32 bits.
    [[0x10, 150, 1, 0x1a, 2, 65, 66, 8, 1, 0x21, 1, 2, 3, 4, 5, 6, 7, 8, 0x2d, 1, 2, 3, 4], 'SERVING'],
  ])('%j is %s', (message, status) => {
    expect(servingStatus(frame(...message))).toBe(status);
  });

  it.each([
    ['breaks off', frame(8)],
    ['breaks off', frame(0x1a, 9, 1)],
    ['too long', frame(8, ...Array<number>(11).fill(0x80))],
    ['unknown type', frame(0x0b)],
    ['no message', Buffer.from([0])],
    ['compressed', Buffer.from([1, 0, 0, 0, 0])],
    ['not one whole', Buffer.from([0, 0, 0, 0, 9, 8, 1])],
  ])('%s: is refused', (words, bytes) => {
    expect(() => servingStatus(bytes)).toThrow(words);
  });

  it('takes any bytes without running away', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        try {
          expect(servingStatus(frame(...bytes))).toMatch(/^[A-Z_]+$|^-?\d+$/);
        } catch (error) {
          expect((error as Error).message).toMatch(/^the response /);
        }
      }),
    );
  });
});
