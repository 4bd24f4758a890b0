import { addressBytes } from '../ip.ts';

/** The address that an in-addr.arpa or ip6.arpa name stands for, or undefined. Labels in lower case. */
export function reverseAddress(labels: readonly string[]): Uint8Array | undefined {
  const zone = labels.at(-2);
  const digits = labels.slice(0, -2).reverse();
  if (zone === 'in-addr' && digits.length === 4) return addressBytes(digits.join('.'));
  if (zone === 'ip6' && digits.length === 32 && digits.every((digit) => /^[0-9a-f]$/.test(digit)))
    return Uint8Array.from(Buffer.from(digits.join(''), 'hex'));
  return undefined;
}
