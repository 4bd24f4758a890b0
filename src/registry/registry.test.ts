import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { register } from '../catalog/commands/register.ts';
import { instancesOf } from '../catalog/views.ts';
import { systemClock } from '../lib/clock.ts';
import { soon } from '../lib/soon.test-support.ts';
import { nodeRow } from './node.ts';
import { isRegistered } from './registered.ts';
import {
  check,
  checkRow,
  inService,
  NODE,
  rowOf,
  service,
  settle,
  setUp,
  TTL,
} from './world.test-support.ts';

describe('registry', () => {
  it('notices what is not told any more, and nothing else, when somebody sets the time', async () => {
    const { registry } = await setUp({ clock: systemClock });
    const { now } = Date;
    let shift = 0;
    const mocked = vi.spyOn(Date, 'now').mockImplementation(() => now() + shift);
    onTestFinished(() => mocked.mockRestore());
    const short = inService({ ttl: 100 }, { id: 'short', status: 'passing' });
    const long = inService({ ttl: 1_800_000 }, { id: 'long', status: 'passing' });
    await registry.registerService(service('web', { checks: [short, long] }));
    const statuses = () => Object.fromEntries(registry.checks().map(({ id, status }) => [id, status]));
    shift = -3_600_000;
    await soon(() => expect(statuses()).toEqual({ short: 'critical', long: 'passing' }));
    await registry.updateTtl('short', 'passing', '');
    shift = 3_600_000;
    await soon(() => expect(statuses()).toEqual({ short: 'critical', long: 'passing' }));
  });

  it('registers its node, the service of the servers and the member check', async () => {
    const { store } = await setUp();
    expect(store.catalog.get('nodes', 'n1')).toMatchObject({
      id: NODE.id,
      taggedAddresses: { lan: '127.0.0.1', lan_ipv4: '127.0.0.1', wan: '127.0.0.1', wan_ipv4: '127.0.0.1' },
    });
    expect(instancesOf(store.catalog, 'consul')).toMatchObject([
      { service: { id: 'consul', port: 8300 }, checks: [{ id: 'serfHealth', status: 'passing' }] },
    ]);
  });

  it('has a registration in the catalog when it is acknowledged, and takes it out again', async () => {
    const { registry, store } = await setUp();
    await registry.registerService(service('web', { port: 80, checks: [inService(TTL)] }));
    expect(rowOf(store, 'web')).toMatchObject({ name: 'web', port: 80 });
    expect(checkRow(store, 'service:web')).toMatchObject({ status: 'critical', serviceName: 'web' });
    expect(await registry.deregisterService('web')).toBe(true);
    expect(rowOf(store, 'web')).toBeUndefined();
    expect(checkRow(store, 'service:web')).toBeUndefined();
    expect(await registry.deregisterService('web')).toBe(false);
  });

  it('does not move an index when nothing changes', async () => {
    const { registry, store, clock } = await setUp();
    await registry.registerService(service('web', { address: '10.0.0.1', checks: [inService(TTL)] }));
    const { index } = store.catalog;
    await registry.registerService(service('web', { address: '10.0.0.1', checks: [inService(TTL)] }));
    clock.advance(9_000);
    await settle();
    expect(store.catalog.index).toBe(index);
  });

  it('keeps no output of checks where that is said', async () => {
    const { registry, store } = await setUp({ limits: { discardOutput: true } });
    await registry.registerService(service('web', { checks: [inService(TTL, { id: 'a' })] }));
    await registry.updateTtl('a', 'passing', 'with the time of now');
    expect(registry.checks()).toMatchObject([{ id: 'a', status: 'passing', output: '' }]);
    expect(checkRow(store, 'a')).toMatchObject({ status: 'passing', output: '' });
  });

  it('keeps the state of checks that are registered again, and other checks unless told to replace them', async () => {
    const { registry } = await setUp();
    const definition = service('web', { checks: [inService(TTL, { id: 'a' }), inService(TTL, { id: 'b' })] });
    await registry.registerService(definition);
    await registry.updateTtl('a', 'passing', 'fine');
    await registry.registerService(service('web', { checks: [inService(TTL, { id: 'a' })] }));
    expect(registry.checks()).toMatchObject([{ id: 'a', status: 'passing', output: 'fine' }, { id: 'b' }]);
    await registry.registerService(service('web', { checks: [inService(TTL, { id: 'a' })] }), {
      replaceExistingChecks: true,
    });
    expect(registry.checks()).toMatchObject([{ id: 'a', status: 'passing' }]);
  });

  it('knows what is registered just so', async () => {
    const { registry } = await setUp();
    const two = service('web', { port: 1, checks: [inService(TTL), inService(TTL)] });
    expect(isRegistered(registry, two)).toBe(false);
    await registry.registerService(two);
    await registry.updateTtl('service:web:1', 'passing', 'fine');
    await registry.registerCheck(check('of somebody else', TTL, 'web'));
    await registry.maintain('web', 'why not');
    expect(isRegistered(registry, two)).toBe(true);
    expect(isRegistered(registry, { ...two, tags: ['a'] })).toBe(false);
    expect(isRegistered(registry, { ...two, checks: [inService(TTL)] })).toBe(false);
    expect(isRegistered(registry, { ...two, checks: [] })).toBe(false);
  });

  it('moves a service that changes its name, with its checks', async () => {
    const { registry, store } = await setUp();
    await registry.registerService(service('old', { id: 'x', checks: [inService(TTL)] }));
    await registry.registerService(service('new', { id: 'x' }));
    expect(instancesOf(store.catalog, 'old')).toEqual([]);
    expect(instancesOf(store.catalog, 'new')).toMatchObject([{ service: { id: 'x' } }]);
    expect(registry.check('service:x')?.serviceName).toBe('new');
    expect(checkRow(store, 'service:x')?.serviceName).toBe('new');
  });

  it('makes a TTL check critical when its owner falls silent, and not a moment before', async () => {
    const { registry, store, clock } = await setUp();
    await registry.registerCheck(check('beat', TTL));
    await registry.updateTtl('beat', 'passing', 'ok');
    expect(checkRow(store, 'beat')).toMatchObject({ status: 'passing', output: 'ok' });
    clock.advance(9_999);
    await registry.updateTtl('beat', 'passing', 'ok');
    clock.advance(9_999);
    expect(registry.check('beat')?.status).toBe('passing');
    clock.advance(1);
    await settle();
    expect(checkRow(store, 'beat')).toMatchObject({
      status: 'critical',
      output: 'TTL expired (last output before timeout follows): ok',
    });
  });

  it('quotes what the owner of a TTL check said last, not itself, when it is registered again and expires again', async () => {
    const { registry, clock } = await setUp();
    const ttl = service('web', { checks: [inService(TTL)] });
    const expire = async () => {
      await registry.registerService(ttl);
      clock.advance(10_000);
      await settle();
      return registry.check('service:web')?.output;
    };
    expect([await expire(), await expire()]).toEqual(['TTL expired', 'TTL expired']);
    await registry.updateTtl('service:web', 'passing', 'ok');
    const quoted = 'TTL expired (last output before timeout follows): ok';
    expect([await expire(), await expire()]).toEqual([quoted, quoted]);
  });

  it('takes no heartbeat for what is no TTL check', async () => {
    const { registry } = await setUp();
    await registry.registerCheck(check('alias', { aliasService: 'x' }));
    expect(await registry.updateTtl('alias', 'passing', '')).toBe(false);
    expect(await registry.updateTtl('nobody', 'passing', '')).toBe(false);
  });

  it('writes a change of output alone some minutes later, together with what came meanwhile', async () => {
    const { registry, store, clock } = await setUp({ checkUpdateInterval: 100_000 });
    await registry.registerCheck(check('beat', { ttl: 1_000_000 }));
    // The first result is written at once, also when its status is the one that the check began with.
    await registry.updateTtl('beat', 'critical', 'zero');
    expect(checkRow(store, 'beat')?.output).toBe('zero');
    await registry.updateTtl('beat', 'passing', 'one');
    await registry.updateTtl('beat', 'passing', 'two');
    expect(registry.check('beat')?.output).toBe('two');
    expect(checkRow(store, 'beat')?.output).toBe('one');
    await registry.updateTtl('beat', 'passing', 'three');
    clock.advance(50_000);
    await settle();
    expect(checkRow(store, 'beat')?.output).toBe('three');
  });

  it('takes a service down when its check stays critical, but not one that recovers', async () => {
    const { registry, store, clock } = await setUp();
    const definition = (name: string) =>
      service(name, { checks: [inService({ ...TTL, deregisterCriticalServiceAfter: 5_000 })] });
    await registry.registerService(definition('lost'));
    await registry.registerService(definition('back'));
    clock.advance(14_999);
    await registry.updateTtl('service:back', 'passing', '');
    expect(rowOf(store, 'lost')).toBeDefined();
    clock.advance(1);
    await settle();
    expect(rowOf(store, 'lost')).toBeUndefined();
    expect(registry.service('lost')).toBeUndefined();
    expect(rowOf(store, 'back')).toBeDefined();
  });

  it('puts a service and the node into maintenance and back', async () => {
    const { registry, store } = await setUp();
    await registry.registerService(service('web'));
    expect(await registry.maintain('web', 'upgrade')).toBe(true);
    expect(await registry.maintain('web', 'another reason')).toBe(true);
    expect(checkRow(store, '_service_maintenance:web')).toMatchObject({
      status: 'critical',
      notes: 'upgrade',
    });
    await registry.maintain('web', undefined);
    expect(checkRow(store, '_service_maintenance:web')).toBeUndefined();
    expect(await registry.maintain('nobody', '')).toBe(false);
    await registry.maintain('', '');
    expect(checkRow(store, '_node_maintenance')?.notes).toContain('no reason was provided');
  });

  it('refuses checks that it cannot carry out, and keeps nothing of their service', async () => {
    const { registry, store } = await setUp();
    const script = inService({ args: ['true'], interval: 1000 });
    await expect(registry.registerService(service('web', { checks: [script] }))).rejects.toThrow(
      'Scripts are disabled on this agent',
    );
    expect(registry.service('web')).toBeUndefined();
    expect(rowOf(store, 'web')).toBeUndefined();
    await expect(registry.registerCheck(check('c', TTL, 'nobody'))).rejects.toThrow(
      'ServiceID "nobody" does not exist',
    );
  });

  it('lets those run programs who may', async () => {
    const script = check('script', { args: ['echo', 'fine'], interval: 1000 });
    const fromFile = { services: [], checks: [{ ...script, name: 'from-file' }] };
    const nobody = await setUp({ definitions: fromFile });
    expect(nobody.registry.check('from-file')).toBeUndefined();
    const config = await setUp({ definitions: fromFile, scripts: 'config' });
    expect(config.registry.check('from-file')).toBeDefined();
    await expect(config.registry.registerCheck(script)).rejects.toThrow('from remote calls');
    const { registry, clock } = await setUp({ scripts: 'anybody' });
    await registry.registerCheck(script);
    clock.advance(10);
    await soon(() =>
      expect(registry.check('script')).toMatchObject({
        type: 'script',
        status: 'passing',
        output: 'fine\n',
      }),
    );
  });

  it('takes no more than it has room for', async () => {
    const { registry } = await setUp({ limits: { services: 1, checks: 1 } });
    await registry.registerService(service('a', { checks: [inService(TTL)] }));
    await registry.registerService(service('a', { checks: [inService(TTL)] }));
    await expect(registry.registerService(service('b'))).rejects.toThrow('1 services already');
    await expect(registry.registerCheck(check('c', TTL))).rejects.toThrow('at most 1 checks');
  });

  it('mirrors the checks of another service at once', async () => {
    const { registry, store } = await setUp();
    await registry.registerService(
      service('db', { checks: [inService(TTL, { id: 'db-c', name: 'db check' })] }),
    );
    await registry.registerService(
      service('web', { checks: [inService({ aliasService: 'db' }, { id: 'mirror' })] }),
    );
    await settle();
    expect(checkRow(store, 'mirror')).toMatchObject({
      status: 'critical',
      output: 'Aliased check "db check" failing: ',
    });
    await registry.updateTtl('db-c', 'passing', '');
    await settle();
    expect(checkRow(store, 'mirror')).toMatchObject({ status: 'passing', output: 'All checks passing.' });
    await registry.deregisterService('db');
    await settle();
    expect(checkRow(store, 'mirror')?.output).toBe('Service db could not be found on node ');
  });

  it('comes to rest when mirrors mirror each other', async () => {
    const { registry } = await setUp();
    await registry.registerService(service('s1'));
    await registry.registerService(service('s2'));
    await registry.registerCheck(check('a', { aliasService: 's1' }));
    await registry.registerCheck(check('b', { aliasService: 's2' }));
    await registry.registerCheck(check('c', TTL));
    await settle();
    expect(registry.checks()).toMatchObject([
      { status: 'critical' },
      { status: 'critical' },
      { status: 'critical' },
    ]);
    expect(registry.check('a')?.output.length).toBeLessThan(5000);
  });

  it('mirrors a service of another node as the catalog shows it', async () => {
    const { registry, store } = await setUp();
    const other = { ...nodeRow({ ...NODE, id: '', name: 'n2' }) };
    await registry.registerCheck(check('mirror', { aliasNode: 'n2', aliasService: 'db' }));
    await settle();
    expect(checkRow(store, 'mirror')?.output).toBe('Service db could not be found on node n2');
    const db = { ...service('db', { id: 'db' }), taggedAddresses: null };
    const { checks: _none, ...row } = db;
    await store.write((tx) => register(tx, { node: other, service: row }));
    await settle();
    expect(checkRow(store, 'mirror')).toMatchObject({ status: 'passing', output: 'No checks found.' });
  });

  it('wakes who waits for the definition of a service', async () => {
    const { registry } = await setUp();
    await registry.registerService(service('web', { port: 1 }));
    const waiting = registry.serviceChange('web', new AbortController().signal);
    await registry.registerService(service('web', { port: 2 }));
    expect(await waiting).toBe(true);
  });

  it('carries out probes and shows their result', async () => {
    const server = createServer((_request, response) => response.end('all well'));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    const { registry, store } = await setUp({ clock: systemClock });
    const passed = new Promise<void>((resolve) => {
      store.catalog.feed.subscribe(({ changes }) => {
        if (
          changes.some(({ after }) => after !== undefined && 'output' in after && after.status === 'passing')
        )
          resolve();
      });
    });
    const probe = inService({ http: `http://127.0.0.1:${port}/`, interval: 1000, timeout: 5000 });
    await registry.registerService(service('web', { port, checks: [probe] }));
    await passed;
    expect(checkRow(store, 'service:web')?.output).toContain('200 OK Output: all well');
    await new Promise((resolve) => server.close(resolve));
  });
});

it('a timeout longer than timers reach does not run out at once', async () => {
  const server = createServer((_request, response) => {
    setTimeout(() => response.end('slow but well'), 20);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const { registry, store } = await setUp({ clock: systemClock });
  const probe = inService({
    http: `http://127.0.0.1:${port}/`,
    interval: 1000,
    timeout: 9_999_999 * 3_600_000,
  });
  const first = new Promise<string>((resolve) => {
    store.catalog.feed.subscribe(({ changes }) => {
      for (const { after } of changes)
        if (after !== undefined && 'output' in after && after.output !== '') resolve(after.status);
    });
  });
  await registry.registerService(service('web', { port, checks: [probe] }));
  expect(await first).toBe('passing');
  await new Promise((resolve) => server.close(resolve));
});
