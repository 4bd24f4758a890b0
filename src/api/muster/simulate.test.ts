import { afterEach, beforeEach, expect, it } from 'vitest';
import { DEFAULTS } from '../../group/autoscale/spec.ts';
import type { GroupControl, GroupView } from '../../group/view.ts';
import { startApi } from '../server.ts';
import { testContext } from '../test-context.ts';

/** Eight instances over ten minutes, and 300 requests a second. */
const history = Array.from({ length: 60 }, (_, index) => ({
  at: 1_700_000_000_000 + index * 10_000,
  size: 8,
  ready: 8,
  requests: 300,
}));

const group = {
  name: 'web',
  view: () => ({ history }) as unknown as GroupView,
  policy: () => ({
    ...DEFAULTS,
    min: 2,
    max: 10,
    signal: [{ kind: 'requests_per_second' as const, target: 100 }],
  }),
} as unknown as GroupControl;

let api: Awaited<ReturnType<typeof startApi>>;
beforeEach(async () => {
  const { context } = testContext({}, { groups: () => [group] });
  api = await startApi({ context, host: '127.0.0.1', port: 0 });
});
afterEach(() => api.stop());

async function post(query: string, body = '', name = 'web'): Promise<{ status: number; text: string }> {
  const url = `http://127.0.0.1:${api.address.port}/v1/muster/groups/${name}/simulate${query}`;
  const response = await fetch(url, { method: 'POST', body });
  return { status: response.status, text: await response.text() };
}

it('tries another policy on what the group had to carry', async () => {
  const { text } = await post('?requests_per_second=50&min=1&lookback=1m&boot=10s');
  expect(JSON.parse(text)).toMatchObject({
    own: { min: 2, max: 10, signals: [{ kind: 'requests_per_second', target: 100 }] },
    tried: { min: 1, max: 10, lookback: 60_000, signals: [{ target: 50 }] },
    usual: { capacity: 125, boot: 30_000 },
    believed: { capacity: 125, boot: 10_000 },
    was: { smallest: 8, largest: 8 },
    would: { smallest: 6, largest: 8 },
  });
});

it('tries it on a trace that is sent along', async () => {
  const { text } = await post('?max=4', '0,100\n10m,900\n20m,900\n');
  expect(JSON.parse(text)).toMatchObject({ was: null, span: 1_200_000, would: { largest: 4 } });
});

it('says what is wrong with a question', async () => {
  for (const [query, words] of [
    ['?min=0', 'Bad ?min=: a whole number from 1 to 1000'],
    ['?max=1001', 'Bad ?max='],
    ['?cpu=-1', 'Bad ?cpu=: a number above 0'],
    ['?cpu=1e400', 'Bad ?cpu='],
    ['?boot=fast', 'Bad ?boot=: a duration such as 30s'],
    ['?lookback=48h', 'at most 24h'],
    ['?policy=best', 'Bad ?policy=: one of target, hpa'],
    ['?min=11', 'the least size, 11, is above the largest, 10'],
  ] as const)
    expect(await post(query), query).toMatchObject({ status: 400, text: expect.stringContaining(words) });
  expect(await post('', '1,2\n1,3')).toMatchObject({
    status: 400,
    text: expect.stringContaining('trace:2: times have to rise'),
  });
  expect(await post('', '0,1\n1000h,1')).toMatchObject({
    status: 400,
    text: expect.stringContaining('is too much for an agent'),
  });
  expect(await post('', 'x'.repeat(1024 * 1024 + 1))).toMatchObject({ status: 413 });
  expect(await post('', '', 'other')).toMatchObject({ status: 404, text: expect.stringContaining('web') });
});
