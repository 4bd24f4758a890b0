import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Api, startApi } from '../server.ts';
import { testContext } from '../test-context.ts';

let api: Api;
let url: string;
beforeEach(async () => {
  api = await startApi({ context: testContext().context, host: '127.0.0.1', port: 0 });
  url = `http://127.0.0.1:${api.address.port}/v1`;
});
afterEach(() => api.stop());

const put = async (body: unknown, query = '') => {
  const response = await fetch(`${url}/config${query}`, { method: 'PUT', body: JSON.stringify(body) });
  return [response.status, await response.text()] as const;
};
const get = async (path: string) => (await fetch(`${url}/config/${path}`)).json();

describe('config entries', () => {
  it.each([
    [
      { kind: 'service-resolver', name: 'r', connect_timeout: '15s', Subsets: { v1: { filter: 'x' } } },
      { Kind: 'service-resolver', Name: 'r', ConnectTimeout: '15s', Subsets: { v1: { Filter: 'x' } } },
    ],
    [
      {
        Kind: 'service-resolver',
        Name: 'h',
        LoadBalancer: {
          Policy: 'maglev',
          HashPolicies: [{ Field: 'cookie', FieldValue: 'c', CookieConfig: { TTL: '20s' } }],
        },
      },
      { LoadBalancer: { HashPolicies: [{ CookieConfig: { TTL: 20_000_000_000 } }] } },
    ],
    [
      { Kind: 'service-splitter', Name: 's', Splits: [{ Weight: 90.004 }, { weight: '10', Service: 'b' }] },
      { Kind: 'service-splitter', Name: 's', Splits: [{ Weight: 90 }, { Weight: 10, Service: 'b' }] },
    ],
    [
      { Kind: 'proxy-defaults', Name: 'global', Config: { a: { b: [1] } } },
      { Kind: 'proxy-defaults', Name: 'global', Config: { a: { b: [1] } }, MeshGateway: {}, Expose: {} },
    ],
    [
      {
        Kind: 'service-intentions',
        Name: 'i',
        Sources: [
          { Name: '*', Action: 'deny' },
          { Name: 'a', Action: 'allow' },
        ],
      },
      {
        Kind: 'service-intentions',
        Sources: [
          { Name: 'a', Action: 'allow', Precedence: 9, Type: 'consul' },
          { Name: '*', Action: 'deny', Precedence: 8, Type: 'consul' },
        ],
      },
    ],
    [
      { Kind: 'ingress-gateway', Name: 'g', Listeners: [{ Port: 80, Services: { Name: '*' } }] },
      {
        TLS: { Enabled: false },
        Listeners: [{ Port: 80, Protocol: 'tcp', Services: [{ Name: '*', Hosts: null }] }],
      },
    ],
    [{ Kind: 'terminating-gateway', Name: 't' }, { Services: null }],
    [
      {
        Kind: 'service-router',
        Name: 'w',
        Routes: [{ Match: { HTTP: { Header: [{ Name: 'x', Present: true }] } } }],
      },
      { Routes: [{ Match: { HTTP: { Header: [{ Name: 'x', Present: true }] } } }] },
    ],
  ])('%j is kept', async (body, expected) => {
    expect(await put(body)).toEqual([200, 'true']);
    const { Kind: kind = (body as { Kind?: string }).Kind } = expected as { Kind?: string };
    const name = (body as { Name?: string }).Name ?? 'r';
    const entry = (await get(`${kind}/${name}`)) as object;
    expect(entry).toMatchObject(expected);
    // What was answered can be written again and changes nothing.
    expect(await put(entry)).toEqual([200, 'true']);
    expect(await get(`${kind}/${name}`)).toEqual(entry);
    expect(await get(kind as string)).toEqual([entry]);
  });

  it('mesh has no name', async () => {
    await put({ Kind: 'mesh', TransparentProxy: { MeshDestinationsOnly: true } });
    expect(await get('mesh/mesh')).toEqual({
      Kind: 'mesh',
      TransparentProxy: { MeshDestinationsOnly: true },
      CreateIndex: 2,
      ModifyIndex: 2,
    });
  });

  it.each([
    [{ Kind: 'service-defaults', Name: 'x', Colour: 1 }, 400, 'invalid config key "Colour"'],
    [
      { Kind: 'service-defaults', Name: 'x', MeshGateway: { Mod: 1 } },
      400,
      'invalid config key "MeshGateway.Mod"',
    ],
    [
      { Kind: 'service-defaults', Name: 'x', Namespace: 'n' },
      400,
      'namespaces are a consul enterprise feature',
    ],
    [{ Kind: 'service-defaults', Name: 'x', Expose: 'no' }, 400, "'Expose' expected type 'struct'"],
    [{ Kind: 'service-resolver', Name: 'x', ConnectTimeout: '1y' }, 400, 'unknown unit "y"'],
    [{ Kind: 7 }, 400, 'Kind value in payload is not a string'],
    [[], 400, 'cannot unmarshal'],
    [{ Kind: 'service-defaults' }, 500, 'Name is required'],
    [{ Kind: 'proxy-defaults', Name: 'x' }, 500, 'only "global" is supported'],
    [{ Kind: 'service-splitter', Name: 'x', Splits: [{ Weight: 99 }] }, 500, 'must be 100, not 99.000000'],
    [
      { Kind: 'service-intentions', Name: 'x', Sources: [{ Name: 'a' }] },
      500,
      "must be set to 'allow' or 'deny'",
    ],
  ])('%j is refused', async (body, status, words) => {
    const [got, text] = await put(body);
    expect([got, text]).toEqual([status, expect.stringContaining(words)]);
  });

  it('are deleted only at the index that was seen', async () => {
    await put({ Kind: 'service-defaults', Name: 'a' });
    const remove = async (query: string) =>
      (await fetch(`${url}/config/service-defaults/a${query}`, { method: 'DELETE' })).json();
    expect(await remove('?cas=7')).toBe(false);
    expect(await remove('?cas=2')).toBe(true);
    expect(await remove('?cas=2')).toBe(false);
    expect(await remove('')).toEqual({});
  });

  it('wake who waits for them', async () => {
    const before = await fetch(`${url}/config/service-defaults`);
    const index = before.headers.get('x-consul-index');
    await put({ Kind: 'service-defaults', Name: 'a' });
    const second = (await fetch(`${url}/config/service-defaults`)).headers.get('x-consul-index');
    const waiting = fetch(`${url}/config/service-defaults?index=${second}&wait=20s`);
    await put({ Kind: 'service-defaults', Name: 'b' });
    expect(await (await waiting).json()).toHaveLength(2);
    expect(Number(second)).toBeGreaterThanOrEqual(Number(index));
  });
});

it('the keyring of an agent without encryption is empty', async () => {
  const read = await fetch(`${url}/operator/keyring`);
  expect([read.status, await read.text()]).toEqual([
    500,
    '4 errors occurred:\n\t* WAN error: 1/1 nodes reported failure\n\t* test-1.dc1: Keyring is empty (encryption not enabled)\n\t* dc1 (LAN) error: 1/1 nodes reported failure\n\t* test-1: Keyring is empty (encryption not enabled)\n\n',
  ]);
  const write = await fetch(`${url}/operator/keyring`, { method: 'POST', body: '{"Key":"x"}' });
  expect(await write.text()).toContain('No keyring to modify (encryption not enabled)');
  expect((await fetch(`${url}/operator/keyring?relay-factor=9`)).status).toBe(400);
});
