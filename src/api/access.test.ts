import { describe, expect, test } from 'vitest';
import { endpoints } from './endpoints.ts';

describe('what endpoints need', () => {
  test('every row of the table says it', () => {
    const silent = endpoints.filter(({ needs }) => needs === undefined);
    expect(silent.map(({ method, path }) => `${method} ${path}`)).toEqual([]);
  });

  test('only these are open to those nobody knows', () => {
    const open = endpoints.filter(({ needs }) => needs === 'nothing');
    expect(open.map(({ method, path }) => `${method} ${path}`).sort()).toEqual([
      'GET /livez',
      'GET /readyz',
      // Who knows the secret may see what it is for.
      'GET /v1/acl/info/:id',
      'GET /v1/acl/replication',
      'GET /v1/catalog/datacenters',
      'GET /v1/coordinate/datacenters',
      'GET /v1/muster/openapi.json',
      'GET /v1/muster/ready',
      'GET /v1/status/leader',
      'GET /v1/status/peers',
      'POST /v1/acl/login',
      'PUT /v1/acl/bootstrap',
    ]);
  });

  test('no row that writes is filtered only', () => {
    const writing = endpoints.filter(({ method, needs }) => method !== 'GET' && needs === 'filtered');
    expect(writing.map(({ method, path }) => `${method} ${path}`)).toEqual([]);
  });
});
