import { isIPv6, SocketAddress } from 'node:net';

/**
 * Bytes of an IP address: 4 or 16, or undefined for anything else. An IPv4 address in IPv6 clothes
 * ("::ffff:10.0.0.1") is the IPv4 address.
 */
export function addressBytes(text: string): Uint8Array | undefined {
  const ipv4 = ipv4Bytes(text);
  if (ipv4 !== undefined) return ipv4;
  if (!isIPv6(text) || text.includes('%')) return undefined;
  const bytes = ipv6Bytes(text);
  const mapped =
    bytes.subarray(0, 10).every((byte) => byte === 0) && bytes[10] === 0xff && bytes[11] === 0xff;
  return mapped ? bytes.slice(12) : bytes;
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

/** The address that an in-addr.arpa or ip6.arpa name stands for, or undefined. Labels in lower case. */
export function reverseAddress(labels: readonly string[]): Uint8Array | undefined {
  const zone = labels.at(-2);
  const digits = labels.slice(0, -2).reverse();
  if (zone === 'in-addr' && digits.length === 4) return ipv4Bytes(digits.join('.'));
  if (zone === 'ip6' && digits.length === 32 && digits.every((digit) => /^[0-9a-f]$/.test(digit)))
    return Uint8Array.from(Buffer.from(digits.join(''), 'hex'));
  return undefined;
}
