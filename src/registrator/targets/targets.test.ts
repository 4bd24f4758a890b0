import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { freePorts } from '../../../scripts/support/processes.mjs';
import { missingPrograms } from '../../../scripts/support/system-packages.mjs';
import { soon } from '../../lib/soon.test-support.ts';
import type { Target } from '../target.ts';
import type { WantedService } from '../wanted.ts';
import { printOf, registrationOf } from './consul.ts';
import { etcdOptionsFromEnv } from './etcd-env.ts';
import { ownerNumber } from './keys.ts';
import { targetOf } from './uri.ts';

const signal = new AbortController().signal;
const options = { env: {}, hostname: 'here', ttl: 0 };

function service(id: string, name = 'web'): WantedService {
  return {
    id,
    name,
    address: 'fd00::1',
    port: 80,
    tags: ['a'],
    meta: {},
    tagOverride: false,
    check: undefined,
    verdict: undefined,
    container: { id: 'c', name: 'c' },
  };
}

describe('the URI of a registry', () => {
  it.each([
    ['skydns2://127.0.0.1:2379', /its domain is missing: skydns2:/],
    ['etcd-legacy://127.0.0.1:2379', /write etcd:/],
    ['zookeeper://zk/base', /ZooKeeper is no registry/],
    ['cnosul://x', /did you mean consul:\/\/\?/],
    ['127.0.0.1:8500', /expected one of consul/],
    ['consulkv://127.0.0.1:8500', /a prefix for the keys is missing/],
    ['consulkv-unix:///socket', /write consulkv-unix/],
  ])('%s is refused with what to do', (uri, message) => {
    expect(() => targetOf(uri, options)).toThrow(message);
  });
});

describe('the way to etcd', () => {
  const files = { ETCD_CA_CERT_FILE: '/dev/null', ETCD_CERT_FILE: '/dev/null', ETCD_KEY_FILE: '/dev/null' };

  it.each([
    ['', {}, ['http://127.0.0.1:2379']],
    ['a', {}, ['http://a:2379']],
    [
      'a:1,[::1]',
      { ETCD_ENDPOINTS: 'b:2, https://c' },
      ['http://a:1', 'http://[::1]:2379', 'http://b:2', 'https://c:2379'],
    ],
    ['a', files, ['https://a:2379']],
  ])('is read from %j and %j', (host, env, endpoints) => {
    expect(etcdOptionsFromEnv(host, env).endpoints).toEqual(endpoints);
  });

  it('may be that of a user, with files', () => {
    const { tls, user } = etcdOptionsFromEnv('', { ...files, ETCD_USER: 'me:a:b' });
    expect(user).toEqual({ name: 'me', password: 'a:b' });
    expect(tls).toEqual({ ca: '', cert: '', key: '' });
  });

  it.each([
    [{ ETCD_CERT_FILE: '/dev/null' }, /go together/],
    [{ ETCD_CA_CERT_FILE: '/none' }, /cannot read \/none/],
    [{ ETCD_USER: 'me' }, /write name:password/],
  ])('that is no way is refused: %j', (env, message) => {
    expect(() => etcdOptionsFromEnv('', env)).toThrow(message);
  });
});

describe('the number of a host', () => {
  it('is carried exactly by JSON and is not that of another', () => {
    const numbers = Array.from({ length: 1000 }, (_, at) => ownerNumber(`host-${at}`));
    expect(new Set(numbers).size).toBe(1000);
    for (const number of numbers) expect(Number.isSafeInteger(number) && number > 0).toBe(true);
    expect(ownerNumber('a', 'ttl')).not.toBe(ownerNumber('a'));
  });
});

describe('Consul over a Unix socket', () => {
  let server: Server | undefined;
  const folder = mkdtempSync(join(tmpdir(), 'muster-target-'));
  afterEach(() => server?.close());
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it('is asked there', async () => {
    const asked: string[] = [];
    server = createServer((request, response) => {
      let body = '';
      request.on('data', (chunk) => {
        body += chunk;
      });
      request.on('end', () => {
        asked.push(`${request.method} ${request.url} ${body}`);
        response.end(request.url === '/v1/status/leader' ? '"127.0.0.1:8300"' : '{}');
      });
    });
    const path = join(folder, 'consul.sock');
    await new Promise<void>((resolve) => server?.listen(path, resolve));
    const target = targetOf(`consul-unix://${path}`, options);
    await target.ping(signal);
    expect(await target.list(signal)).toEqual([]);
    await target.put(service('here:aa:80'), signal);
    await target.remove(service('here:aa:80'), signal);
    expect(asked).toEqual([
      'GET /v1/status/leader ',
      'GET /v1/agent/services ',
      'GET /v1/agent/checks ',
      'PUT /v1/agent/service/register {"ID":"here:aa:80","Name":"web","Address":"fd00::1","Port":80,"Tags":["a"],"Meta":{}}',
      'PUT /v1/agent/service/deregister/here%3Aaa%3A80 ',
    ]);
  });
});

describe('a service whose tags others may change', () => {
  it('is what is wanted whatever its tags are, unless it is not to be changed any more', () => {
    const shown = { name: 'web', address: 'fd00::1', port: 80, meta: {}, hasCheck: false };
    const theirs = printOf({ ...shown, tags: ['theirs'], tagOverride: true });
    const wanted = { ...service('id'), hasCheck: false };
    expect(printOf({ ...wanted, tagOverride: true })).toBe(theirs);
    expect(printOf(wanted)).not.toBe(theirs);
    expect(registrationOf({ ...service('id'), tagOverride: true })).toMatchObject({
      EnableTagOverride: true,
    });
  });
});

const missing = missingPrograms('etcd');
if (missing.length > 0) console.warn(`the etcd target is not tested: needs ${missing.join()}`);

describe.skipIf(missing.length > 0)('a real etcd', () => {
  let etcd: ChildProcess;
  let uri: string;
  let url: string;
  const folder = mkdtempSync(join(tmpdir(), 'muster-target-etcd-'));

  beforeAll(async () => {
    const [client, peer] = await freePorts(2);
    url = `http://127.0.0.1:${client}`;
    uri = `etcd://127.0.0.1:${client}/services`;
    etcd = spawn(
      'etcd',
      [
        `--data-dir=${folder}`,
        `--listen-client-urls=${url}`,
        `--advertise-client-urls=${url}`,
        `--listen-peer-urls=http://127.0.0.1:${peer}`,
        '--unsafe-no-fsync',
      ],
      { stdio: 'ignore' },
    );
    await soon(() => call('/health', 'GET'));
  });
  afterAll(async () => {
    const ended = new Promise((resolve) => etcd.on('exit', resolve));
    etcd.kill('SIGKILL');
    await ended;
    rmSync(folder, { recursive: true, force: true });
  });

  async function call(
    path: string,
    method = 'POST',
    body?: object,
    headers: Record<string, string> = {},
  ): Promise<Record<string, unknown>> {
    const answer = await fetch(url + path, {
      method,
      headers,
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    return (await answer.json()) as Record<string, unknown>;
  }

  const opened: Target[] = [];
  const made = (where: string, ttl = 0, env: Record<string, string> = {}) => {
    const target = targetOf(where, { ...options, ttl, env });
    opened.push(target);
    return target;
  };
  afterEach(() => {
    for (const target of opened.splice(0)) target.close?.();
  });

  const base64 = (text: string) => Buffer.from(text).toString('base64');
  const seen = async (target: Target) =>
    (await target.list(signal)).map(({ id, name, owner }) => `${name} ${id} ${owner}`).sort();

  it('holds keys of the shape that registrator writes, and knows whose they are', async () => {
    const target = made(uri);
    await target.ping(signal);
    await target.put(service('here:aa:80'), signal);
    await target.put(service('own-id', 'a/b'), signal);
    await call('/v3/kv/put', 'POST', { key: base64('/services/web/there:aa:80'), value: base64('x') });
    await call('/v3/kv/put', 'POST', { key: base64('/other/web/x'), value: base64('x') });
    const { kvs } = (await call('/v3/kv/range', 'POST', { key: base64('/services/web/here:aa:80') })) as {
      kvs: { value: string }[];
    };
    expect(Buffer.from(kvs[0]?.value ?? '', 'base64').toString()).toBe('[fd00::1]:80');
    // Another run of the same host knows them by the lease.
    const later = made(uri);
    expect(await seen(later)).toEqual([
      'a/b own-id here',
      'web here:aa:80 here',
      'web there:aa:80 undefined',
    ]);
    const [mine] = (await later.list(signal)).filter(({ id }) => id === 'here:aa:80');
    expect(mine?.print).toBe(later.print(service('here:aa:80')));
    for (const id of ['here:aa:80', 'there:aa:80']) await later.remove({ id, name: 'web' }, signal);
    await later.remove({ id: 'own-id', name: 'a/b' }, signal);
    expect(await seen(later)).toEqual([]);
  });

  it('lets them run out with a TTL, and takes what has none over', async () => {
    const lasting = made(uri);
    await lasting.ping(signal);
    await lasting.put(service('here:aa:80'), signal);
    const ending = made(uri, 60_000);
    await ending.ping(signal);
    const [before] = await ending.list(signal);
    expect(before?.owner).toBe('here');
    expect(before?.print).not.toBe(ending.print(service('here:aa:80')));
    await ending.put(service('here:aa:80'), signal);
    await ending.refresh?.(signal);
    const { leases } = (await call('/v3/lease/leases', 'POST', {})) as { leases: { ID: string }[] };
    const times = await Promise.all(
      leases.map(
        ({ ID }) =>
          call('/v3/lease/timetolive', 'POST', { ID, keys: true }) as Promise<{
            grantedTTL: string;
            keys?: string[];
          }>,
      ),
    );
    expect(times.find(({ grantedTTL }) => grantedTTL === '60')?.keys).toEqual([
      base64('/services/web/here:aa:80'),
    ]);
    expect(times.find(({ grantedTTL }) => grantedTTL !== '60')?.keys).toBeUndefined();
    // What happens when the lease has run out while the registrator was away.
    for (const { ID } of leases) await call('/v3/lease/revoke', 'POST', { ID });
    expect(await seen(ending)).toEqual([]);
    await expect(ending.refresh?.(signal)).rejects.toThrow(/had run out/);
    await ending.put(service('here:aa:80'), signal);
    expect(await seen(ending)).toEqual(['web here:aa:80 here']);
    await ending.remove(service('here:aa:80'), signal);
  });

  it('holds records of SkyDNS, from which CoreDNS answers', async () => {
    const target = made(uri.replace('etcd:', 'skydns2:').replace('/services', '/Cluster.local'));
    await target.put(service('here:Web.0:80'), signal);
    const key = base64('/skydns/local/cluster/web/here-web-0-80');
    const { kvs } = (await call('/v3/kv/range', 'POST', { key })) as { kvs: { value: string }[] };
    const record = JSON.parse(Buffer.from(kvs[0]?.value ?? '', 'base64').toString());
    // Without a time CoreDNS takes one from the number of the lease: a hundred years.
    expect(record).toEqual({ host: 'fd00::1', port: 80, ttl: 10, id: 'here:Web.0:80' });
    const same = made(uri.replace('etcd:', 'coredns:').replace('/services', '/skydns?zone=cluster.local'));
    expect(await seen(same)).toEqual(['web here:Web.0:80 here']);
    expect((await same.list(signal))[0]?.print).toBe(same.print(service('here:Web.0:80')));
    await same.remove({ id: 'here:Web.0:80', name: 'web' }, signal);
    expect(await seen(target)).toEqual([]);
    // CoreDNS looks for names in lower case alone.
    const named = service('here:other:80', 'Web');
    await target.put(named, signal);
    const lower = base64('/skydns/local/cluster/web/here-other-80');
    expect(await call('/v3/kv/range', 'POST', { key: lower })).toMatchObject({ count: '1' });
    expect((await target.list(signal)).map(({ print }) => print)).toEqual([target.print(named)]);
    expect(await seen(target)).toEqual(['Web here:other:80 here']);
    await target.remove(named, signal);
    expect(await seen(target)).toEqual([]);
  });

  it('is asked with another token when the one there was is none any more', async () => {
    const root = { name: 'root', password: 'secret' };
    await call('/v3/auth/user/add', 'POST', root);
    await call('/v3/auth/user/grant', 'POST', { user: 'root', role: 'root' });
    const disable = async () => {
      const { token } = await call('/v3/auth/authenticate', 'POST', root);
      await call('/v3/auth/disable', 'POST', {}, { authorization: String(token) });
    };
    await call('/v3/auth/enable', 'POST', {});
    try {
      await expect(made(uri).list(signal)).rejects.toMatchObject({ code: 'client.refused' });
      const target = made(uri, 0, { ETCD_USER: 'root:secret' });
      expect(await seen(target)).toEqual([]);
      // All tokens end with it.
      await disable();
      await call('/v3/auth/enable', 'POST', {});
      expect(await seen(target)).toEqual([]);
    } finally {
      await disable();
    }
  });

  it('is found behind members that are away', async () => {
    const [dead] = await freePorts(1);
    const target = made(uri.replace('//', `//127.0.0.1:${dead},`));
    await target.ping(signal);
    await target.put(service('here:aa:80'), signal);
    expect(await seen(target)).toEqual(['web here:aa:80 here']);
    await target.remove(service('here:aa:80'), signal);
  });

  it('that is away is told apart from one that refuses', async () => {
    const away = made(`etcd://127.0.0.1:${(await freePorts(1))[0]}`);
    await expect(away.list(signal)).rejects.toMatchObject({ code: 'client.unreachable' });
  });
});
