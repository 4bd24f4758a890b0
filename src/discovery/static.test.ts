import { describe, expect, it } from 'vitest';
import { BACKEND_DEFAULTS } from './backend.ts';
import type { InstanceChange } from './instance.ts';
import { followStatic, parseStaticUpstream } from './static.ts';

describe('upstreams named beforehand', () => {
  it.each([
    ['127.0.0.1:80', { host: '127.0.0.1', port: 80, ...BACKEND_DEFAULTS }],
    [' web.test:8080 weight=3 ', { host: 'web.test', port: 8080, ...BACKEND_DEFAULTS, weight: 3 }],
    ['[::1]:80 weight=0', { host: '::1', port: 80, ...BACKEND_DEFAULTS, weight: 0 }],
    ['127.0.0.1', undefined],
    [':80', undefined],
    ['127.0.0.1:0', undefined],
    ['127.0.0.1:80 weight=x', undefined],
    // Each was taken for a host, which no resolver knows.
    ['http://127.0.0.1:80', undefined],
    ['//web.test:80', undefined],
    ['web.test:80:80', undefined],
    ['fe80::1:80', { host: 'fe80::1', port: 80, ...BACKEND_DEFAULTS }],
    ['127.0.0.1:80 priority=1 weight=2', undefined],
    [
      '10.0.0.1:443 weight=2 priority=0 max_connections=7 sni=www.foo.com',
      { host: '10.0.0.1', port: 443, weight: 2, priority: 0, maxConnections: 7, serverName: 'www.foo.com' },
    ],
  ])('are read: %s', (text, wanted) => {
    expect(parseStaticUpstream(text)).toEqual(wanted);
  });

  it('are told once, each once, as instances that get traffic', () => {
    const told: (readonly InstanceChange[])[] = [];
    const upstreams = ['127.0.0.1:1', '127.0.0.1:2 weight=2', '127.0.0.1:1'].map(
      (text) => parseStaticUpstream(text)!,
    );
    const discovery = followStatic({ upstreams, service: 'lb', tags: ['urlprefix-/'] }, (changes) =>
      told.push(changes),
    );
    discovery.resync();
    expect(told).toHaveLength(1);
    expect(told[0]).toEqual([
      {
        id: 'static/127.0.0.1:1',
        before: undefined,
        after: expect.objectContaining({ port: 1, weight: 1, out: '' }),
      },
      {
        id: 'static/127.0.0.1:2',
        before: undefined,
        after: expect.objectContaining({ port: 2, weight: 2, out: '' }),
      },
    ]);
    expect([...discovery.instances()]).toHaveLength(2);
  });
});
