import { isIPv6 as isIPv6ByNode, SocketAddress } from 'node:net';

/**
 * Bytes of an IP address: 4 or 16, or undefined for anything else. An IPv4 address in IPv6 clothes
 * ("::ffff:10.0.0.1") is the IPv4 address.
 */
export function addressBytes(text: string): Uint8Array | undefined {
  const ipv4 = ipv4Bytes(text);
  if (ipv4 !== undefined) return ipv4;
  if (text.includes('%') || !isIPv6(text)) return undefined;
  const bytes = ipv6Bytes(text);
  const mapped =
    bytes.subarray(0, 10).every((byte) => byte === 0) && bytes[10] === 0xff && bytes[11] === 0xff;
  return mapped ? bytes.slice(12) : bytes;
}

/** As `node:net` says, whose pattern is so large that making it takes a twelfth of a worker's start: without a colon it is not asked. */
export function isIPv6(text: string): boolean {
  return text.includes(':') && isIPv6ByNode(text);
}

/** The usual way to write 4 or 16 bytes ("10.0.0.1", "2001:db8::1"). */
export function addressText(bytes: Uint8Array): string {
  if (bytes.length === 4) return bytes.join('.');
  const address = Buffer.from(bytes)
    .toString('hex')
    .replace(/....(?!$)/g, '$&:');
  return new SocketAddress({ address, family: 'ipv6' }).address;
}

/** By hand, since every instance's address comes through here when its service changes. No leading zeros. */
function ipv4Bytes(text: string): Uint8Array | undefined {
  const bytes = new Uint8Array(4);
  let part = 0;
  let digits = 0;
  let value = 0;
  for (let i = 0; i <= text.length; i++) {
    const code = i === text.length ? DOT : text.charCodeAt(i);
    if (code === DOT) {
      if (digits === 0 || part > 3) return undefined;
      bytes[part++] = value;
      digits = 0;
      value = 0;
      continue;
    }
    if (code < 0x30 || code > 0x39 || (digits > 0 && value === 0)) return undefined;
    value = value * 10 + code - 0x30;
    digits++;
    if (value > 255) return undefined;
  }
  return part === 4 ? bytes : undefined;
}

const DOT = 0x2e;

/** `text` is known to be valid. */
function ipv6Bytes(text: string): Uint8Array {
  const [head = '', tail] = text.split('::');
  const front = groups(head);
  const back = tail === undefined ? [] : groups(tail);
  const bytes = new Uint8Array(16);
  bytes.set(front, 0);
  bytes.set(back, 16 - back.length);
  return bytes;
}

/** "2001:db8" and "ffff:10.0.0.1" as bytes. */
function groups(text: string): number[] {
  if (text === '') return [];
  return text.split(':').flatMap((group) => {
    if (group.includes('.')) return group.split('.').map(Number);
    const value = Number.parseInt(group, 16);
    return [value >> 8, value & 0xff];
  });
}

/** A block of addresses: those whose first `bits` bits are the same. */
export interface AddressRange {
  readonly bytes: Uint8Array;
  readonly bits: number;
}

/** "10.0.0.0/8", "fe80::/10", or an address, which stands for itself. Undefined for anything else. */
export function addressRange(text: string): AddressRange | undefined {
  const [address = '', prefix, ...more] = text.split('/');
  const bytes = addressBytes(address);
  if (bytes === undefined || more.length > 0) return undefined;
  const most = bytes.length * 8;
  if (prefix === undefined) return { bytes, bits: most };
  if (!/^(?:0|[1-9]\d{0,2})$/.test(prefix)) return undefined;
  // "::ffff:10.0.0.0/104" is 10.0.0.0/8: its address lost its first 96 bits above.
  const bits = Number(prefix) - (bytes.length === 4 && address.includes(':') ? 96 : 0);
  return bits >= 0 && bits <= most ? { bytes, bits } : undefined;
}

/** Whether an address, as `addressBytes` has it, lies in a range. */
export function isInRange(address: Uint8Array, { bytes, bits }: AddressRange): boolean {
  if (address.length !== bytes.length) return false;
  const whole = bits >> 3;
  for (let i = 0; i < whole; i++) if (address[i] !== bytes[i]) return false;
  const rest = bits & 7;
  return rest === 0 || ((address[whole] as number) ^ (bytes[whole] as number)) >> (8 - rest) === 0;
}

/** Whether an address leads to the machine that uses it, whichever that is. */
export function isLoopback(text: string): boolean {
  const bytes = addressBytes(text);
  return bytes !== undefined && LOOPBACK.some((range) => isInRange(bytes, range));
}

const LOOPBACK = ['127.0.0.0/8', '::1'].map((text) => addressRange(text) as AddressRange);

/** Whether the text stands for all addresses of a machine, which is none that anybody could be told. */
export const isAny = (text: string): boolean => ANY.has(text);

const ANY: ReadonlySet<string> = new Set(['0.0.0.0', '::', '[::]']);
