import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Rows, TableName } from '../../../catalog/rows.ts';
import { type Packable, pack } from '../../../lib/msgpack-write.ts';
import { readTar } from '../../../lib/tar.ts';
import { RecordError, readConsulState } from './read.ts';

/** What Consul's own codec wrote: fixture/README.md. */
const archive = readFileSync(new URL('./fixture/consul.snap', import.meta.url));
const state = readTar(gunzipSync(archive))?.get('state.bin') as Buffer;

const HEADER = pack({ LastIndex: 9 });

/** A state with these records. */
const stateOf = (...records: [kind: number, value: Packable][]) =>
  Buffer.concat([HEADER, ...records.flatMap(([kind, value]) => [Buffer.of(kind), pack(value)])]);

async function rowsOf<T extends TableName>(table: T, bytes: Buffer): Promise<Rows[T][]> {
  const { writes } = await readConsulState(bytes, 77);
  return writes.flatMap((write) => (write.table === table ? [write.row as Rows[T]] : []));
}

const leftOutOf = async (bytes: Buffer) => (await readConsulState(bytes, 77)).leftOut;

const AGENT_SESSION = '5e551011-0000-4000-8000-000000000001';
const OTHER_SESSION = '5e551011-0000-4000-8000-000000000002';

describe('what the codec of Consul wrote', () => {
  it('nodes, without those that only kept the catalog of Consul', async () => {
    expect(await rowsOf('nodes', state)).toEqual([
      {
        id: 'ab5c1172-84a8-0bd1-269c-d24b2d0fb904',
        name: 'web-1',
        address: '10.0.0.2',
        datacenter: 'dc1',
        taggedAddresses: { lan: '10.0.0.2' },
        meta: { rack: 'r1' },
        createIndex: 0,
        modifyIndex: 0,
      },
      expect.objectContaining({ id: '', name: 'db-outside', address: 'db.example.com' }),
    ]);
  });

  it('services', async () => {
    const [web, proxy, db, ...more] = await rowsOf('services', state);
    expect(web).toEqual({
      node: 'web-1',
      id: 'web-a',
      name: 'web',
      kind: '',
      tags: ['v1', 'ünïcode'],
      address: '10.0.0.20',
      taggedAddresses: { wan: { address: '1.2.3.4', port: 80 } },
      meta: { version: '7' },
      port: 8080,
      socketPath: '',
      weights: { passing: 10, warning: 2 },
      enableTagOverride: true,
      createIndex: 0,
      modifyIndex: 0,
    });
    expect(proxy?.mesh).toEqual({
      proxy: {
        DestinationServiceName: 'web',
        DestinationServiceID: 'web-a',
        Config: { retries: 0, protocol: 'http' },
        Upstreams: [{ DestinationType: 'service', DestinationName: 'db', LocalBindPort: 9191 }],
      },
      connect: {},
    });
    // Without weights in the record.
    expect(db).toMatchObject({ node: 'db-outside', id: 'db', tags: [], weights: { passing: 1, warning: 1 } });
    expect(more).toEqual([]);
  });

  it('checks', async () => {
    const checks = await rowsOf('checks', state);
    expect(checks.map(({ node, id, status }) => [node, id, status])).toEqual([
      ['web-1', 'serfHealth', 'passing'],
      ['web-1', 'service:web-a', 'warning'],
      ['db-outside', 'db-check', 'passing'],
    ]);
    expect(checks[1]).toMatchObject({
      serviceId: 'web-a',
      serviceTags: ['v1'],
      type: 'http',
      interval: '10s',
    });
    expect(checks[2]?.definition).toEqual({
      http: 'http://db/health',
      header: { 'X-A': ['b'] },
      interval: 30_000,
      deregisterCriticalServiceAfter: 3_600_000,
    });
  });

  it('keys with their bytes, flags and locks; deleted ones', async () => {
    const kv = await rowsOf('kv', state);
    const byKey = Object.fromEntries(kv.map((entry) => [entry.key, entry]));
    expect(Object.keys(byKey)).toHaveLength(6);
    expect(Buffer.from(byKey['app/config']?.value ?? []).toString()).toBe('{"a": 1}');
    expect(byKey['app/config']?.flags).toBe(42n);
    expect([...(byKey['app/bytes']?.value ?? [])]).toEqual([0, 255, 128, 10]);
    expect(byKey['app/bytes']?.flags).toBe(2n ** 64n - 1n);
    expect(byKey['app/ümlaut']?.value).toHaveLength(0);
    expect(byKey['app/long']?.value).toHaveLength(70_000);
    // It would keep the whole snapshot in memory.
    expect(byKey['app/bytes']?.value.buffer.byteLength).toBe(4);
    expect(byKey['lock/agent']).toMatchObject({ session: AGENT_SESSION, lockIndex: 3 });
    expect(byKey['lock/outside']).toMatchObject({ session: OTHER_SESSION, lockIndex: 1 });
    expect(await rowsOf('tombstones', state)).toMatchObject([{ key: 'app/deleted', deletedAt: 77 }]);
  });

  it('sessions', async () => {
    expect(await rowsOf('sessions', state)).toMatchObject([
      {
        id: AGENT_SESSION,
        name: 'of an agent',
        node: 'web-1',
        nodeChecks: ['serfHealth'],
        lockDelay: 15_000,
      },
      { id: OTHER_SESSION, node: 'db-outside', behavior: 'delete', ttl: '86400s', nodeChecks: [] },
    ]);
  });

  it('tokens, policies and roles', async () => {
    const tokens = await rowsOf('aclTokens', state);
    const bySecret = Object.fromEntries(tokens.map((token) => [token.secretId.slice(-2), token]));
    expect(bySecret.us).toMatchObject({ secretId: 'anonymous', description: 'Anonymous Token' });
    expect(bySecret['10']).toMatchObject({
      accessorId: 'acce5501-0000-4000-8000-000000000010',
      policies: ['00000000-0000-0000-0000-000000000001'],
      createdAt: Date.UTC(2024, 2, 13, 17, 14, 16, 693),
      expiresAt: null,
      hash: '/wCA',
    });
    expect(bySecret['11']).toMatchObject({
      roles: ['201e0000-0000-4000-8000-000000000001'],
      serviceIdentities: [{ serviceName: 'web', datacenters: ['dc1'] }],
      nodeIdentities: [{ nodeName: 'web-1', datacenter: 'dc1' }],
      local: true,
      expiresAt: Date.UTC(2099, 0, 2, 2, 4, 5, 6),
    });
    expect(bySecret['12']?.legacy).toEqual({ type: 'client', rules: 'key "old/" { policy = "read" }' });
    expect(bySecret['13']).toMatchObject({
      accessorId: expect.stringMatching(/^[0-9a-f-]{36}$/),
      policies: ['00000000-0000-0000-0000-000000000001'],
      legacy: { type: 'management', rules: '' },
    });
    const [templated, , keys] = await rowsOf('aclPolicies', state);
    expect(bySecret['14']).toMatchObject({
      policies: [templated?.id],
      serviceIdentities: [{ serviceName: 'api', datacenters: [] }],
    });
    expect(templated?.rules).toContain('query_prefix "" {\n  policy = "read"\n}');
    expect(keys).toMatchObject({
      name: 'keys',
      rules: expect.stringContaining('app/'),
      datacenters: ['dc1'],
    });
    expect(await rowsOf('aclRoles', state)).toMatchObject([
      { name: 'app', description: 'of apps', policies: [keys?.id] },
    ]);
  });

  it('prepared queries and coordinates', async () => {
    const [near, geo] = await rowsOf('queries', state);
    expect(near).toMatchObject({
      id: '9e7e0000-0000-4000-8000-000000000001',
      name: 'near-web',
      service: {
        service: 'web',
        failover: { nearestN: 2, datacenters: ['dc2'] },
        near: '_agent',
        tags: ['!canary'],
        serviceMeta: { version: '7' },
        nodeMeta: null,
      },
      dns: { ttl: '10s' },
    });
    expect(geo?.template).toEqual({
      type: 'name_prefix_match',
      regexp: '^geo-(.*)$',
      removeEmptyTags: false,
    });
    expect(await rowsOf('coordinates', state)).toMatchObject([
      { node: 'web-1', vec: [0.1, 0, -0.25, 0, 0, 0, 0, 1], error: 1.5, height: 0.00001 },
    ]);
  });

  it('settings of operators, and that there was a bootstrap', async () => {
    expect(await rowsOf('settings', state)).toMatchObject([
      {
        name: 'autopilot',
        value: { CleanupDeadServers: true, MaxTrailingLogs: 300, LastContactThreshold: '200ms' },
      },
      { name: 'acl-bootstrap', value: {} },
    ]);
  });

  it('config entries, without the fields that only a newer Consul knows', async () => {
    expect(
      (await rowsOf('configEntries', state)).map(({ kind, name, content }) => [kind, name, content]),
    ).toEqual([
      ['service-defaults', 'web', expect.objectContaining({ Protocol: 'http', Expose: { Checks: true } })],
      ['proxy-defaults', 'global', expect.objectContaining({ Config: { x: { y: 1.5 } } })],
      [
        'service-resolver',
        'web',
        { ConnectTimeout: '15s', Subsets: { v1: { Filter: 'Service.Meta.version == 7' } } },
      ],
      [
        'service-intentions',
        'web',
        { Sources: [{ Name: 'api', Action: 'allow', Precedence: 9, Type: 'consul' }] },
      ],
      ['mesh', 'mesh', { TransparentProxy: { MeshDestinationsOnly: true } }],
    ]);
  });

  it('what means nothing here is counted', async () => {
    expect(await leftOutOf(state)).toEqual({
      "Consul's own servers": 1,
      'auth methods': 1,
      'binding rules': 1,
      'certificates of the mesh': 3,
      'config entries of kind exported-services': 1,
      'federation states': 1,
      intentions: 1,
      'entries of peers': 1,
      peerings: 3,
      'records of Consul Enterprise': 1,
      'resources of the second catalog': 1,
      'templated policies of tokens and roles': 1,
    });
  });
});

describe('what hangs on what is not there', () => {
  it('goes or is let go', async () => {
    const bytes = stateOf(
      [3, { ID: 's', Node: 'gone' }],
      [2, { Key: 'k', Session: 's' }],
      [5, { Key: 'k' }],
      [7, { ID: 'q', Session: 's', Service: { Service: 'x' } }],
      [6, [{ Node: 'gone', Coord: { Vec: [0, 0, 0, 0, 0, 0, 0, 0] } }]],
    );
    const { writes, leftOut } = await readConsulState(bytes, 1);
    expect(writes.map(({ table, key }) => [table, key])).toEqual([['kv', 'k']]);
    expect(writes[0]?.row).toMatchObject({ session: '' });
    expect(leftOut).toEqual({ 'sessions without a node': 1, 'prepared queries without a session': 1 });
  });

  it('a server of Consul that is more than that stays, without its service', async () => {
    const node = { Node: 'S1', Address: '10.0.0.1' };
    const bytes = stateOf(
      [0, { ...node, Service: { ID: 'consul', Service: 'consul', Port: 8300 } }],
      [0, { ...node, Service: { ID: 'w', Service: 'web' } }],
      [0, { ...node, Check: { CheckID: 'serfHealth', Status: 'passing' } }],
    );
    expect(await rowsOf('nodes', bytes)).toMatchObject([{ name: 'S1' }]);
    expect((await rowsOf('services', bytes)).map(({ id }) => id)).toEqual(['w']);
  });
});

it('other namespaces and partitions are left out, the default ones not', async () => {
  const bytes = stateOf(
    [2, { Key: 'a', Namespace: 'default', Partition: 'default' }],
    [2, { Key: 'b', Namespace: 'team' }],
    [17, { SecretID: 'x', Partition: 'p2' }],
    [0, { Node: 'n', Partition: 'p2' }],
  );
  expect((await rowsOf('kv', bytes)).map(({ key }) => key)).toEqual(['a']);
  expect(await leftOutOf(bytes)).toEqual({ 'records of other namespaces and partitions': 3 });
});

it('kinds of a Consul to come are left out and named by their number', async () => {
  expect(await leftOutOf(stateOf([50, { A: [1, { B: 'c' }] }], [50, null], [100, 'x']))).toEqual({
    'records of the unknown kind 50': 2,
    'records of Consul Enterprise': 1,
  });
});

describe('a damaged record is named', () => {
  it.each<[string, Buffer, string]>([
    ['no header', Buffer.alloc(0), 'the header is damaged: it ends within a value'],
    ['a header that is none', pack('x'), 'the header is damaged: it is no struct'],
    [
      'a number for a text',
      stateOf([2, { Key: 'a' }], [2, { Key: 7 }]),
      `record 2 (KVS, at byte ${HEADER.length + 8}) is damaged: Key is no string`,
    ],
    ['no key', stateOf([2, { Value: 'a' }]), 'record 1 (KVS, at byte 12) is damaged: Key is missing'],
    ['negative flags', stateOf([2, { Key: 'a', Flags: -1 }]), 'Flags is no unsigned number'],
    [
      'half a port',
      stateOf([0, { Node: 'n', Service: { Service: 's', Port: 1.5 } }]),
      'Service.Port is no whole number',
    ],
    [
      'tags that are none',
      stateOf([0, { Node: 'n', Service: { Service: 's', Tags: [1] } }]),
      'Service.Tags[0] is no string',
    ],
    ['a service that is a text', stateOf([0, { Node: 'n', Service: 'x' }]), 'Service is no struct'],
    [
      'a time that is none',
      stateOf([17, { SecretID: 's', CreateTime: 'yesterday' }]),
      'CreateTime is no time',
    ],
    [
      'a place of two dimensions',
      stateOf([6, [{ Node: 'n', Coord: { Vec: [1, 2] } }]]),
      'Coord.Vec has 2 numbers, not 8',
    ],
    [
      'a policy that nobody can read',
      stateOf([19, { ID: 'i', Name: 'broken', Rules: 'key "' }]),
      'the rules of broken: ',
    ],
    [
      'a config entry that is none',
      stateOf([22, { Kind: 'mesh' }]),
      'record 1 (ConfigEntry, at byte 12) is damaged: it is no encoded request',
    ],
    ['half a config entry', stateOf([22, pack('mesh')]), 'it ends within a value'],
    [
      'the end within a record that is left out',
      Buffer.concat([HEADER, Buffer.of(12, 0x81)]),
      'record 1 (kind 12',
    ],
  ])('%s', async (_what, bytes, words) => {
    await expect(readConsulState(bytes, 1)).rejects.toThrow(RecordError);
    await expect(readConsulState(bytes, 1)).rejects.toThrow(words);
  });

  it('and its secret is not', async () => {
    const bytes = stateOf([17, { SecretID: 'very-secret', Description: 5 }]);
    const error: unknown = await readConsulState(bytes, 1).catch((cause: unknown) => cause);
    expect(String(error)).not.toContain('very-secret');
  });

  it('wherever it is cut off', async () => {
    for (let end = 0; end < 3_000; end += 7) {
      const read = await readConsulState(state.subarray(0, end), 1).catch((error: unknown) => error);
      if (read instanceof Error) expect(read).toBeInstanceOf(RecordError);
    }
  });
});

it('whatever comes is read or refused', async () => {
  const kinds = fc.constantFrom(0, 2, 3, 5, 6, 7, 9, 16, 17, 19, 22, 23, 12, 99);
  const noise = fc.array(fc.tuple(kinds, fc.uint8Array({ maxLength: 60 })), { maxLength: 5 });
  const refused = async (bytes: Buffer) => {
    const read = await readConsulState(bytes, 1).catch((error: unknown) => error);
    if (read instanceof Error) expect(read).toBeInstanceOf(RecordError);
  };
  await fc.assert(
    fc.asyncProperty(noise, (records) =>
      refused(Buffer.concat([HEADER, ...records.flatMap(([kind, bytes]) => [Buffer.of(kind), bytes])])),
    ),
    { numRuns: 500 },
  );
  // Whole but for some bytes: these go deeper.
  const changes = fc.array(fc.tuple(fc.nat(state.length - 1), fc.integer({ min: 0, max: 255 })), {
    minLength: 1,
    maxLength: 4,
  });
  await fc.assert(
    fc.asyncProperty(changes, (bytes) => {
      const damaged = Buffer.from(state);
      for (const [at, byte] of bytes) damaged[at] = byte;
      return refused(damaged);
    }),
    { numRuns: 200 },
  );
});
