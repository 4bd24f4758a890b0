/** Whether this machine lets us use io_uring: asked once, by using it. */
import { readFileSync } from 'node:fs';
import { endianness, release } from 'node:os';
import { messageOf } from '../../errors.ts';
import { Arena, OFFER_RING, OFFERS } from './arena.ts';
import { Estate } from './estate.ts';
import { loadLibc } from './libc.ts';
import { Ring } from './ring.ts';

/** Deferred task work came with it, which half of the saving is due to. */
const LEAST_KERNEL = [6, 1] as const;
/** Slots enough to register a ring of buffers. */
const FEW_SLOTS = OFFERS * 2;

/** Why the transport on io_uring cannot be used here; undefined: it can. */
export async function whyNotUring(): Promise<string | undefined> {
  if (process.platform !== 'linux') return `io_uring is Linux's, this is ${process.platform}`;
  if (endianness() !== 'LE') return 'it is written for little-endian machines';
  const [major = 0, minor = 0] = release().split('.').map(Number);
  const [leastMajor, leastMinor] = LEAST_KERNEL;
  if (major < leastMajor || (major === leastMajor && minor < leastMinor))
    return `Linux ${release()} is older than ${leastMajor}.${leastMinor}`;
  const estate = new Estate();
  const libc = await loadLibc().catch((error: unknown) => messageOf(error));
  if (typeof libc === 'string') return `koffi cannot be loaded: ${libc}`;
  try {
    const arena = new Arena(libc, estate, FEW_SLOTS);
    const ring = new Ring(libc, arena, estate);
    ring.registerBuffers(arena, OFFER_RING, OFFERS);
    ring.nop(0);
    ring.enter(1);
    if (ring.complete(() => {}) !== 1) return 'io_uring does not complete what it is asked';
    return undefined;
  } catch (error) {
    return `the system refuses it (${messageOf(error)}${isDisabled() ? '; kernel.io_uring_disabled is set' : ''})`;
  } finally {
    estate.settle(libc);
  }
}

function isDisabled(): boolean {
  try {
    return readFileSync('/proc/sys/kernel/io_uring_disabled', 'latin1').trim() !== '0';
  } catch {
    return false;
  }
}
