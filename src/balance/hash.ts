/** Keys of those who ask, and places by key. 32-bit integers throughout: they are never boxed. */
import { formatHostPort } from '../lib/host-port.ts';
import { addressBytes } from '../lib/ip.ts';
import type { Target } from './balancer.ts';

const FNV_START = 0x811c9dc5 | 0;
const FNV_PRIME = 0x01000193;

/** FNV-1a, then mixed: alone it leaves neighbouring addresses close together. */
function keyOfBytes(bytes: Uint8Array): number {
  let hash = FNV_START;
  for (let i = 0; i < bytes.length; i++) hash = Math.imul(hash ^ (bytes[i] as number), FNV_PRIME);
  return mix(hash);
}

/** A name, a cookie, a header's value. */
export function keyOfText(text: string): number {
  let hash = FNV_START;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), FNV_PRIME);
  return mix(hash);
}

/** A client by its address: the same for IPv4 in IPv6 clothes. */
export function keyOfAddress(address: string): number {
  const bytes = addressBytes(address);
  return bytes === undefined ? keyOfText(address) : keyOfBytes(bytes);
}

/** A place, not an instance: all balancers agree on it, and it is the same after a restart of the instance. */
export function keyOfTarget({ host, port }: Target): number {
  return keyOfText(formatHostPort(host, port));
}

/** Any change of a bit changes half of the bits (the finaliser of MurmurHash3). */
export function mix(value: number): number {
  let hash = value;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return hash ^ (hash >>> 16);
}

/** Where in [0, 1) a key stands. Draws that are to have nothing to do with each other take different `purpose`s. */
export function partOf(key: number, purpose: number): number {
  return (mix(key ^ purpose) >>> 0) / 0x1_0000_0000;
}

/** The key, or one at random for who has none. */
export function keyOr(key: number | undefined, random: () => number): number {
  return key ?? (random() * 0x1_0000_0000) | 0;
}
