import { describe, expect, test } from 'vitest';
import { contentHash } from './content-hash.ts';
import type { LocalService } from './local.ts';

const plain: LocalService = {
  id: 'foo',
  name: 'foo',
  kind: '',
  tags: ['bar', 'baz'],
  address: '',
  taggedAddresses: null,
  meta: null,
  port: 8000,
  socketPath: '',
  weights: { passing: 1, warning: 1 },
  enableTagOverride: false,
  source: 'api',
};

describe('the hash of a definition', () => {
  // What Consul 1.10 answers for them.
  test.each<[string, Partial<LocalService>]>([
    ['f72563cae6924fb5', {}],
    [
      '95e2aed2a5590ecc',
      {
        id: 'web-1',
        name: 'web',
        tags: ['b', 'a', 'ü'],
        port: 8080,
        address: '10.1.2.3',
        meta: { zone: 'é', version: '2' },
        weights: { passing: 7, warning: 0 },
        enableTagOverride: true,
        taggedAddresses: {
          lan: { address: '10.1.2.3', port: 8080 },
          lan_ipv4: { address: '10.1.2.3', port: 8080 },
          wan: { address: '198.51.100.1', port: 443 },
          wan_ipv4: { address: '10.1.2.3', port: 8080 },
        },
      },
    ],
    ['dd3557135a549bdd', { id: 'u', name: 'unix', tags: [], port: 0, socketPath: '/run/x.sock' }],
  ])('is Consul’s: %s', (hash, definition) => {
    expect(contentHash({ ...plain, ...definition })).toBe(hash);
  });

  test('is the same however it is held, and another for every field', () => {
    const hash = contentHash(plain);
    expect(contentHash({ ...plain, source: 'config' })).toBe(hash);
    expect(contentHash({ ...plain, meta: { b: '1', a: '2' } })).toBe(
      contentHash({ ...plain, meta: { a: '2', b: '1' } }),
    );
    const others: Partial<LocalService>[] = [
      { id: 'x' },
      { name: 'x' },
      { kind: 'x' },
      { tags: ['baz', 'bar'] },
      { address: 'x' },
      { taggedAddresses: { lan: { address: '', port: 0 } } },
      { meta: { a: '1' } },
      { port: 1 },
      { socketPath: 'x' },
      { weights: { passing: 1, warning: 2 } },
      { enableTagOverride: true },
    ];
    const hashes = others.map((other) => contentHash({ ...plain, ...other }));
    expect(new Set([hash, ...hashes]).size).toBe(others.length + 1);
  });
});
