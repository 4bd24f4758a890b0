import { expect, it } from 'vitest';
import { addressOfCall, type Call, callsOf, missingField, type OpenApi } from './api-calls.ts';

const KEY = { name: 'key', in: 'path' } as const;
const REFERENCE: OpenApi = {
  paths: {
    '/v1/kv/{key}': {
      get: { summary: 'Reads a key', tags: ['kv'], parameters: [KEY, { name: 'raw', in: 'query' }] },
      put: { summary: 'Writes a key', tags: ['kv'], parameters: [KEY], requestBody: { content: {} } },
    },
    '/v1/health/service/{service}': {
      get: {
        summary: 'Instances of a service',
        tags: ['health'],
        parameters: [
          { name: 'service', in: 'path' },
          { name: 'filter', in: 'query' },
          { name: 'near', in: 'query' },
        ],
      },
    },
  },
};

const callOf = (wanted: string) => callsOf(REFERENCE, wanted)[0]?.[1][0] as Call;

it('shows every call, and those that are looked for', () => {
  expect(callsOf(REFERENCE, '').map(([tag, calls]) => [tag, calls.map(({ id }) => id)])).toEqual([
    ['health', ['GET /v1/health/service/{service}']],
    ['kv', ['GET /v1/kv/{key}', 'PUT /v1/kv/{key}']],
  ]);
  expect(callOf('writes KV').id).toBe('PUT /v1/kv/{key}');
  expect(callsOf(REFERENCE, 'nothing')).toEqual([]);
});

it('fills in what stands in the path and in the query, encoded', () => {
  const call = callOf('health');
  expect(missingField(call, {})).toBe('service');
  expect(missingField(call, { service: 'a' })).toBeUndefined();
  expect(addressOfCall(call, { service: 'a b', filter: 'x == "y"', near: '' })).toBe(
    '/v1/health/service/a%20b?filter=x%20%3D%3D%20%22y%22',
  );
});

it('a key keeps its slashes', () => {
  expect(addressOfCall(callOf('reads'), { key: 'a/b c' })).toBe('/v1/kv/a/b%20c');
});
