import { describe, expect, it } from 'vitest';
import { ownAddress } from './own-address.ts';

const one = (address: string, internal = false) => ({
  address,
  family: address.includes(':') ? ('IPv6' as const) : ('IPv4' as const),
  internal,
});

describe('the address of this machine', () => {
  it('is that of the interface that packets leave by, not of a bridge for containers that comes first', () => {
    const interfaces = {
      lo: [one('127.0.0.1', true)],
      docker0: [one('172.17.0.1')],
      wlan0: [one('fe80::1'), one('fd00::9'), one('192.168.1.9')],
    };
    expect(ownAddress(interfaces, 'wlan0')).toBe('192.168.1.9');
    expect(ownAddress(interfaces, '')).toBe('172.17.0.1');
  });

  it('is an IPv6 one where there is no other, and loopback where there is nothing else', () => {
    expect(ownAddress({ lo: [one('::1', true)], eth0: [one('fe80::1'), one('fd00::9')] }, 'eth0')).toBe(
      'fd00::9',
    );
    expect(ownAddress({ lo: [one('127.0.0.1', true)] }, '')).toBe('127.0.0.1');
  });
});
