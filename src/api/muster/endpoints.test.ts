import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startApi } from '../server.ts';
import { testContext } from '../test-context.ts';
import { dashboardFixture, type Fixture } from './fixtures.ts';

let fixture: Fixture;
let api: Awaited<ReturnType<typeof startApi>>;

beforeEach(async () => {
  fixture = dashboardFixture();
  const { context } = testContext(
    {},
    { store: fixture.store, catalog: fixture.store.catalog, dashboard: fixture.dashboard },
  );
  api = await startApi({ context, host: '127.0.0.1', port: 0 });
});

afterEach(async () => {
  await api.stop();
  fixture.dashboard.stop();
});

async function get(path: string): Promise<{ status: number; text: string }> {
  const response = await fetch(`http://127.0.0.1:${api.address.port}${path}`);
  return { status: response.status, text: await response.text() };
}

const read = async (path: string): Promise<unknown> => JSON.parse((await get(path)).text);

describe('/v1/muster', () => {
  it('answers with the overview', async () => {
    await fixture.join('web', 'web-1');
    expect(await read('/v1/muster/overview')).toMatchObject({
      about: { node: 'n1', api: '127.0.0.1:8500' },
      traffic: { requests: 0 },
      services: [{ name: 'web', instances: 1, states: { passing: 1 } }],
      changes: [{ text: 'instance web-1 joined web' }, { text: 'node n1 joined' }],
    });
  });

  it('answers with a service, its instances and the whole output of their checks', async () => {
    await fixture.join('web', 'web-1');
    const output = `refused ${'x'.repeat(5000)}`;
    await fixture.check('web-1', 'critical', output);
    expect(await read('/v1/muster/services/WEB')).toMatchObject({
      name: 'web',
      instances: [{ id: 'web-1', state: 'critical', checks: [{ output }], history: [] }],
    });
    expect(await get('/v1/muster/services/other')).toEqual({
      status: 404,
      text: 'No instance of "other" is registered',
    });
  });

  it('answers with what instances have in flight now, not when it was sampled', async () => {
    await fixture.join('web', 'web-1');
    const inFlightOf = async () => {
      const answer = (await read('/v1/muster/services/web')) as {
        instances: { address: string; port: number; traffic: { inFlight: number } | null }[];
      };
      return answer.instances[0]!;
    };
    const { address, port, traffic } = await inFlightOf();
    expect(traffic).toBeNull();
    const target = { service: 'web', address: `${address}:${port}`, requests: 1, errors: 0, latency: [] };
    for (const inFlight of [2, 0]) {
      fixture.traffic.counted = { ...fixture.traffic.counted, targets: [{ ...target, inFlight }] };
      expect((await inFlightOf()).traffic?.inFlight ?? 0).toBe(inFlight);
    }
  });

  it('answers with routes and with the changes of one service', async () => {
    await fixture.join('web', 'web-1');
    await fixture.join('api', 'api-1', 81);
    expect(await read('/v1/muster/routes')).toEqual([]);
    expect(await read('/v1/muster/changes?service=api')).toMatchObject([
      { text: 'instance api-1 joined api' },
    ]);
  });

  it('explains where a URL goes', async () => {
    expect(await read('/v1/muster/explain?url=example.com/a')).toMatchObject({ url: 'http://example.com/a' });
    expect(await read('/v1/muster/explain?url=/a')).toMatchObject({ url: 'http://localhost/a' });
  });

  it('says what is wrong with a URL', async () => {
    expect(await get('/v1/muster/explain')).toMatchObject({
      status: 400,
      text: expect.stringMatching(/Missing \?url=/),
    });
    for (const url of ['http://', 'ftp://x/', 'a b'])
      expect(await get(`/v1/muster/explain?url=${encodeURIComponent(url)}`), url).toMatchObject({
        status: 400,
      });
  });

  it('tells of an agent that is alone what there is of a cluster', async () => {
    await fixture.join('web', 'web-1');
    expect(await read('/v1/muster/cluster')).toMatchObject({
      kind: 'alone',
      revision: fixture.store.catalog.index,
      isHeard: true,
      silentSince: null,
      members: [{ name: 'test-1', role: 'server', isLeader: true, lag: { revisions: 0, ms: 0 }, links: [] }],
    });
  });

  it('streams over the real server and ends with it', async () => {
    const response = await fetch(`http://127.0.0.1:${api.address.port}/v1/muster/stream`);
    expect(response.headers.get('content-type')).toBe('text/event-stream; charset=utf-8');
    const reader = (response.body as ReadableStream<Uint8Array>).getReader();
    const first = new TextDecoder().decode((await reader.read()).value);
    expect(first).toContain('retry: ');
    const stopped = api.stop();
    while (!(await reader.read()).done);
    await stopped;
  });

  it('says so when there is no dashboard', async () => {
    await api.stop();
    api = await startApi({ context: testContext().context, host: '127.0.0.1', port: 0 });
    expect((await get('/v1/muster/overview')).status).toBe(404);
  });
});
