/** Sending ranges of the engine's memory through a socket. */
import type { Socket } from 'node:net';
import { READ_SIZE } from '../http1/memory.ts';

/** Below it a copy comes out of Node's slab: 50 ns. Above, a fresh buffer would cost its page faults, so one is reused. */
const SMALL = 4_096;

/** A buffer for large ranges, reused for as long as the kernel takes everything at once. */
let staging: Buffer = Buffer.allocUnsafeSlow(READ_SIZE);

/** Copies and sends a range. False: the socket holds more than it should, hold the other side back. */
export function sendRange(socket: Socket, memory: Uint8Array, start: number, end: number): boolean {
  const length = end - start;
  if (length === 0) return true;
  const range = memory.subarray(start, end);
  if (length <= SMALL || length > staging.length) {
    const copy = Buffer.allocUnsafe(length);
    copy.set(range);
    return socket.write(copy) || socket.writableLength === 0;
  }
  staging.set(range);
  const accepted = socket.write(staging.subarray(0, length));
  if (socket.writableLength === 0) return true;
  // The socket holds on to the bytes.
  staging = Buffer.allocUnsafeSlow(READ_SIZE);
  return accepted;
}
