import { describe, expect, it } from 'vitest';
import { preferredAddress } from './preferred-address.ts';

const v4 = { address: '127.0.0.1', family: 4 };
const v6 = { address: '::1', family: 6 };

describe('the address of a host', () => {
  it('is that of IPv4 for a name, in whatever order the system tells them', async () => {
    expect(await preferredAddress('localhost', async () => [v6, v4])).toBe('127.0.0.1');
    expect(await preferredAddress('localhost', async () => [v4, v6])).toBe('127.0.0.1');
    expect(await preferredAddress('six.test', async () => [v6])).toBe('::1');
  });

  it('is asked for only where it is a name', async () => {
    const asked = () => Promise.reject(new Error('asked'));
    for (const host of ['', '10.0.0.1', '::', 'fe80::1%eth0'])
      expect(await preferredAddress(host, asked)).toBe(host);
    await expect(preferredAddress('nowhere.test', asked)).rejects.toThrow('asked');
  });
});
