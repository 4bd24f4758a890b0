import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { addressOf, placeOf, withQuery } from './location.ts';

const at = (address: string) => placeOf(new URL(address, 'http://127.0.0.1:8500'));

describe('addresses', () => {
  it.each([
    ['/ui/', { name: 'overview' }],
    ['/ui', { name: 'overview' }],
    ['/ui/services', { name: 'services' }],
    ['/ui/services/', { name: 'services' }],
    ['/ui/services/web', { name: 'service', service: 'web' }],
    ['/ui/services/a%2Fb', { name: 'service', service: 'a/b' }],
    ['/ui/services/100%', { name: 'service', service: '100%' }],
    ['/ui/services/routes', { name: 'service', service: 'routes' }],
    ['/ui/routes', { name: 'routes' }],
    ['/ui/groups', { name: 'groups' }],
    ['/ui/keys', { name: 'keys' }],
    ['/ui/cluster', { name: 'cluster' }],
    ['/ui/history', { name: 'history' }],
    ['/ui/connections', { name: 'connections' }],
    ['/ui/api', { name: 'api' }],
  ])('%s is a place', (address, screen) => {
    expect(at(address)).toMatchObject({ screen, canonical: undefined });
  });

  it.each([
    ['/ui/dc1/services', '/ui/services'],
    ['/ui/dc1', '/ui/'],
    ['/ui/dc1/services/web', '/ui/services/web'],
    ['/ui/dc1/services/web/instances/n1/web-1', '/ui/services/web'],
    ['/ui/#/dc1/services/web', '/ui/services/web'],
    ['/routes', '/ui/routes'],
    ['/ui/dc1/kv', '/ui/keys'],
    ['/ui/dc1/kv/conf/app/edit', '/ui/keys?key=conf%2Fapp'],
    ['/ui/dc1/nodes', '/ui/cluster'],
    ['/ui/dc1/nodes/n1', '/ui/cluster'],
    ['/ui/dc1/services?state=out', '/ui/services?state=out'],
  ])('the old address %s leads to %s', (old, now) => {
    expect(at(old).canonical).toBe(now);
  });

  it('what is no place says so', () => {
    expect(at('/ui/dc1/nonsense/x').screen).toEqual({ name: 'lost', path: '/ui/dc1/nonsense/x' });
  });

  it('every service has an address that leads back to it', () => {
    fc.assert(
      fc.property(fc.string({ minLength: 1 }), (service) => {
        fc.pre(service !== '.' && service !== '..');
        const screen = { name: 'service', service } as const;
        expect(at(addressOf(screen))).toMatchObject({ screen, canonical: undefined });
      }),
    );
  });
});

describe('the query', () => {
  it('changes only what is named', () => {
    const query = new URLSearchParams('state=out&q=web');
    expect(withQuery(query, { q: 'a b' })).toBe('?state=out&q=a+b');
    expect(withQuery(query, { q: '', state: '' })).toBe('');
  });
});
