import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Catalog } from '../../../catalog/catalog.ts';
import type { Rows, TableName } from '../../../catalog/rows.ts';
import { shapeOf, TABLE_NAMES } from '../../../catalog/tables.ts';
import { type Draft, Transaction, type Write, withoutIndexes } from '../../../catalog/transaction.ts';
import { MsgpackReader } from '../../../lib/msgpack.ts';
import { readTar } from '../../../lib/tar.ts';
import { readConsulState, readOwnState } from './read.ts';
import { encodeState, stateOf } from './write.ts';

const archive = readFileSync(new URL('./fixture/consul.snap', import.meta.url));
const consulState = readTar(gunzipSync(archive))?.get('state.bin') as Buffer;

const writeState = (catalog: Catalog) => Buffer.concat([...encodeState(stateOf(catalog))]);

function catalogOf(fill: (tx: Transaction) => void): Catalog {
  const catalog = new Catalog((error) => {
    throw error;
  });
  const tx = new Transaction(catalog, 1, 5_000);
  fill(tx);
  catalog.apply(tx.index, tx.writes());
  return catalog;
}

/** Content by table and key; bytes as text, since one array of bytes is not another to a comparison. */
const contentOf = (writes: readonly Write[]) =>
  Object.fromEntries(
    writes.map(({ table, key, row }) => {
      const { value, ...rest } = withoutIndexes(row as Rows['kv']);
      return [`${table}/${key}`, { ...rest, ...(value && { value: shownValue(value) }) }];
    }),
  );

const shownValue = (value: unknown) =>
  value instanceof Uint8Array ? Buffer.from(value).toString('hex') : value;

const rowsOf = (catalog: Catalog): Write[] =>
  TABLE_NAMES.flatMap((table) =>
    catalog.all(table).map((row) => ({ table, key: shapeOf(table).key(row as never), row }) as Write),
  );

const node = { id: '', address: '1.1.1.1', datacenter: 'dc1', taggedAddresses: null, meta: {} };
const service = {
  kind: '',
  tags: [],
  address: '',
  taggedAddresses: null,
  meta: null,
  port: 0,
  socketPath: '',
  weights: { passing: 1, warning: 1 },
  enableTagOverride: false,
};

/** Further levels than are read of a record; JSON may have a thousand. */
const DEEP = JSON.parse(`${'{"a":'.repeat(300)}1${'}'.repeat(300)}`);

/** Rows that Consul has no struct for, or would not read as they are. */
const ODD: { readonly [T in TableName]?: readonly Draft<Rows[T]>[] } = {
  nodes: [
    { ...node, name: 'N1', id: 'ABCDEF00-0000-4000-8000-000000000001' },
    { ...node, name: 'server' },
  ],
  services: [
    { ...service, node: 'server', id: 'consul', name: 'consul', port: 8300 },
    {
      ...service,
      node: 'N1',
      id: 'a',
      name: 'b',
      mesh: { proxy: { Upstreams: [{ Bind: 0 }] }, connect: { Native: true } },
    },
    { ...service, node: 'gone', id: 'x', name: 'x' },
    { ...service, node: 'N1', id: 'deep', name: 'deep', mesh: { proxy: { Config: DEEP }, connect: {} } },
  ],
  kv: [
    { key: 'a/\ud800', value: Buffer.of(1), flags: 1n, lockIndex: 0, session: 'gone' },
    { key: 'ä', value: Buffer.alloc(0), flags: 2n ** 64n - 1n, lockIndex: 2 ** 40, session: '' },
  ],
  tombstones: [
    { key: 'dead', deletedAt: 1234 },
    { key: 'ä', deletedAt: 5 },
  ],
  sessions: [
    {
      id: 'UPPER',
      name: '',
      node: 'gone',
      nodeChecks: ['a'],
      checks: ['b'],
      serviceChecks: [{ id: 'c', namespace: '' }],
      behavior: 'delete',
      ttl: '10s',
      lockDelay: 0.5,
    },
  ],
  lockDelays: [{ key: 'k', until: 99 }],
  settings: [
    { name: 'acl-bootstrap', value: {} },
    { name: 'autopilot', value: { CleanupDeadServers: true, LastContactThreshold: '1.5s' } },
    { name: 'group/web/plan', value: { b: 1.5, c: 'x' } },
  ],
  configEntries: [
    { kind: 'service-resolver', name: 'r', content: { ConnectTimeout: '1h0m0s' } },
    { kind: 'of tomorrow', name: 'x', content: { A: [null] } },
    { kind: 'proxy-defaults', name: 'global', content: { Config: DEEP } },
  ],
  aclTokens: [
    {
      accessorId: 'UPPER-case',
      secretId: 's',
      description: '',
      policies: [],
      roles: [],
      serviceIdentities: [],
      nodeIdentities: [{ nodeName: 'n', datacenter: '' }],
      local: true,
      createdAt: 0,
      expiresAt: 1,
      legacy: { type: 'management', rules: '' },
      hash: 'no base64!',
    },
  ],
  aclPolicies: [{ id: 'P', name: 'p', description: '', rules: 'key "', datacenters: [], hash: '' }],
  coordinates: [{ node: 'N1', segment: 's', vec: [1], error: 0, adjustment: 0, height: 0 }],
};

function putAll(tx: Transaction): void {
  for (const [table, rows] of Object.entries(ODD))
    for (const row of rows) tx.put(table as TableName, row as never);
}

describe('a state that was written', () => {
  it('is read as it was, whatever Consul would make of it', async () => {
    const catalog = catalogOf(putAll);
    expect(contentOf(await readOwnState(writeState(catalog), 1))).toEqual(contentOf(rowsOf(catalog)));
  });

  it('has all that came from Consul as Consul had it', async () => {
    const { writes } = await readConsulState(consulState, 1);
    const catalog = catalogOf((tx) => {
      for (const { table, row } of writes) tx.put(table, withoutIndexes(row as never) as never);
    });
    const state = writeState(catalog);
    expect(contentOf(await readOwnState(state, 1))).toEqual(contentOf(writes));
    // A Consul, which passes over our own rows, is told the same.
    const again = await readConsulState(state, 1);
    expect(contentOf(again.writes)).toEqual(contentOf(writes));
    expect(again.leftOut).toEqual({});
  });

  it('is of records that Consul 1.9 and later know, nodes before what is on them', () => {
    const reader = new MsgpackReader(writeState(catalogOf(putAll)));
    expect((reader.read() as ReadonlyMap<string, unknown>).get('LastIndex')).toBe(1);
    const kinds: number[] = [];
    while (!reader.isAtEnd) {
      kinds.push(reader.byte());
      reader.skip();
    }
    const known = [0, 2, 3, 5, 6, 7, 9, 16, 17, 19, 22, 23, 31];
    expect(kinds.filter((kind) => !known.includes(kind))).toEqual([]);
    expect(kinds.lastIndexOf(0)).toBeLessThan(kinds.findIndex((kind) => kind !== 0));
    expect(kinds.indexOf(31)).toBeGreaterThan(kinds.findLastIndex((kind) => kind !== 31));
  });

  it('keys of any bytes, flags and texts', async () => {
    const entry = fc.record({
      key: fc
        .array(fc.nat(0xffff), { minLength: 1, maxLength: 9 })
        .map((units) => String.fromCharCode(...units)),
      value: fc.uint8Array(),
      flags: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
      lockIndex: fc.nat(),
      session: fc.constantFrom('', 's'),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(entry, { maxLength: 5 }), async (entries) => {
        const catalog = catalogOf((tx) => {
          for (const one of entries) tx.put('kv', { ...one, value: Buffer.from(one.value) });
        });
        const read = await readOwnState(writeState(catalog), 1);
        expect(contentOf(read)).toEqual(contentOf(rowsOf(catalog)));
      }),
      { numRuns: 40 },
    );
  });

  it('services and checks, which are not read again when they are written', async () => {
    const text = fc.string({ maxLength: 5 });
    const texts = fc.array(text, { maxLength: 3 });
    const meta = fc.option(fc.dictionary(text, text, { maxKeys: 3 }), { nil: null });
    const address = fc.record({ address: text, port: fc.nat(65_535) });
    const services = fc.record({
      id: fc.string({ minLength: 1 }),
      name: fc.string({ minLength: 1 }),
      kind: text,
      tags: texts,
      address: text,
      taggedAddresses: fc.option(fc.dictionary(text, address, { maxKeys: 2 }), { nil: null }),
      meta,
      port: fc.nat(65_535),
      socketPath: text,
      weights: fc.record({ passing: fc.nat(65_535), warning: fc.nat(65_535) }),
      enableTagOverride: fc.boolean(),
    });
    const checks = fc.record({
      id: fc.string({ minLength: 1 }),
      name: text,
      status: fc.constantFrom('passing' as const, 'warning' as const, 'critical' as const),
      notes: text,
      output: fc.string(),
      serviceId: text,
      serviceName: text,
      serviceTags: texts,
      type: text,
      interval: text,
      timeout: text,
      definition: fc.record(
        {
          http: fc.string({ minLength: 1 }),
          header: fc.dictionary(text, texts, { maxKeys: 2 }),
          tlsSkipVerify: fc.constant(true),
          interval: fc.integer({ min: 1, max: 1e9 }),
          timeout: fc.integer({ min: 1, max: 1e9 }).map((us) => us / 1000),
        },
        { requiredKeys: [] },
      ),
    });
    await fc.assert(
      fc.asyncProperty(
        fc.array(services, { maxLength: 3 }),
        fc.array(checks, { maxLength: 3 }),
        async (some, others) => {
          const catalog = catalogOf((tx) => {
            tx.put('nodes', { ...node, name: 'n' });
            for (const one of some) tx.put('services', { ...one, node: 'n' });
            for (const one of others) tx.put('checks', { ...one, node: 'n' });
          });
          expect(contentOf(await readOwnState(writeState(catalog), 1))).toEqual(contentOf(rowsOf(catalog)));
        },
      ),
      { numRuns: 60 },
    );
  });
});
