import { BlockList, isIPv4, isIPv6 } from 'node:net';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { addressBytes, addressRange, addressText, isInRange, isLoopback } from './ip.ts';

const address = fc.oneof(fc.ipV4(), fc.ipV6());

describe('addresses', () => {
  it('come back as they were written, in the usual form', () => {
    fc.assert(
      fc.property(address, (text) => {
        const bytes = addressBytes(text) as Uint8Array;
        expect(addressBytes(addressText(bytes))).toEqual(bytes);
      }),
    );
  });

  it('in IPv6 clothes are IPv4 addresses', () => {
    expect(addressBytes('::ffff:10.0.0.1')).toEqual(addressBytes('10.0.0.1'));
  });
});

describe('ranges', () => {
  it('hold the addresses that Node says they hold', () => {
    fc.assert(
      fc.property(address, address, fc.nat(128), (base, other, prefix) => {
        const isV4 = isIPv4(base);
        const bits = isV4 ? prefix % 33 : prefix;
        const list = new BlockList();
        list.addSubnet(base, bits, isV4 ? 'ipv4' : 'ipv6');
        const range = addressRange(`${base}/${bits}`)!;
        for (const candidate of [base, other]) {
          // Mapped addresses are IPv4 here and either there.
          if (isIPv6(candidate) && addressBytes(candidate)?.length === 4) continue;
          if (isIPv6(base) && range.bytes.length === 4) continue;
          const expected = isIPv4(candidate) === isV4 && list.check(candidate, isV4 ? 'ipv4' : 'ipv6');
          expect(isInRange(addressBytes(candidate)!, range)).toBe(expected);
        }
      }),
    );
  });

  it.each([
    ['10.0.0.0/8', '10.255.0.1', true],
    ['10.0.0.0/8', '11.0.0.1', false],
    ['::ffff:10.0.0.0/104', '10.9.9.9', true],
    ['fe80::/10', 'febf::1', true],
    ['fe80::/10', 'fec0::1', false],
    ['0.0.0.0/0', '1.2.3.4', true],
    ['0.0.0.0/0', '::1', false],
  ])('%s and %s: %s', (range, candidate, isIn) => {
    expect(isInRange(addressBytes(candidate)!, addressRange(range)!)).toBe(isIn);
  });

  it.each(['', '10.0.0.0/33', '10.0.0.0/', '10.0.0.0/08', '10.0.0/8', 'fe80::/129', '1.2.3.4/8/8', 'a/8'])(
    '%s is none',
    (text) => {
      expect(addressRange(text)).toBeUndefined();
    },
  );
});

it.each([
  ['127.0.0.1', true],
  ['127.1.2.3', true],
  ['::1', true],
  ['::ffff:127.0.0.1', true],
  ['10.0.0.1', false],
  ['fd00::1', false],
  ['0.0.0.0', false],
  ['a-name', false],
])('%s leads to the machine itself: %s', (address, isOwn) => {
  expect(isLoopback(address)).toBe(isOwn);
});
