import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { gunzipSync, gzipSync } from 'node:zlib';
import { expect, it } from 'vitest';
import type { Catalog } from '../../catalog/catalog.ts';
import { kvSet } from '../../catalog/commands/kv.ts';
import { register } from '../../catalog/commands/register.ts';
import { restore } from '../../catalog/commands/restore.ts';
import { putSetting } from '../../catalog/commands/setting.ts';
import type { KvEntry } from '../../catalog/rows.ts';
import { pack } from '../../lib/msgpack-write.ts';
import { readTar, writeTar } from '../../lib/tar.ts';
import type { ApiContext } from '../context.ts';
import { testContext } from '../test-context.ts';
import { stateOf } from './consul/write.ts';
import { inspectSnapshot, readSnapshot, SnapshotError } from './read-archive.ts';
import { rowLine } from './row-json.ts';
import { writeArchive } from './write-archive.ts';

const node = {
  id: '',
  name: 'n',
  address: '10.0.0.1',
  datacenter: 'dc1',
  taggedAddresses: null,
  meta: { a: 'b' },
};

const set = ({ store }: ApiContext, key: string, value: Uint8Array) =>
  store.write((tx) => kvSet(tx, { key, value, flags: 2n ** 64n - 1n }));

const archiveOf = async (catalog: Catalog) => Buffer.concat(await writeArchive(stateOf(catalog), '1', 0));

async function filled(): Promise<ApiContext> {
  const { context } = testContext();
  await context.store.write((tx) => register(tx, { node }));
  await set(context, 'old', Buffer.from([0, 255, 128]));
  return context;
}

it('brings back what was there, drops what came later, and moves no index backwards', async () => {
  const context = await filled();
  const { catalog, store } = context;
  const before = { kv: catalog.get('kv', 'old'), node: catalog.get('nodes', 'n') };
  const archive = await archiveOf(catalog);
  await set(context, 'old', Buffer.from('changed'));
  await set(context, 'new', Buffer.from('x'));
  const { index } = catalog;
  const { writes } = await readSnapshot(archive, 0);
  await store.write((tx) => restore(tx, writes));
  expect(catalog.index).toBe(index + 1);
  expect(catalog.all('kv').map(({ key }) => key)).toEqual(['old']);
  expect(catalog.get('kv', 'old')).toMatchObject({ flags: before.kv?.flags, modifyIndex: index + 1 });
  expect(Buffer.from(catalog.get('kv', 'old')?.value ?? [])).toEqual(Buffer.from([0, 255, 128]));
  // What did not change keeps its index, so that its readers are not woken.
  expect(catalog.get('nodes', 'n')).toEqual(before.node);
});

it('leaves alone which servers and groups there are: the archive may be of another time or cluster', async () => {
  const context = await filled();
  const { catalog, store } = context;
  const put = (value: string, names: string[]) =>
    store.write((tx) => {
      for (const name of names) putSetting(tx, { name, value: { value } });
    });
  await put('then', ['servers', 'left-members/a', 'group/web/plan', 'autopilot', 'group-host/gone']);
  const { writes } = await readSnapshot(await archiveOf(catalog), 0);
  await put('now', ['servers', 'left-members/a', 'group/web/plan', 'autopilot', 'group/web/at/1']);
  await store.write((tx) => {
    tx.delete('settings', 'group-host/gone');
    restore(tx, writes);
  });
  expect(Object.fromEntries(catalog.all('settings').map(({ name, value }) => [name, value.value]))).toEqual({
    autopilot: 'then',
    servers: 'now',
    'left-members/a': 'now',
    'group/web/plan': 'now',
    'group/web/at/1': 'now',
  });
});

it('is what the command line of Consul takes for a snapshot', async () => {
  const { catalog } = await filled();
  const files = readTar(gunzipSync(await archiveOf(catalog))) as ReadonlyMap<string, Buffer>;
  expect([...files.keys()]).toEqual(['meta.json', 'state.bin', 'SHA256SUMS']);
  const meta = JSON.parse(String(files.get('meta.json')));
  expect(meta).toMatchObject({ Version: 1, ID: expect.any(String), Index: catalog.index });
  expect(meta.Size).toBe(files.get('state.bin')?.length);
});

/** An archive as Consul lays it out, with its sums right. */
function packed(meta: string, state: Uint8Array): Buffer {
  const files = [
    { name: 'meta.json', content: Buffer.from(meta) },
    { name: 'state.bin', content: Buffer.from(state) },
  ];
  const sums = files.map(
    ({ name, content }) => `${createHash('sha256').update(content).digest('hex')}  ${name}\n`,
  );
  return gzipSync(writeTar([...files, { name: 'SHA256SUMS', content: Buffer.from(sums.join('')) }], 0));
}

const CONSUL_META = JSON.stringify({ Version: 1, ID: '2-9-1710350056693', Index: 9, Term: 2, Size: 1 });

it('is read when it is one of Consul', async () => {
  const archive = readFileSync(new URL('./consul/fixture/consul.snap', import.meta.url));
  expect(await readSnapshot(archive, 0)).toMatchObject({
    origin: 'Consul',
    index: 62,
    time: '2024-03-13T17:14:16.693Z',
    leftOut: { intentions: 1 },
  });
  expect(await inspectSnapshot(archive)).toMatchObject({
    origin: 'Consul',
    tables: { kv: 6, aclTokens: 6, services: 3, queries: 2 },
    leftOut: { 'auth methods': 1 },
  });
});

it('says which record of Consul is damaged', async () => {
  const state = Buffer.concat([pack({ LastIndex: 1 }), Buffer.of(2), pack({ Key: 5 })]);
  await expect(readSnapshot(packed(CONSUL_META, state), 0)).rejects.toThrow(SnapshotError);
  await expect(readSnapshot(packed(CONSUL_META, state), 0)).rejects.toThrow(
    'record 1 (KVS, at byte 12) is damaged: Key is no string',
  );
});

it('is read when it is of a line for each row, as earlier builds wrote it', async () => {
  const { catalog } = await filled();
  const kept = catalog.get('kv', 'old') as KvEntry;
  const state = Buffer.from(`${rowLine('kv', kept)}\n`);
  const meta = JSON.stringify({ Version: 1, ID: 'muster-1-5', Index: 1, format: 2, program: '0.1' });
  const { writes, origin } = await readSnapshot(packed(meta, state), 0);
  expect(origin).toBe('Muster');
  expect(writes).toEqual([{ table: 'kv', key: 'old', row: { ...kept, value: Buffer.from(kept.value) } }]);
  const unknown = packed(meta, Buffer.from('{"table":"x","row":{}}'));
  await expect(readSnapshot(unknown, 0)).rejects.toThrow('rows of an unknown kind, x');
  const later = packed(meta.replace('"format":2', '"format":4'), state);
  await expect(readSnapshot(later, 0)).rejects.toThrow('the archive has format 4, this program knows 3');
});

it('refuses what is damaged or of another kind', async () => {
  const { catalog } = await filled();
  const archive = await archiveOf(catalog);
  await expect(readSnapshot(Buffer.from('no archive'), 0)).rejects.toThrow('failed to decompress snapshot');
  await expect(readSnapshot(archive.subarray(0, archive.length - 20), 0)).rejects.toThrow(
    'failed to decompress',
  );
  await expect(readSnapshot(gzipSync('x'.repeat(2000)), 0)).rejects.toThrow('the archive is damaged');
  const changed = gunzipSync(archive);
  const at = changed.indexOf('old');
  changed.write('OLD', at);
  await expect(readSnapshot(gzipSync(changed), 0)).rejects.toThrow('the check sum of state.bin is wrong');
  await expect(readSnapshot(packed('{"Version":1}', Buffer.of(0x80)), 0)).rejects.toThrow('neither');
  await expect(readSnapshot(packed('null', Buffer.of(0x80)), 0)).rejects.toThrow('meta.json is no object');
});
