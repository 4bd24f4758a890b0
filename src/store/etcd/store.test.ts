import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { kvDelete, kvSet, kvSetIfIndex } from '../../catalog/commands/kv.ts';
import { restore } from '../../catalog/commands/restore.ts';
import type { ChangeBatch } from '../../catalog/feed.ts';
import type { Write } from '../../catalog/transaction.ts';
import { soon } from '../../lib/soon.test-support.ts';
import { openTestStore, startEtcd, startLine, type TestEtcd } from './etcd.test-support.ts';
import { Layout } from './layout.ts';
import { type EtcdStore, type EtcdStoreOptions, openEtcdStore } from './store.ts';

let etcd: TestEtcd;
beforeAll(async () => {
  etcd = await startEtcd();
});
afterAll(() => etcd.stop());

const opened: EtcdStore[] = [];
afterEach(async () => {
  await Promise.all(opened.splice(0).map((store) => store.close()));
});

let places = 0;
const newPlace = () => `/test-${places++}`;

async function open(prefix: string, options: Partial<EtcdStoreOptions> = {}): Promise<EtcdStore> {
  const store = await openTestStore(etcd, { prefix, ...options });
  opened.push(store);
  return store;
}

const set = (key: string, value: string) => ({ key, value: Buffer.from(value), flags: 0n });
const textAt = (store: EtcdStore, key: string) => {
  const row = store.catalog.get('kv', key);
  return row && Buffer.from(row.value).toString();
};
const content = (store: EtcdStore) =>
  store.catalog.all('kv').map(({ key, modifyIndex }) => [key, modifyIndex]);

/** Adds one to a number under a key. */
const increment = (store: EtcdStore, key: string) =>
  store.write((tx) => {
    const row = tx.get('kv', key);
    const before = row === undefined ? 0 : Number(Buffer.from(row.value).toString());
    kvSet(tx, set(key, String(before + 1)));
    return before + 1;
  });

describe('several replicas of one etcd', () => {
  it('read what any of them wrote once they refresh, with the same indexes', async () => {
    const place = newPlace();
    const [a, b] = [await open(place), await open(place)];
    const { index } = await a.write((tx) => kvSet(tx, set('k', 'v')));
    await b.remote?.refresh();
    expect(textAt(b, 'k')).toBe('v');
    expect(b.catalog.index).toBe(index);
    expect(content(b)).toEqual(content(a));
  });

  it('lose no update when all count at once, through a kill of etcd too', async () => {
    const place = newPlace();
    const stores = [await open(place), await open(place), await open(place)];
    const rounds = 40;
    const counting = Promise.all(
      stores.flatMap((store) => Array.from({ length: rounds }, () => increment(store, 'n'))),
    );
    await soon(() => expect(Number(textAt(stores[0] as EtcdStore, 'n') ?? 0)).toBeGreaterThan(3));
    await etcd.program().kill();
    await etcd.restart();
    const answers = (await counting).map(({ answer }) => answer);
    expect(new Set(answers).size).toBe(stores.length * rounds);
    for (const store of stores) {
      await store.remote?.refresh();
      expect(textAt(store, 'n')).toBe(String(stores.length * rounds));
    }
  });

  it('begin anew when etcd was put back to an earlier time and others went on from there', async () => {
    const own = await startEtcd();
    try {
      const place = newPlace();
      const a = await open(place, { endpoints: [own.endpoint] });
      await a.write((tx) => kvSet(tx, set('kept', 'v')));
      await own.program().stop();
      cpSync(own.data, `${own.data}-then`, { recursive: true });
      await own.restart();
      for (let i = 0; i < 5; i++) await a.write((tx) => kvSet(tx, set(`lost-${i}`, 'v')));
      await own.program().stop();
      rmSync(own.data, { recursive: true });
      renameSync(`${own.data}-then`, own.data);
      await own.restart();
      const b = await open(place, { endpoints: [own.endpoint] });
      await b.skipAhead();
      await b.write((tx) => kvSet(tx, set('new', 'v')));
      await a.remote?.refresh();
      expect(content(a)).toEqual(content(b));
      expect(content(a).map(([key]) => key)).toEqual(['kept', 'new']);
      await a.write((tx) => kvSet(tx, set('more', 'v')));
      await b.remote?.refresh();
      expect(content(b)).toEqual(content(a));
    } finally {
      await own.stop();
    }
  });

  it('agree on one winner of a check-and-set, and a loser was told so by what is true', async () => {
    const place = newPlace();
    const stores = [await open(place), await open(place), await open(place)];
    const answers = await Promise.all(
      stores.flatMap((store, at) =>
        Array.from({ length: 5 }, () => store.write((tx) => kvSetIfIndex(tx, set('lock', `${at}`), 0))),
      ),
    );
    expect(answers.filter(({ answer }) => answer)).toHaveLength(1);
  });

  it('a refusal is true: a replica that lags behind does not say no to what would be a yes', async () => {
    const place = newPlace();
    const [a, b] = [await open(place), await open(place)];
    for (let i = 0; i < 30; i++) {
      const { index } = await a.write((tx) => kvSet(tx, set('k', `${i}`)));
      const { answer } = await b.write((tx) => kvSetIfIndex(tx, set('k', `b${i}`), index));
      expect(answer, `round ${i}`).toBe(true);
    }
  });
});

describe('commits that are larger than a transaction of etcd', () => {
  const many = (count: number, value: string): Write[] =>
    Array.from({ length: count }, (_, i) => {
      const key = `big/${String(i).padStart(5, '0')}`;
      const row = {
        key,
        value: new Uint8Array(Buffer.from(value)),
        flags: 0n,
        lockIndex: 0,
        session: '',
        createIndex: 0,
        modifyIndex: 0,
      };
      return { table: 'kv', key, row };
    });

  it('are seen whole, by others and by who comes later', async () => {
    const place = newPlace();
    const [a, b] = [await open(place), await open(place)];
    const told: ChangeBatch[] = [];
    b.catalog.feed.subscribe((batch) => told.push(batch));
    await a.write((tx) => restore(tx, many(1000, 'x'.repeat(4000))));
    await b.remote?.refresh();
    expect(told).toHaveLength(1);
    expect(told[0]?.changes).toHaveLength(1000);
    const late = await open(place);
    expect(content(late)).toEqual(content(a));
    await late.write((tx) => kvDelete(tx, 'big/00000'));
    await a.write((tx) => kvSet(tx, set('small', '1')));
    for (const store of [a, b, late]) await store.remote?.refresh();
    expect(a.catalog.count('kv')).toBe(1000);
    expect(content(b)).toEqual(content(a));
    const again = await open(place);
    expect(content(again)).toEqual(content(a));
    const layout = new Layout(place);
    const { kvs } = await again.client.range(layout.pieces);
    expect(kvs, 'no piece is left').toEqual([]);
  });

  it('survive the process that wrote them: the next writer makes rows of the pieces', async () => {
    const place = newPlace();
    const a = await open(place);
    await a.write((tx) => restore(tx, many(300, 'y')));
    // It goes away before it turned the pieces into rows: that happens before its next write.
    await a.close();
    const b = await open(place);
    expect(b.catalog.count('kv')).toBe(300);
    await b.write((tx) => kvSet(tx, set('next', '1')));
    const c = await open(place);
    expect(content(c)).toEqual(content(b));
    const { kvs } = await c.client.range({ ...new Layout(place).rows });
    expect(kvs).toHaveLength(301);
  });

  it('a row that etcd cannot take is refused, and the others of the group are not', async () => {
    const store = await open(newPlace());
    const good = store.write((tx) => kvSet(tx, set('a', '1')));
    const bad = store.write((tx) => kvSet(tx, set('b', 'x'.repeat(2_000_000))));
    await expect(bad).rejects.toMatchObject({ code: 'request.rejected' });
    await good;
    expect(store.catalog.count('kv')).toBe(1);
  });
});

it('lists again when etcd has compacted what was missed', async () => {
  const place = newPlace();
  const line = await startLine(etcd.endpoint);
  const a = await open(place);
  const b = await open(place, { endpoints: [line.endpoint] });
  await a.write((tx) => kvSet(tx, set('gone', '1')));
  await a.write((tx) => kvSet(tx, set('stays', '1')));
  await b.remote?.refresh();
  line.cut();
  await a.write((tx) => kvDelete(tx, 'gone'));
  const { index } = await a.write((tx) => kvSet(tx, set('new', '1')));
  const { revision } = await a.client.range({ key: 'x' });
  await a.client.compact(revision);
  const told: ChangeBatch[] = [];
  b.catalog.feed.subscribe((batch) => told.push(batch));
  line.mend();
  await soon(() => expect(b.catalog.index).toBe(index));
  expect(content(b)).toEqual(content(a));
  expect(told).toHaveLength(1);
  expect(told[0]?.changes.map(({ key }) => key)).not.toContain('stays');
  await b.write((tx) => kvSet(tx, set('after', '1')));
  await line.stop();
});

it('fails writes with a clear error while no majority answers, reads on, and recovers by itself', async () => {
  const own = await startEtcd();
  try {
    const store = await openEtcdStore({
      endpoints: [own.endpoint],
      prefix: '/x',
      onSubscriberError: () => {},
    });
    opened.push(store);
    await store.write((tx) => kvSet(tx, set('k', 'v')));
    await own.program().kill();
    await expect(store.write((tx) => kvSet(tx, set('k', 'w')))).rejects.toMatchObject({
      code: 'store.no_leader',
    });
    expect(store.remote?.contact().known).toBe(false);
    await expect(store.remote?.refresh()).rejects.toMatchObject({ code: 'store.no_leader' });
    expect(textAt(store, 'k')).toBe('v');
    await own.restart();
    await soon(() => expect(store.remote?.contact().known).toBe(true));
    await store.write((tx) => kvSet(tx, set('k', 'w')));
    expect(textAt(store, 'k')).toBe('w');
  } finally {
    await own.stop();
  }
});

it('uses an existing etcd with TLS on both sides and a user', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'muster-tls-'));
  const file = (name: string) => join(folder, name);
  const openssl = (...args: string[]) => execFileSync('openssl', args, { cwd: folder, stdio: 'pipe' });
  openssl(
    'req',
    '-x509',
    '-newkey',
    'ec',
    '-pkeyopt',
    'ec_paramgen_curve:P-256',
    '-nodes',
    '-days',
    '2',
    '-subj',
    '/CN=ca',
    '-keyout',
    'ca.key',
    '-out',
    'ca.pem',
  );
  openssl(
    'req',
    '-newkey',
    'ec',
    '-pkeyopt',
    'ec_paramgen_curve:P-256',
    '-nodes',
    '-subj',
    '/CN=node',
    '-keyout',
    'node.key',
    '-out',
    'node.csr',
  );
  writeFileSync(file('ext'), 'subjectAltName=IP:127.0.0.1');
  openssl(
    'x509',
    '-req',
    '-in',
    'node.csr',
    '-CA',
    'ca.pem',
    '-CAkey',
    'ca.key',
    '-CAcreateserial',
    '-days',
    '2',
    '-extfile',
    'ext',
    '-out',
    'node.pem',
  );
  const flags = [
    '--cert-file',
    file('node.pem'),
    '--key-file',
    file('node.key'),
    '--client-cert-auth',
    '--trusted-ca-file',
    file('ca.pem'),
  ];
  const tls = {
    ca: readFileSync(file('ca.pem'), 'utf8'),
    cert: readFileSync(file('node.pem'), 'utf8'),
    key: readFileSync(file('node.key'), 'utf8'),
  };
  const own = await startEtcd(flags, 'https', tls);
  const etcdctl = (...args: string[]) =>
    execFileSync(
      'etcdctl',
      [
        '--endpoints',
        own.endpoint,
        '--cacert',
        file('ca.pem'),
        '--cert',
        file('node.pem'),
        '--key',
        file('node.key'),
        ...args,
      ],
      {
        env: { ...process.env, ETCDCTL_API: '3' },
        stdio: 'pipe',
      },
    );
  try {
    etcdctl('user', 'add', 'root:secret');
    etcdctl('user', 'grant-role', 'root', 'root');
    etcdctl('auth', 'enable');
    const user = { name: 'root', password: 'secret' };
    const options = { endpoints: [own.endpoint], prefix: '/tls', onSubscriberError: () => {} };
    const store = await openEtcdStore({ ...options, tls, user });
    opened.push(store);
    await store.write((tx) => kvSet(tx, set('k', 'v')));
    expect(textAt(store, 'k')).toBe('v');
    await expect(openEtcdStore({ ...options, tls, user: { ...user, password: 'wrong' } })).rejects.toThrow(
      /etcd/,
    );
    await expect(openEtcdStore({ ...options, user })).rejects.toMatchObject({ code: 'store.unusable' });
  } finally {
    await own.stop();
    rmSync(folder, { recursive: true, force: true });
  }
});

it('a store that cannot be opened says why', async () => {
  const server = createServer((socket) => void socket.destroy()).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const open = (endpoint: string) =>
    openEtcdStore({ endpoints: [endpoint], prefix: '/x', onSubscriberError: () => {} });
  // No TLS is spoken there.
  await expect(open(`https://127.0.0.1:${port}`)).rejects.toThrow(/TLS|ECONNRESET/);
  await new Promise((resolve) => server.close(resolve));
  await expect(open(`http://127.0.0.1:${port}`)).rejects.toThrow(/ECONNREFUSED/);
});
