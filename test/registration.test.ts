import { describe, expect, it } from 'vitest';
import { until } from '../scripts/support/processes.mjs';
import { registrationOf, startBackend } from './support/backend.ts';
import { ask, getJson, put } from './support/http.ts';
import { failures, Load } from './support/load.ts';
import { testMuster } from './support/muster.ts';

describe('a registration', () => {
  it('is routed, listed and in DNS form from the moment it is acknowledged, and gone when taken back', async () => {
    const { api, proxy } = await testMuster('agent');
    const web = await startBackend('web-1');
    expect((await ask(`${proxy}/web`)).status).toBe(404);

    await put(`${api}/v1/agent/service/register`, registrationOf(web, 'web', '/web'));
    const first = await until('the first routed request', async () => {
      const answer = await ask(`${proxy}/web`);
      return answer.status === 200 && answer;
    });
    expect(first.text).toBe('web-1');
    const listed = await getJson<{ Service: { ID: string } }[]>(`${api}/v1/health/service/web?passing`);
    expect(listed.map((entry) => entry.Service.ID)).toEqual(['web-1']);

    await put(`${api}/v1/agent/service/deregister/web-1`);
    await until('the route to be gone', async () => (await ask(`${proxy}/web`)).status === 404);
  });

  it('brings traffic to a second instance, and a leaving one finishes what it has begun', async () => {
    const { api, proxy } = await testMuster('agent');
    const [a, b] = [await startBackend('a'), await startBackend('b')];
    await put(`${api}/v1/agent/service/register`, registrationOf(a, 'web', '/web'));
    await until('the first to be routed', async () => (await ask(`${proxy}/web`)).text === 'a');
    const slow = ask(`${proxy}/web/slow?ms=800`);
    await until('the slow request to arrive', () => a.seen() > 1);

    await put(`${api}/v1/agent/service/register`, registrationOf(b, 'web', '/web'));
    await until('the second to be routed', async () => (await ask(`${proxy}/web`)).text === 'b');
    await put(`${api}/v1/agent/service/deregister/a`);
    await until('the first to be out', async () => {
      const ids = await Promise.all([ask(`${proxy}/web`), ask(`${proxy}/web`)]);
      return ids.every((answer) => answer.text === 'b');
    });
    expect(await slow).toMatchObject({ status: 200, text: 'a' });
  });

  it('costs no request while instances come, go and crash', async () => {
    const { api, proxy } = await testMuster('agent');
    const steady = await startBackend('steady');
    await put(`${api}/v1/agent/service/register`, registrationOf(steady, 'web', '/web'));
    await until('the route', async () => (await ask(`${proxy}/web`)).status === 200);
    const load = Load.begin(`${proxy}/web`, 200);
    for (let round = 0; round < 5; round++) {
      const leaving = await startBackend(`leaving-${round}`);
      const crashing = await startBackend(`crashing-${round}`);
      for (const one of [leaving, crashing]) {
        await put(`${api}/v1/agent/service/register`, registrationOf(one, 'web', '/web'));
      }
      await until('traffic at both', () => leaving.seen() > 3 && crashing.seen() > 3);
      await crashing.crash();
      await put(`${api}/v1/agent/service/deregister/${leaving.id}`);
      const last = load.samples.length;
      await until('more load', () => load.samples.length > last + 60);
      await put(`${api}/v1/agent/service/deregister/${crashing.id}`);
    }
    expect(failures(await load.end())).toEqual([]);
  });

  it('with a check that fails gets no traffic until it passes', async () => {
    const { api, proxy } = await testMuster('agent');
    const web = await startBackend('web-1');
    const { Check: _, ...registration } = registrationOf(web, 'web', '/web');
    const check = { CheckID: 'heartbeat', TTL: '1h' };
    await put(`${api}/v1/agent/service/register`, { ...registration, Check: check });
    expect((await ask(`${proxy}/web`)).status).not.toBe(200);
    await put(`${api}/v1/agent/check/pass/heartbeat`);
    await until('traffic', async () => (await ask(`${proxy}/web`)).status === 200);
    await put(`${api}/v1/agent/check/fail/heartbeat`);
    await until('no traffic', async () => (await ask(`${proxy}/web`)).status !== 200);
  });
});
