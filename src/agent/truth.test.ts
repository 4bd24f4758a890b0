import { expect, it } from 'vitest';
import { configSchema } from './config/schema.ts';
import { roleOf } from './truth.ts';

const role = (cluster: object, store: object = {}) => roleOf(configSchema.parse({ cluster, store }));

it('an agent is alone unless it is told of others', () => {
  expect(role({})).toBe('alone');
  expect(role({ server: true })).toBe('alone');
  // What single servers of Consul are commonly started with.
  expect(
    role({ server: true, bootstrapExpect: 1, encrypt: 'pUqJrVyVRj5jsiYEkM/tFQYfWyJIv4s3XkvDwy7Cu5s=' }),
  ).toBe('alone');
});

it('a server is one that is told so, everybody else who joins follows', () => {
  expect(role({ server: true, bootstrapExpect: 3 })).toBe('server');
  expect(role({ server: true, retryJoin: ['a'] })).toBe('server');
  expect(role({ retryJoin: ['a'] })).toBe('client');
});

it('an existing etcd counts before all else', () => {
  expect(role({ retryJoin: ['a'] }, { etcd: { endpoints: ['http://127.0.0.1:2379'] } })).toBe('on etcd');
});
