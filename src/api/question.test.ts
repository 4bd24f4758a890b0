import fc from 'fast-check';
import { expect, it } from 'vitest';
import { questionOf } from './question.ts';

it.each([
  ['/v1/kv/a', { what: '/v1/kv/a', after: 0, wait: 0 }],
  ['/v1/kv/a?raw', { what: '/v1/kv/a?raw', after: 0, wait: 0 }],
  ['/v1/kv/a?index=7', { what: '/v1/kv/a', after: 7, wait: 0 }],
  ['/v1/kv/a?dc=dc1&wait=1m30s&index=7&pretty', { what: '/v1/kv/a?dc=dc1&pretty', after: 7, wait: 90_000 }],
  ['/v1/kv/a?wait=5s', { what: '/v1/kv/a', after: 0, wait: 5000 }],
  // A key may be called so.
  ['/v1/kv/index=7?raw', { what: '/v1/kv/index=7?raw', after: 0, wait: 0 }],
])('%s', (url, question) => {
  expect(questionOf(url)).toEqual(question);
});

it.each([
  '/v1/kv/a?index=1&index=2',
  '/v1/kv/a?wait=1s&wait=2s',
  '/v1/kv/a?index=',
  '/v1/kv/a?index=-1',
  '/v1/kv/a?index=1e3',
  '/v1/kv/a?index=12345678901234567',
  '/v1/kv/a?wait=%31s',
  '/v1/kv/a?wait=soon',
  '/v1/kv/a?wait=',
])('leaves %s to the long way', (url) => {
  expect(questionOf(url)).toBeUndefined();
});

it('keeps all that is no index and no wait, in its order', () => {
  const part = fc
    .stringMatching(/^[a-z]{1,6}(=[a-z0-9%+]{0,6})?$/)
    .filter((text) => !/^(index|wait)/.test(text));
  fc.assert(
    fc.property(fc.array(part), fc.nat(), fc.nat(8), (parts, index, at) => {
      const asked = [...parts.slice(0, at), `index=${index}`, ...parts.slice(at)];
      const rest = parts.length === 0 ? '' : `?${parts.join('&')}`;
      expect(questionOf(`/v1/kv/a?${asked.join('&')}`)).toEqual({
        what: `/v1/kv/a${rest}`,
        after: index,
        wait: 0,
      });
    }),
  );
});
