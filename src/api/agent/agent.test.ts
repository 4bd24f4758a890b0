import { once } from 'node:events';
import { get as httpGet, type IncomingMessage } from 'node:http';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../lib/clock.ts';
import { createLogger, type LogSink, silentLogger } from '../../lib/log.ts';
import { type Registry, startRegistry } from '../../registry/registry.ts';
import { type Api, startApi } from '../server.ts';
import { testContext } from '../test-context.ts';
import { readCheckDefinition } from './check-body.ts';
import type { AgentControl } from './context.ts';
import { agentEndpoints } from './index.ts';
import { readServiceDefinition } from './service-body.ts';

let api: Api;
let registry: Registry;
let base: string;
const sinks = new Set<LogSink>();
const logger = createLogger({ level: 'trace', sink: (line) => sinks.forEach((sink) => void sink(line)) });
let reload: () => Promise<string[]>;
let left: boolean;
let cannotLeave: Error | undefined;

beforeEach(async () => {
  left = false;
  reload = () => Promise.resolve([]);
  const { context } = testContext();
  registry = await startRegistry({
    store: context.store,
    node: {
      id: context.node.id,
      name: context.node.name,
      address: '127.0.0.1',
      datacenter: 'dc1',
      server: { port: 8300 },
    },
    clock: systemClock,
    random: Math.random,
    logger: silentLogger,
  });
  const agent: AgentControl = {
    registry,
    reload: () => reload(),
    leave: async () => {
      if (cannotLeave !== undefined) throw cannotLeave;
      left = true;
    },
    tailLog: (sink) => {
      sinks.add(sink);
      return () => sinks.delete(sink);
    },
    dataDirectory: '.',
    prometheus: true,
    server: true,
  };
  api = await startApi({
    context: { ...context, agent },
    host: '127.0.0.1',
    port: 0,
    endpoints: agentEndpoints,
  });
  base = `http://127.0.0.1:${api.address.port}/v1/agent/`;
});

afterEach(async () => {
  await api.stop();
  await registry.stop();
});

async function ask(path: string, body?: unknown, method = body === undefined ? 'GET' : 'PUT') {
  const response = await fetch(base + path, {
    method,
    ...(body === undefined || method === 'GET'
      ? {}
      : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  });
  const text = await response.text();
  return { status: response.status, text, headers: response.headers };
}

const get = async (path: string): Promise<unknown> => JSON.parse((await ask(path)).text);
const put = (path: string, body: unknown = '') => ask(path, body, 'PUT');

/** Begins to read the log. */
function monitor(query: string): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    httpGet(`${base}monitor${query}`, { agent: false }, resolve).on('error', reject);
  });
}

describe('services of the agent', () => {
  it('are registered, shown and taken away', async () => {
    expect(await put('service/register', { Name: 'web', Port: 80, Address: '10.0.0.1' })).toMatchObject({
      status: 200,
      text: '',
    });
    expect(await get('service/web')).toEqual({
      ID: 'web',
      Service: 'web',
      Tags: [],
      Meta: {},
      Port: 80,
      Address: '10.0.0.1',
      TaggedAddresses: {
        lan_ipv4: { Address: '10.0.0.1', Port: 80 },
        wan_ipv4: { Address: '10.0.0.1', Port: 80 },
      },
      Weights: { Passing: 1, Warning: 1 },
      EnableTagOverride: false,
      ContentHash: expect.stringMatching(/^[0-9a-f]{1,16}$/),
      Datacenter: 'dc1',
    });
    expect(Object.keys((await get('services')) as object)).toEqual(['web']);
    await put('service/deregister/web');
    expect(await ask('service/web')).toMatchObject({ status: 404, text: 'unknown service ID: web' });
  });

  it.each<[unknown, string]>([
    [{}, 'Missing service name'],
    [{ Name: 'a', Address: '::' }, 'Invalid service address'],
    [{ Name: 'a', Weights: {} }, 'Invalid Weights: Passing must be greater than 0'],
    [
      { Name: 'a', Weights: { Passing: 1, Warning: 70_000 } },
      'Invalid Weights: DNS Weight must be between 0 and 65535',
    ],
    [
      { Name: 'a', Meta: { '': 'x' } },
      "Invalid Service Meta: Couldn't load metadata pair ('', 'x'): Key cannot be blank",
    ],
    [
      { Name: 'a', Meta: { 'consul-x': 'y' } },
      "Invalid Service Meta: Couldn't load metadata pair ('consul-x', 'y'): Key prefix 'consul-' is reserved for internal use",
    ],
    [
      { Name: 'a', Check: { TTL: '1s', Status: 'fine' } },
      "Status for checks must 'passing', 'warning', 'critical'",
    ],
    [{ Name: 'a', Check: { Name: 'x' } }, 'Invalid check: TTL must be > 0 for TTL checks'],
    [{ Name: 'a', Colour: 1 }, 'Request decode failed: json: unknown field "Colour"'],
  ])('refuses %j', async (body, text) => {
    expect(await put('service/register', body)).toMatchObject({ status: 400, text });
    expect(await get('services')).toEqual({});
  });

  it('take an empty check for none', async () => {
    expect((await put('service/register', { Name: 'a', Check: {} })).status).toBe(200);
    expect(await get('checks')).toEqual({});
  });

  it('answer a read that waits for a change when there is one', async () => {
    await put('service/register', { Name: 'web', Port: 1 });
    const { ContentHash: hash } = (await get('service/web')) as { ContentHash: string };
    const waiting = ask(`service/web?hash=${hash}&wait=60s`);
    await put('service/register', { Name: 'web', Port: 2 });
    expect(JSON.parse((await waiting).text)).toMatchObject({ Port: 2 });
    const gone = get('service/web').then((now) =>
      ask(`service/web?hash=${(now as { ContentHash: string }).ContentHash}&wait=60s`),
    );
    await put('service/deregister/web');
    expect((await gone).status).toBe(404);
    await put('service/register', { Name: 'web', Port: 2 });
    const same = (await get('service/web')) as { ContentHash: string };
    expect((await ask(`service/web?hash=${same.ContentHash}&wait=1ms`)).status).toBe(200);
  });

  it('can be filtered', async () => {
    await put('service/register', { Name: 'a', Tags: ['x'] });
    await put('service/register', { Name: 'b' });
    expect(Object.keys((await get('services?filter=x+in+Tags')) as object)).toEqual(['a']);
    expect((await ask('services?filter=Nope==1')).status).toBe(500);
  });

  it('go into maintenance with a reason', async () => {
    await put('service/register', { Name: 'web' });
    expect(await put('service/maintenance/web?enable=true&reason=repair')).toMatchObject({ status: 200 });
    expect(await ask('health/service/id/web?format=text')).toMatchObject({
      status: 503,
      text: 'maintenance',
    });
    expect(await put('service/maintenance/web')).toMatchObject({
      status: 400,
      text: 'Missing value for enable',
    });
    expect(await put('service/maintenance/none?enable=true')).toMatchObject({ status: 404 });
  });
});

describe('checks of the agent', () => {
  it('take heartbeats', async () => {
    await put('check/register', { Name: 'beat', TTL: '1h', Notes: 'n' });
    await put('check/pass/beat?note=all+well');
    expect(await get('checks')).toMatchObject({
      beat: { Status: 'passing', Output: 'all well', Type: 'ttl', Interval: '0s', Notes: 'n' },
    });
    await put('check/update/beat', { Status: 'warning', Output: 'so-so' });
    expect(await get('checks')).toMatchObject({ beat: { Status: 'warning', Output: 'so-so' } });
    expect(await put('check/update/beat', { Status: 'green' })).toMatchObject({
      status: 400,
      text: "Invalid check status: 'green'",
    });
    expect(await put('check/fail/nobody')).toMatchObject({
      status: 500,
      text: 'CheckID "nobody" does not have associated TTL',
    });
  });

  it('decide about the health of a service with the worst of them', async () => {
    await put('service/register', { ID: 'a', Name: 'web', Check: { TTL: '1h', Status: 'passing' } });
    await put('service/register', { ID: 'b', Name: 'web', Check: { TTL: '1h', Status: 'warning' } });
    expect((await ask('health/service/id/a')).status).toBe(200);
    const all = await ask('health/service/name/web');
    expect(all.status).toBe(429);
    expect(all.headers.get('x-consul-reason')).toBe('warning');
    await put('check/register', { Name: 'node', TTL: '1h' });
    expect((await ask('health/service/id/a')).status).toBe(503);
  });

  it('say the type of what they answer for a service that is not there: JSON, also of a text', async () => {
    const answer = await ask('health/service/id/none?format=text');
    expect(answer).toMatchObject({ status: 404, text: '"ServiceId none not found"\n' });
    expect(answer.headers.get('content-type')).toBe('application/json');
  });
});

describe('the agent', () => {
  it.each([
    ['', 200],
    ['_all', 200],
    ['some', 500],
  ])('members of the segment "%s" are answered with %i', async (segment, status) => {
    expect((await fetch(`${base}members?segment=${segment}`)).status).toBe(status);
  });

  it('tells about itself and its members', async () => {
    expect(await get('self')).toMatchObject({
      Config: { NodeName: 'test-1', Datacenter: 'dc1', Server: true },
      Member: { Name: 'test-1', Status: 1, Tags: { role: 'consul' } },
      Stats: {
        agent: { services: '0' },
        consul: { leader: 'true', leader_addr: '127.0.0.1:8300' },
        raft: { state: 'Leader', num_peers: '0' },
      },
    });
    expect(await get('members?wan=1')).toMatchObject([{ Name: 'test-1.dc1' }]);
    expect(await get('host')).toMatchObject({ Memory: { total: expect.any(Number) }, Errors: null });
  });

  it('measures itself, also for Prometheus', async () => {
    expect(await get('metrics')).toMatchObject({ Gauges: expect.any(Array), Counters: [], Samples: [] });
    const { text } = await ask('metrics?format=prometheus');
    expect(text).toMatch(/^# HELP consul_runtime_alloc_bytes .*\n# TYPE consul_runtime_alloc_bytes gauge\n/);
    for (const line of text.trimEnd().split('\n')) expect(line).toMatch(/^# |^[a-z_]+ \d+$/);
  });

  it('sends its log to who asks, from the level that was asked for', async () => {
    const response = await monitor('?loglevel=warn&logjson');
    logger.info('not this');
    logger.warn('but this', { a: 1 });
    const [line] = (await once(response, 'data')) as [Buffer];
    expect(JSON.parse(line.toString())).toMatchObject({ message: 'but this', a: 1 });
    response.destroy();
    expect(await ask('monitor?loglevel=loud')).toMatchObject({
      status: 400,
      text: 'Bad request: Unknown log level: loud',
    });
  });

  it('gives the level in brackets, as Consul does in text', async () => {
    const response = await monitor('?loglevel=debug');
    for (const sink of sinks) sink({ time: 0, level: 'info', part: 'http', message: 'a', fields: { b: 1 } });
    const [line] = (await once(response, 'data')) as [Buffer];
    expect(line.toString()).toBe('1970-01-01T00:00:00.000Z [INFO]  http: a b=1\n');
    response.destroy();
  });

  it('forgets a reader of its log who went away', async () => {
    const response = await monitor('');
    expect(sinks.size).toBe(1);
    response.destroy();
    while (sinks.size > 0) await new Promise((resolve) => setImmediate(resolve));
  });

  it('reloads, and says what is wrong when it cannot', async () => {
    expect(await put('reload')).toMatchObject({ status: 200, text: '' });
    reload = () => Promise.resolve(['balancer.listen']);
    expect(JSON.parse((await put('reload')).text)).toEqual({ NeedProcess: ['balancer.listen'] });
    reload = () => Promise.reject(new Error('line 3: no such key'));
    expect(await put('reload')).toMatchObject({ status: 500, text: 'line 3: no such key' });
  });

  it('joins itself and nobody else while it stands alone', async () => {
    expect((await put('join/127.0.0.1:8301')).status).toBe(200);
    expect((await put('join/127.0.0.1')).status).toBe(200);
    const { status, text } = await put('join/127.0.0.1:1');
    expect(status).toBe(500);
    expect(text).toContain('Failed to join 127.0.0.1:1');
    expect(text).toContain('start it with -retry-join=127.0.0.1:1');
    expect(await put('force-leave/nobody')).toMatchObject({
      status: 500,
      text: "agent: No node found with name 'nobody'",
    });
  });

  it('leaves only when told to with PUT', async () => {
    expect((await ask('leave')).status).toBe(405);
    expect(left).toBe(false);
    cannotLeave = new Error('No cluster leader');
    expect(await put('leave')).toMatchObject({
      status: 500,
      text: expect.stringMatching(/could not be told: No cluster leader.*muster force-leave/),
    });
    cannotLeave = undefined;
    expect((await put('leave')).status).toBe(200);
    expect(left).toBe(true);
  });
});

describe('definitions from the configuration', () => {
  it('are read as those of requests', () => {
    expect(
      readServiceDefinition({
        id: 'a',
        name: 'web',
        enable_tag_override: true,
        checks: [{ id: 'c', ttl: '2s' }],
      }),
    ).toMatchObject({
      id: 'a',
      name: 'web',
      enableTagOverride: true,
      checks: [{ id: 'c', spec: { ttl: 2000 } }],
    });
    expect(readCheckDefinition({ name: 'disk', ttl: '1m', service_id: 'a' })).toMatchObject({
      name: 'disk',
      serviceId: 'a',
      spec: { ttl: 60_000 },
    });
    expect(() => readServiceDefinition({ name: 'web', prot: 1 })).toThrow('json: unknown field "prot"');
  });
});
