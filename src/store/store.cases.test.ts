import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { kvDelete, kvSet, kvSetIfIndex } from '../catalog/commands/kv.ts';
import { deregisterNode, register } from '../catalog/commands/register.ts';
import type { ChangeBatch } from '../catalog/feed.ts';
import { topic } from '../catalog/topics.ts';
import { MusterError } from '../errors.ts';
import { openEmbeddedStore } from './embedded.ts';
import { startEtcd, type TestEtcd } from './etcd/etcd.test-support.ts';
import { openEtcdStore } from './etcd/store.ts';
import { openMemoryStore } from './memory.ts';
import type { Store } from './store.ts';

const fail = (error: unknown) => {
  throw error;
};

let etcd: TestEtcd | undefined;
afterAll(() => etcd?.stop());

/** Every kind of store, and whether what it was told is there when it is opened again. */
const KINDS: { kind: string; keeps: boolean; open(path: string): Promise<Store> }[] = [
  { kind: 'memory', keeps: false, open: async () => openMemoryStore({ onSubscriberError: fail }) },
  {
    kind: 'embedded',
    keeps: true,
    open: async (path) => openEmbeddedStore({ path, onSubscriberError: fail }),
  },
  {
    kind: 'etcd',
    keeps: true,
    async open(path) {
      etcd ??= await startEtcd();
      return openEtcdStore({ endpoints: [etcd.endpoint], prefix: path, onSubscriberError: fail });
    },
  },
];

const text = (value: string) => Buffer.from(value);
const set = (key: string, value = 'x') => ({ key, value: text(value), flags: 0n });
const node = (name: string) => ({
  id: '',
  name,
  address: '10.0.0.1',
  datacenter: 'dc1',
  taggedAddresses: null,
  meta: null,
});
const web = (id: string, port: number) => ({
  id,
  name: 'web',
  kind: '',
  tags: ['a'],
  address: '',
  taggedAddresses: null,
  meta: null,
  port,
  socketPath: '',
  weights: { passing: 1, warning: 1 },
  enableTagOverride: false,
});

describe.each(KINDS)('store $kind', ({ kind, keeps, open }) => {
  const path = mkdtempSync(join(tmpdir(), `muster-${kind}-`));
  const opened: Store[] = [];
  const fresh = async () => {
    const store = await open(join(path, String(opened.length)));
    opened.push(store);
    return store;
  };
  afterAll(async () => {
    await Promise.all(opened.map((store) => store.close()));
    rmSync(path, { recursive: true, force: true });
  });

  it('a write is visible when it resolves, with its index on the row', async () => {
    const store = await fresh();
    const { index } = await store.write((tx) => kvSet(tx, set('a')));
    expect(store.catalog.get('kv', 'a')).toMatchObject({ createIndex: index, modifyIndex: index });
    expect(store.catalog.index).toBe(index);
  });

  it('a write keeps the create index and raises the modify index', async () => {
    const store = await fresh();
    const first = await store.write((tx) => kvSet(tx, set('a')));
    const second = await store.write((tx) => kvSet(tx, set('a', 'y')));
    expect(second.index).toBeGreaterThan(first.index);
    expect(store.catalog.get('kv', 'a')).toMatchObject({
      createIndex: first.index,
      modifyIndex: second.index,
    });
  });

  it('a command that changes nothing moves no index and tells nobody', async () => {
    const store = await fresh();
    await store.write((tx) => register(tx, { node: node('n1'), service: web('web1', 80) }));
    const before = store.catalog.index;
    const told: ChangeBatch[] = [];
    store.catalog.feed.subscribe((batch) => told.push(batch));
    await store.write((tx) => register(tx, { node: node('n1'), service: web('web1', 80) }));
    expect(store.catalog.index).toBe(before);
    expect(told).toEqual([]);
  });

  it('a command that throws leaves nothing behind, and the next one goes on', async () => {
    const store = await fresh();
    const refused = store.write((tx) => {
      kvSet(tx, set('half'));
      throw new MusterError('request.rejected', 'no');
    });
    const next = store.write((tx) => kvSet(tx, set('whole')));
    await expect(refused).rejects.toMatchObject({ code: 'request.rejected' });
    await next;
    expect(store.catalog.get('kv', 'half')).toBeUndefined();
    expect(store.catalog.get('kv', 'whole')).toBeDefined();
  });

  it('writers at the same time are ordered: of many check-and-sets on one index one wins', async () => {
    const store = await fresh();
    const answers = await Promise.all(
      Array.from({ length: 50 }, (_, i) => store.write((tx) => kvSetIfIndex(tx, set('lock', `${i}`), 0))),
    );
    expect(answers.filter(({ answer }) => answer)).toHaveLength(1);
    const winner = answers.findIndex(({ answer }) => answer);
    expect(Buffer.from(store.catalog.get('kv', 'lock')?.value ?? [])).toEqual(text(`${winner}`));
  });

  it('one commit is one batch: a node leaves with its services in the same tick', async () => {
    const store = await fresh();
    await store.write((tx) => register(tx, { node: node('n1'), service: web('web1', 80) }));
    const told: ChangeBatch[] = [];
    store.catalog.feed.subscribe((batch) => told.push(batch));
    await store.write((tx) => deregisterNode(tx, 'n1'));
    expect(told).toHaveLength(1);
    expect(told[0]?.changes.map(({ table, after }) => [table, after])).toEqual(
      expect.arrayContaining([
        ['nodes', undefined],
        ['services', undefined],
      ]),
    );
    expect(told[0]?.services).toEqual(new Set(['web']));
  });

  it('a reader of one service is not woken by another', async () => {
    const store = await fresh();
    await store.write((tx) => register(tx, { node: node('n1'), service: web('web1', 80) }));
    const seen = store.catalog.indexOf(topic.service('web'));
    await store.write((tx) => register(tx, { node: node('n1'), service: { ...web('db1', 90), name: 'db' } }));
    expect(store.catalog.indexOf(topic.service('web'))).toBe(seen);
    await store.write((tx) => register(tx, { node: node('n1'), service: web('web1', 81) }));
    expect(store.catalog.indexOf(topic.service('web'))).toBeGreaterThan(seen);
  });

  it('a waiter of a prefix is woken by a key below it, not by one beside it', async () => {
    const store = await fresh();
    const stop = new AbortController();
    const woken = store.catalog.watches.wait({ topics: [], kvPrefix: 'a/' }, stop.signal);
    const other = store.catalog.watches.wait({ topics: [], kvPrefix: 'b/' }, stop.signal);
    await store.write((tx) => kvSet(tx, set('a/x')));
    expect(await woken).toBe(true);
    stop.abort();
    expect(await other).toBe(false);
    expect(store.catalog.watches.size).toBe(0);
  });

  it('close waits for accepted writes and refuses later ones', async () => {
    const store = await fresh();
    const accepted = store.write((tx) => kvSet(tx, set('last')));
    await store.close();
    await accepted;
    await expect(store.write((tx) => kvSet(tx, set('late')))).rejects.toMatchObject({ code: 'store.closed' });
  });

  it.runIf(keeps)('any history reads back the same after it is opened again', async () => {
    const key = fc.oneof(fc.string(), fc.constantFrom('a', 'b', 'long'.repeat(700), 'nul\u0000', 'ä/ö'));
    const step = fc.record({ key, value: fc.uint8Array(), remove: fc.boolean() });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 30 }), async (steps) => {
        const store = await fresh();
        const place = join(path, String(opened.length - 1));
        await Promise.all(
          steps.map(({ key, value, remove }) =>
            store.write((tx) =>
              remove ? kvDelete(tx, key) : void kvSet(tx, { key, value, flags: 2n ** 64n - 1n }),
            ),
          ),
        );
        const content = (from: Store) =>
          from.catalog.all('kv').map((row) => ({ ...row, value: Buffer.from(row.value).toString('hex') }));
        const [before, index] = [content(store), store.catalog.index];
        await store.close();
        const again = await open(place);
        expect(content(again)).toEqual(before);
        expect(again.catalog.index).toBe(index);
        expect(again.catalog.indexOf('kv')).toBe(index);
        await again.close();
      }),
      { numRuns: 25 },
    );
  });

  it.runIf(keeps)('metadata may have any keys', async () => {
    // "__proto__" came back as "__proto_": the encoder renames it.
    const store = await fresh();
    const place = join(path, String(opened.length - 1));
    const meta = JSON.parse('{"__proto__":"a","constructor":"b","":"c"}') as Record<string, string>;
    await store.write((tx) =>
      register(tx, { node: { ...node('n1'), meta }, service: { ...web('web1', 80), meta } }),
    );
    await store.close();
    const again = await open(place);
    for (const row of [again.catalog.all('nodes')[0], again.catalog.all('services')[0]])
      expect(Object.entries(row?.meta ?? {})).toEqual(Object.entries(meta));
    await again.close();
  });

  it.runIf(keeps)('numbers of any length stay what they are', async () => {
    const store = await fresh();
    const place = join(path, String(opened.length - 1));
    const content = { deep: [10n ** 40n, -(10n ** 40n), 1] };
    await store.write((tx) => tx.put('configEntries', { kind: 'k', name: 'n', content }));
    await store.close();
    const again = await open(place);
    expect(again.catalog.all('configEntries')[0]?.content).toEqual(content);
    await again.close();
  });
});

it('a data directory that cannot be written is refused with what to do', () => {
  expect(() => openEmbeddedStore({ path: '/dev/null/muster', onSubscriberError: fail })).toThrowError(
    /-data-dir.*-dev/,
  );
});
