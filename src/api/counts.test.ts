import { expect, it } from 'vitest';
import { ApiCounts } from './counts.ts';

it('counts requests by family and class, and what nobody knows as other', () => {
  const counts = new ApiCounts(['kv', 'health']);
  counts.count('/v1/kv/a/b?raw', 200);
  counts.count('/v1/kv?recurse', 404);
  counts.count('/v1/kv/a', 204);
  counts.count('/v1/health', 500);
  counts.count('/v1/made-up-by-a-stranger', 404);
  counts.count('/ui/', 200);
  expect(counts.samples()).toEqual([
    { labels: { family: 'kv', class: '2xx' }, value: 2 },
    { labels: { family: 'kv', class: '4xx' }, value: 1 },
    { labels: { family: 'health', class: '5xx' }, value: 1 },
    { labels: { family: 'other', class: '2xx' }, value: 1 },
    { labels: { family: 'other', class: '4xx' }, value: 1 },
  ]);
});
