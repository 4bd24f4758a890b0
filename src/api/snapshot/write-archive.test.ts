import { once } from 'node:events';
import { connect } from 'node:net';
import { createGunzip, gunzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it, onTestFinished } from 'vitest';
import { kvDelete, kvSet } from '../../catalog/commands/kv.ts';
import type { KvEntry } from '../../catalog/rows.ts';
import { nextTurn } from '../../lib/in-turns.ts';
import { readTar } from '../../lib/tar.ts';
import type { ApiContext } from '../context.ts';
import { startApi } from '../server.ts';
import { testContext } from '../test-context.ts';
import { encodeState, SLICE, stateOf } from './consul/write.ts';
import { readSnapshot } from './read-archive.ts';
import { writeArchive } from './write-archive.ts';

const ROWS = 40 * SLICE.rows;

const keyOf = (row: number) => `key/${String(row).padStart(6, '0')}`;

async function filled(rows = ROWS): Promise<ApiContext> {
  const { context } = testContext();
  await context.store.write((tx) => {
    for (let row = 0; row < rows; row++)
      kvSet(tx, { key: keyOf(row), value: Buffer.from(String(row)), flags: 0n });
  });
  return context;
}

/** Has the keys tell when their values are read. */
function watched({ catalog }: ApiContext, onRead: () => void): void {
  const writes = catalog.all('kv').map((row) => {
    const { value } = row;
    const told = Object.defineProperty({ ...row }, 'value', {
      enumerable: true,
      get() {
        onRead();
        return value;
      },
    });
    return { table: 'kv' as const, key: row.key, row: told as KvEntry };
  });
  catalog.apply(catalog.index + 1, writes);
}

/** Calls `each` in every turn of the event loop until `task` is through. */
async function inEveryTurn(task: Promise<unknown>, each: (turn: number) => void): Promise<void> {
  let isOver = false;
  const end = () => {
    isOver = true;
  };
  task.then(end, end);
  for (let turn = 0; !isOver; turn++) {
    each(turn);
    await nextTurn();
  }
}

describe('a large snapshot', () => {
  it('has the same bytes in whatever slices it is encoded', async () => {
    const { catalog, store } = await filled(300);
    await store.write((tx) => {
      kvDelete(tx, keyOf(7));
      kvSet(tx, { key: 'large', value: Buffer.alloc(300_000, 7), flags: 1n });
    });
    const state = stateOf(catalog);
    const whole = Buffer.concat([
      ...encodeState(state, { rows: Number.POSITIVE_INFINITY, bytes: Number.POSITIVE_INFINITY }),
    ]);
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 400 }), fc.integer({ min: 1, max: 400_000 }), (rows, bytes) => {
        const slices = [...encodeState(state, { rows, bytes })];
        expect(slices.length).toBeGreaterThan(300 / rows - 1);
        expect(Buffer.concat(slices).equals(whole)).toBe(true);
      }),
      { numRuns: 30 },
    );
  });

  it('leaves others their turns, and has nothing of what they write in them', async () => {
    const context = await filled();
    const { catalog, store } = context;
    let read = 0;
    let mostInATurn = 0;
    watched(context, () => read++);
    const before = catalog.all('kv');
    const state = stateOf(catalog);
    const task = writeArchive(state, '1', 0);
    await inEveryTurn(task, (turn) => {
      mostInATurn = Math.max(mostInATurn, read);
      void store.write((tx) => {
        kvSet(tx, { key: keyOf(turn % ROWS), value: Buffer.from('later'), flags: 0n });
        kvDelete(tx, keyOf(ROWS - 1 - (turn % ROWS)));
        kvSet(tx, { key: `later/${turn}`, value: Buffer.from('later'), flags: 0n });
      });
      read = 0;
    });
    expect(mostInATurn).toBeGreaterThan(0);
    expect(mostInATurn).toBeLessThanOrEqual(2 * SLICE.rows);
    expect(catalog.get('kv', keyOf(ROWS - 1))).toBeUndefined();
    const { index, writes } = await readSnapshot(Buffer.concat(await task), 0);
    expect(index).toBe(state.index);
    const found = new Map(
      writes.map(({ key, row }) => [key, Buffer.from((row as KvEntry).value).toString()]),
    );
    expect(found).toEqual(new Map(before.map(({ key }, row) => [key, String(row)])));
  });

  it('leaves others their turns when it is read', async () => {
    const { catalog } = await filled();
    const archive = Buffer.concat(await writeArchive(stateOf(catalog), '1', 0));
    let turns = 0;
    const task = readSnapshot(archive, 0);
    await inEveryTurn(task, () => turns++);
    expect((await task).writes).toHaveLength(ROWS);
    expect(turns).toBeGreaterThanOrEqual(ROWS / SLICE.rows);
  });

  it('is one file to whoever unpacks it, wherever it was cut on the way', async () => {
    const { catalog } = await filled(10);
    const archive = Buffer.concat(await writeArchive(stateOf(catalog), '1', 0));
    const whole = gunzipSync(archive);
    const gunzip = createGunzip();
    const parts: Buffer[] = [];
    gunzip.on('data', (part: Buffer) => parts.push(part));
    const end = once(gunzip, 'end');
    for (const byte of archive) gunzip.write(Buffer.of(byte));
    gunzip.end();
    await end;
    expect(Buffer.concat(parts).equals(whole)).toBe(true);
    expect([...(readTar(whole)?.keys() ?? [])]).toEqual(['meta.json', 'state.bin', 'SHA256SUMS']);
  });
});

it('a client that goes away ends the work for it', async () => {
  const context = await filled();
  const api = await startApi({ context, host: '127.0.0.1', port: 0 });
  onTestFinished(() => api.stop());
  const client = connect(api.address.port, '127.0.0.1');
  const closed = once(client, 'close');
  let read = 0;
  watched(context, () => {
    if (read++ === 0) client.destroy();
  });
  client.write('GET /v1/snapshot HTTP/1.1\r\nHost: x\r\n\r\n');
  await closed;
  expect(read).toBeGreaterThan(0);
  // Many times what the whole of it would take.
  for (let turn = 0; turn < 50 * (ROWS / SLICE.rows) && read < ROWS; turn++) await nextTurn();
  expect(read).toBeLessThan(ROWS);
});
