import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { silentLogger } from '../../lib/log.ts';
import { PLAIN_HANDLING } from '../../route/handling.ts';
import type { RouteView, TargetView } from '../../route/view.ts';
import { ROOT, startAclWorld } from '../acl/world.test-support.ts';
import { type Admin, type AdminOptions, startAdmin } from './admin.ts';
import { ADMIN_ENDPOINTS } from './endpoints.ts';
import { FABIO_SETTINGS, fabioConfig } from './fabio.ts';
import type { ManualStore } from './manual.ts';

const target = (port: number, more: Partial<TargetView> = {}): TargetView => ({
  instance: `n/${port}`,
  service: 'uisvc',
  node: 'n',
  serviceId: String(port),
  host: '127.0.0.1',
  port,
  url: `http://127.0.0.1:${port}/`,
  share: 1,
  fixedWeight: 0,
  options: [],
  tags: [],
  slot: 0,
  out: '',
  obstacle: '',
  ...more,
});

const route = (host: string, path: string, ...targets: TargetView[]): RouteView => ({
  id: host + path,
  host,
  path,
  service: 'uisvc',
  strategy: 'rr',
  kind: 'http',
  handling: PLAIN_HANDLING,
  slot: 0,
  aliases: [],
  isInForce: true,
  targets,
});

let routes: RouteView[] = [];
let admin: Admin;
const problem = { service: 's', instance: 'n/s', tag: 'urlprefix-<b>', reason: 'no' };

const start = (port = 0, more: Partial<AdminOptions> = {}) =>
  startAdmin({
    router: { routes: () => routes, problems: () => [problem], applied: () => Promise.resolve() },
    log: silentLogger,
    address: { host: '127.0.0.1', port },
    version: '1.2.3',
    settings: () => fabioConfig(FABIO_SETTINGS),
    title: 'My <title>',
    dashboard: 'http://127.0.0.1:8500/ui/',
    ...more,
  });

beforeAll(async () => {
  admin = await start();
});
afterAll(() => admin.stop());

async function get(path: string, method = 'GET') {
  const url = `http://127.0.0.1:${admin.address.port}${path}`;
  const response = await fetch(url, { method, redirect: 'manual' });
  return {
    status: response.status,
    type: response.headers.get('content-type'),
    location: response.headers.get('location'),
    body: await response.text(),
  };
}

describe('admin API', () => {
  it('lists routes in the shape and field order of fabio', async () => {
    routes = [route('ui.test', '/foo', target(80, { options: ['strip=/foo'], tags: ['v1'] }))];
    expect(await get('/api/routes')).toMatchObject({
      status: 200,
      type: 'application/json; charset=utf-8',
      body: '[{"service":"uisvc","host":"ui.test","path":"/foo","src":"ui.test/foo","dst":"http://127.0.0.1:80/","opts":"strip=/foo","weight":1,"tags":["v1"],"cmd":"route add","rate1":0,"pct99":0}]',
    });
  });

  it('indents by four when asked to', async () => {
    routes = [route('ui.test', '/', target(80))];
    expect((await get('/api/routes?pretty')).body).toMatch(/^\[\n {4}\{\n {8}"service": /);
  });

  it('leaves out instances that are not healthy, and is null without any', async () => {
    routes = [route('ui.test', '/', target(80, { out: 'critical', share: 0 }))];
    expect((await get('/api/routes')).body).toBe('null');
  });

  it('writes routes as commands, the last host first and those without a host at the end', async () => {
    routes = [
      route('', '/x', target(1)),
      route(
        'a.test',
        '/',
        target(2, { fixedWeight: 0.5, share: 0.5, tags: ['v1', 'x'], options: ['y=z', 'bare', 'strip=/a'] }),
      ),
      route('b.test', '/', target(3), target(4, { share: 0 })),
    ];
    const { type, body } = await get('/api/routes?raw');
    expect(type).toMatch(/^text\/plain/);
    expect(body).toBe(
      [
        'route add uisvc b.test/ http://127.0.0.1:3/',
        'route add uisvc a.test/ http://127.0.0.1:2/ weight 0.5000 tags "v1,x" opts "bare= strip=/a y=z"',
        'route add uisvc /x http://127.0.0.1:1/',
        '',
      ].join('\n'),
    );
  });

  it('shows the settings in force under the names of fabio', async () => {
    expect(JSON.parse((await get('/api/config')).body)).toMatchObject({
      Proxy: { Strategy: 'rnd', Matcher: 'prefix', NoRouteStatus: 404 },
      Registry: { Backend: 'consul', Consul: { TagPrefix: 'urlprefix-', KVPath: '/fabio/config' } },
      UI: { Access: 'rw' },
    });
  });

  it('has version, health and problems', async () => {
    expect((await get('/api/version')).body).toBe('1.2.3');
    expect((await get('/health')).body).toBe('OK\n');
    expect(JSON.parse((await get('/api/problems')).body)).toEqual([problem]);
  });

  it('shows a page on which nothing that was registered is markup', async () => {
    routes = [route('<i>.test', '/', target(80, { obstacle: '<script>' }))];
    const { type, body } = await get('/routes');
    expect(type).toBe('text/html; charset=utf-8');
    expect(body).toMatch(/^<!doctype html>[\s\S]*My &#60;title&#62;[\s\S]*8500\/ui/);
    expect(body).not.toMatch(/<script>|<i>|<b>/);
  });

  it('leads to the page from the root and from what it does not know', async () => {
    for (const path of ['/', '/what', '//'])
      expect(await get(path)).toMatchObject({ status: 303, location: '/routes', body: '' });
    expect(await get('/api/what')).toMatchObject({
      status: 404,
      body: expect.stringContaining('/api/routes'),
    });
  });

  it('answers HEAD without a body and refuses to be written to', async () => {
    expect(await get('/health', 'HEAD')).toMatchObject({ status: 200, body: '' });
    expect(await get('/api/routes', 'PUT')).toMatchObject({ status: 405 });
  });

  it('takes no text that is too long, and none at all when it is only to be read', async () => {
    const written: string[] = [];
    const manual: ManualStore = {
      read: async () => ({ value: '', version: '1' }),
      write: async (_path, value) => written.push(value) > 0,
      paths: async () => ['/'],
    };
    const put = async ({ address }: Admin, bytes: number) => {
      const body = JSON.stringify({ value: `#${'x'.repeat(bytes)}`, version: '1' });
      const { status } = await fetch(`http://127.0.0.1:${address.port}/api/manual`, { method: 'PUT', body });
      return status;
    };
    const open = await start(0, { manual });
    expect(await put(open, 10)).toBe(200);
    expect(await put(open, 524_288)).toBe(413);
    await open.stop();
    const shut = await start(0, { manual, access: 'ro' });
    expect(await put(shut, 10)).toBe(403);
    await shut.stop();
    expect(written).toHaveLength(1);
  });

  it('a port in use is said in one sentence, and stopping twice is fine', async () => {
    const second = await start();
    await expect(start(second.address.port)).rejects.toMatchObject({ code: 'listen.in_use' });
    await second.stop();
    await second.stop();
  });
});

describe('with access control', () => {
  const OPEN = ['GET /health'];
  const calls = Object.entries(ADMIN_ENDPOINTS).flatMap(([path, { methods }]) =>
    methods
      .filter((method) => method !== 'HEAD')
      .map((method) => ({ name: `${method} ${path}`, method, path })),
  );

  it('every page asks the token of what it shows, but for health', async () => {
    const world = await startAclWorld();
    const written: string[] = [];
    const guarded = await startAdmin({
      router: { routes: () => routes, problems: () => [problem], applied: () => Promise.resolve() },
      log: silentLogger,
      address: { host: '127.0.0.1', port: 0 },
      version: '1.2.3',
      settings: () => fabioConfig(FABIO_SETTINGS),
      manual: {
        read: async () => ({ value: 'secret routes', version: '1' }),
        write: async (_path, value) => written.push(value) > 0,
        paths: async () => ['/'],
      },
      door: { acl: world.acl, node: world.context.node.name },
    });
    try {
      const ask = async ({ method, path }: { method: string; path: string }, token: string, query = '') => {
        const response = await fetch(`http://127.0.0.1:${guarded.address.port}${path}${query}`, {
          method,
          headers: token === '' ? {} : { 'X-Consul-Token': token },
          ...(method === 'PUT' ? { body: '{"value":"route del x","version":"1"}' } : {}),
        });
        return { status: response.status, text: await response.text() };
      };
      const { secret: weak } = await world.tokenWith('key_prefix "" { policy = "write" }');
      for (const token of ['', weak, 'nobody-knows-this'])
        for (const call of calls) {
          const { status, text } = await ask(call, token);
          expect([call.name, status]).toEqual([call.name, OPEN.includes(call.name) ? 200 : 403]);
          expect(text).not.toContain('secret routes');
        }
      expect(written).toEqual([]);
      for (const call of calls) expect([call.name, (await ask(call, ROOT)).status]).toEqual([call.name, 200]);
      expect(written).toEqual(['route del x']);
      expect((await ask({ method: 'GET', path: '/routes' }, '', `?token=${ROOT}`)).status).toBe(200);

      const all = ['service_prefix', 'node_prefix', 'key_prefix', 'agent_prefix'].map(
        (kind) => `${kind} "" { policy = "read" }`,
      );
      const { secret: reader } = await world.tokenWith(`operator = "read" ${all.join(' ')}`);
      for (const call of calls)
        expect([call.name, (await ask(call, reader)).status]).toEqual([
          call.name,
          call.method === 'PUT' ? 403 : 200,
        ]);
    } finally {
      await guarded.stop();
      await world.stop();
    }
  });
});
