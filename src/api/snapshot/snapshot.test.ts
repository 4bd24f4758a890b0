import { createHash } from 'node:crypto';
import { gunzipSync, gzipSync } from 'node:zlib';
import { expect, it } from 'vitest';
import { kvSet } from '../../catalog/commands/kv.ts';
import { register } from '../../catalog/commands/register.ts';
import { restore } from '../../catalog/commands/restore.ts';
import { putSetting } from '../../catalog/commands/setting.ts';
import { readTar, writeTar } from '../../lib/tar.ts';
import type { ApiContext } from '../context.ts';
import { testContext } from '../test-context.ts';
import { readSnapshot, writeSnapshot } from './archive.ts';

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
  const archive = await writeSnapshot(catalog, '1', 0);
  await set(context, 'old', Buffer.from('changed'));
  await set(context, 'new', Buffer.from('x'));
  const { index } = catalog;
  const rows = await readSnapshot(archive);
  await store.write((tx) => restore(tx, rows));
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
  const rows = await readSnapshot(await writeSnapshot(catalog, '1', 0));
  await put('now', ['servers', 'left-members/a', 'group/web/plan', 'autopilot', 'group/web/at/1']);
  await store.write((tx) => {
    tx.delete('settings', 'group-host/gone');
    restore(tx, rows);
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
  const files = readTar(gunzipSync(await writeSnapshot(catalog, '1.2.3', 5))) as ReadonlyMap<string, Buffer>;
  expect([...files.keys()]).toEqual(['meta.json', 'state.bin', 'SHA256SUMS']);
  const meta = JSON.parse(String(files.get('meta.json')));
  expect(meta).toMatchObject({ Version: 1, ID: expect.any(String), Index: catalog.index });
  expect(meta.Size).toBe(files.get('state.bin')?.length);
});

it('says so when it is one of Consul', async () => {
  const content = Buffer.from(JSON.stringify({ Version: 1, ID: '2-9-1', Index: 9, Term: 2 }));
  const sum = createHash('sha256').update(content).digest('hex');
  const archive = writeTar(
    [
      { name: 'meta.json', content },
      { name: 'state.bin', content: Buffer.from([1]) },
      { name: 'SHA256SUMS', content: Buffer.from(`${sum}  meta.json\n`) },
    ],
    0,
  );
  await expect(readSnapshot(gzipSync(archive))).rejects.toThrow('this is a snapshot of Consul');
});

it('refuses what is damaged or of another kind', async () => {
  const { catalog } = await filled();
  const archive = await writeSnapshot(catalog, '1', 0);
  await expect(readSnapshot(Buffer.from('no archive'))).rejects.toThrow('failed to decompress snapshot');
  await expect(readSnapshot(archive.subarray(0, archive.length - 20))).rejects.toThrow(
    'failed to decompress',
  );
  await expect(readSnapshot(gzipSync('x'.repeat(2000)))).rejects.toThrow('the archive is damaged');
  const changed = gunzipSync(archive);
  const at = changed.indexOf('"old"');
  changed.write('"OLD"', at);
  await expect(readSnapshot(gzipSync(changed))).rejects.toThrow('the check sum of state.bin is wrong');
});
