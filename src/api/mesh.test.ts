import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Api, startApi } from './server.ts';
import { testContext } from './test-context.ts';

let api: Api;
let url: string;
beforeEach(async () => {
  api = await startApi({ context: testContext().context, host: '127.0.0.1', port: 0 });
  url = `http://127.0.0.1:${api.address.port}/v1`;
});
afterEach(() => api.stop());

const get = async (path: string) => (await fetch(`${url}/${path}`)).json();
const register = async (Service: object) => {
  const body = JSON.stringify({ Node: 'n', Address: '10.0.0.1', Service });
  expect((await fetch(`${url}/catalog/register`, { method: 'PUT', body })).status).toBe(200);
};
const names = (entries: unknown) =>
  (entries as { Service: { ID: string } }[]).map(({ Service }) => Service.ID);

const PROXY = {
  DestinationServiceName: 'Web',
  DestinationServiceID: 'web-1',
  LocalServicePort: 8080,
  Mode: 'transparent',
  TransparentProxy: { OutboundListenerPort: 808 },
  Upstreams: [{ DestinationType: 'service', DestinationName: 'db', LocalBindPort: 9191, MeshGateway: {} }],
  Config: { limit: 2 ** 60, zero: 0 },
};

describe('what a service says of a mesh', () => {
  it('is answered as it was registered, wherever the service is', async () => {
    await register({ Kind: 'connect-proxy', ID: 'p', Service: 'web-proxy', Port: 8001, Proxy: PROXY });
    await register({ ID: 'native', Service: 'web', Connect: { Native: true } });
    const proxy = { ...PROXY, MeshGateway: {}, Expose: {} };
    expect(await get('catalog/node/n')).toMatchObject({
      Services: { p: { Proxy: proxy, Connect: {} }, native: { Connect: { Native: true } } },
    });
    expect(await get('catalog/service/web-proxy')).toMatchObject([{ ServiceProxy: proxy }]);
    expect(await get('health/service/web')).toMatchObject([{ Service: { Connect: { Native: true } } }]);
  });

  it('tells who takes the traffic of a service', async () => {
    await register({ ID: 'plain', Service: 'web' });
    expect(await get('health/connect/web')).toEqual([]);
    await register({ Kind: 'connect-proxy', ID: 'p', Service: 'web-proxy', Proxy: PROXY });
    await register({ ID: 'native', Service: 'web', Connect: { Native: true } });
    await register({ ID: 'other', Service: 'db', Proxy: PROXY });
    expect(names(await get('health/connect/WEB'))).toEqual(['native', 'p']);
    expect(names(await get('health/connect/web?filter=Service.Kind==%22connect-proxy%22'))).toEqual(['p']);
    expect(await get('catalog/connect/web')).toMatchObject([{ ServiceID: 'native' }, { ServiceID: 'p' }]);
    await register({ Kind: 'connect-proxy', ID: 'p', Service: 'web-proxy', Proxy: {} });
    expect(names(await get('health/connect/web'))).toEqual(['native']);
  });

  it('wakes who waits for it', async () => {
    const first = await fetch(`${url}/health/connect/web`);
    const waiting = fetch(`${url}/health/connect/web?index=${first.headers.get('x-consul-index')}&wait=60s`);
    await register({ Kind: 'connect-proxy', ID: 'p', Service: 'web-proxy', Proxy: PROXY });
    expect(names(await (await waiting).json())).toEqual(['p']);
  });

  it('is nothing when all of it is zero: what was answered may be sent back', async () => {
    await register({ ID: 'a', Service: 'web' });
    const [before] = (await get('catalog/service/web')) as { ModifyIndex: number }[];
    await register({
      ID: 'a',
      Service: 'web',
      Proxy: { Mode: '', MeshGateway: {}, Expose: {} },
      Connect: {},
    });
    expect(await get('catalog/service/web')).toEqual([before]);
  });

  it('does not make one: what needs a mesh is refused in words that clients know', async () => {
    for (const path of [
      'connect/ca/roots',
      'connect/intentions',
      'agent/connect/ca/leaf/web',
      'discovery-chain/web',
    ]) {
      const response = await fetch(`${url}/${path}`);
      expect([response.status, await response.text()]).toEqual([
        500,
        'Connect must be enabled in order to use this endpoint',
      ]);
    }
  });
});
