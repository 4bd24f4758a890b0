import { describe, expect, it } from 'vitest';
import { listenHost } from './listen-host.ts';

const v4 = { address: '127.0.0.1', family: 4 };
const v6 = { address: '::1', family: 6 };

describe('the address to listen on', () => {
  it('is that of IPv4 for a name, in whatever order the system tells them', async () => {
    expect(await listenHost('localhost', async () => [v6, v4])).toBe('127.0.0.1');
    expect(await listenHost('localhost', async () => [v4, v6])).toBe('127.0.0.1');
    expect(await listenHost('six.test', async () => [v6])).toBe('::1');
  });

  it('is asked for only where it is a name', async () => {
    const asked = () => Promise.reject(new Error('asked'));
    for (const host of ['', '10.0.0.1', '::', 'fe80::1%eth0'])
      expect(await listenHost(host, asked)).toBe(host);
    await expect(listenHost('nowhere.test', asked)).rejects.toThrow('asked');
  });
});
