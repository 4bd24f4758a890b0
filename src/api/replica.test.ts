/** What an agent answers whose catalog is a replica, and may lack what others have. */
import { afterEach, expect, it } from 'vitest';
import { Acl } from '../acl/acl.ts';
import { bootstrap } from '../acl/commands/bootstrap.ts';
import { kvSet } from '../catalog/commands/kv.ts';
import { setQuery } from '../catalog/commands/query.ts';
import { register } from '../catalog/commands/register.ts';
import { createSession } from '../catalog/commands/session.ts';
import { queryDraft } from '../catalog/prepared-query/fixtures.test-support.ts';
import { NODE } from '../catalog/rows.test-support.ts';
import type { Transaction } from '../catalog/transaction.ts';
import { noLeader } from '../store/etcd/commits.ts';
import { type Api, startApi } from './server.ts';
import { readSnapshot } from './snapshot/read-archive.ts';
import { testContext } from './test-context.ts';

let api: Api | undefined;
afterEach(() => api?.stop());

const ID = '00000000-0000-4000-8000-000000000001';

/** `late` is what others have written and this replica does not know yet; undefined: it is cut off. */
async function start(
  late: ((tx: Transaction) => void) | undefined,
  { renew = async (_id: string) => {}, withAcl = false, isLoaded = true } = {},
) {
  const { store } = testContext().context;
  const remote = {
    isLoaded,
    contact: () => (late === undefined ? { known: false, silence: 4_000 } : { known: true, silence: 0 }),
    refresh: async () => {
      if (late === undefined) throw noLeader();
      await store.write(late);
    },
  };
  const { context } = testContext(
    {},
    { store: { ...store, remote }, catalog: store.catalog, sessions: { renew } },
  );
  const { catalog, clock, node } = context;
  const acl = new Acl({
    catalog,
    clock,
    datacenter: node.datacenter,
    node: node.name,
    defaultPolicy: 'deny',
    isReadable: () => isLoaded,
  });
  api = await startApi({
    context: withAcl ? { ...context, acl } : context,
    host: '127.0.0.1',
    port: 0,
  });
  const url = `http://127.0.0.1:${api.address.port}`;
  const ask = (path: string, how: RequestInit = {}) => fetch(url + path, how);
  return { context, ask };
}

const renewal = { method: 'PUT' };
const session = (tx: Transaction) => {
  register(tx, { node: NODE });
  createSession(tx, {
    id: ID,
    name: '',
    node: NODE.name,
    nodeChecks: [],
    checks: [],
    serviceChecks: [],
    behavior: 'release',
    ttl: '10s',
    lockDelay: 0,
  });
};

it('renews a session that was just made elsewhere, and says of none that it ended when it cannot know', async () => {
  const renewed: string[] = [];
  const here = await start(session, { renew: async (id) => void renewed.push(id) });
  expect((await here.ask(`/v1/session/renew/${ID}`, renewal)).status).toBe(200);
  expect(renewed).toEqual([ID]);
  await api?.stop();
  const away = await start(undefined);
  const answer = await away.ask(`/v1/session/renew/${ID}`, renewal);
  expect([answer.status, await answer.text()]).toEqual([500, 'No cluster leader']);
});

it('acknowledges no renewal that nobody was told of', async () => {
  const { context, ask } = await start(undefined, { renew: () => Promise.reject(noLeader()) });
  await context.store.write(session);
  expect((await ask(`/v1/session/renew/${ID}`, renewal)).status).toBe(500);
});

it('a snapshot has all that was acknowledged, or is refused; an old one for who wants it', async () => {
  const set = (tx: Transaction) => void kvSet(tx, { key: 'new', value: Buffer.from('x'), flags: 0n });
  const here = await start(set);
  const archive = Buffer.from(await (await here.ask('/v1/snapshot')).arrayBuffer());
  const { writes } = await readSnapshot(archive, 0);
  expect(writes.map(({ table, key }) => [table, key])).toContainEqual(['kv', 'new']);
  await api?.stop();
  const away = await start(undefined);
  expect((await away.ask('/v1/snapshot')).status).toBe(500);
  const stale = await away.ask('/v1/snapshot?stale');
  expect([stale.status, stale.headers.get('x-consul-knownleader')]).toEqual([200, 'false']);
});

it('runs and explains queries and reads in transactions as of now, or tells that it cannot', async () => {
  const query = (tx: Transaction) => {
    kvSet(tx, { key: 'new', value: Buffer.from('x'), flags: 0n });
    setQuery(tx, queryDraft({ id: ID }));
  };
  const read = { method: 'PUT', body: JSON.stringify([{ KV: { Verb: 'get', Key: 'new' } }]) };
  for (const [path, how] of [
    [`/v1/query/${ID}/execute`, {}],
    [`/v1/query/${ID}/explain`, {}],
    ['/v1/txn', read],
  ] as const) {
    const here = await start(query);
    const answer = await here.ask(path, how);
    expect([path, answer.status, answer.headers.get('x-consul-knownleader')]).toEqual([path, 200, 'true']);
    await api?.stop();
    const away = await start(undefined);
    expect((await away.ask(`${path}?consistent`, how)).status).toBe(500);
    await away.context.store.write(query);
    const old = await away.ask(path, how);
    expect([path, old.status, old.headers.get('x-consul-knownleader')]).toEqual([path, 200, 'false']);
    expect(await old.json()).toMatchObject({ KnownLeader: false, LastContact: 4e9 });
    await api?.stop();
  }
});

const SECRET = '00000000-0000-4000-8000-0000000000aa';

it('asks for what it lacks before it says that it knows no such token', async () => {
  const token = (tx: Transaction) => void bootstrap(tx, { accessorId: ID, secretId: SECRET }, 0);
  const { ask } = await start(token, { withAcl: true });
  const headers = { 'X-Consul-Token': SECRET };
  expect((await ask('/v1/acl/token/self', { headers })).status).toBe(200);
  await api?.stop();
  const away = await start(undefined, { withAcl: true });
  const answer = await away.ask('/v1/acl/token/self', { headers });
  expect([answer.status, await answer.text()]).toEqual([403, 'ACL not found']);
});

it('tells nothing of a catalog that was never whole, and of itself what it knows', async () => {
  const { ask } = await start(undefined, { isLoaded: false });
  const told = async (path: string, how?: RequestInit) => {
    const answer = await ask(path, how);
    return [path, answer.status, await answer.text()];
  };
  for (const path of [
    '/v1/catalog/nodes',
    '/v1/kv/x?stale',
    '/v1/health/state/any',
    '/v1/agent/force-leave/x',
  ])
    expect(await told(path, path.includes('force') ? { method: 'PUT' } : {})).toEqual([
      path,
      500,
      'No known Consul servers',
    ]);
  expect((await ask('/livez')).status).toBe(200);
  expect(await told('/v1/muster/ready')).toEqual(['/v1/muster/ready', 503, expect.any(String)]);
});

it('knows no rights by a part of a catalog: a policy that takes some may be on its way', async () => {
  const { context, ask } = await start(undefined, { withAcl: true, isLoaded: false });
  await context.store.write((tx) => bootstrap(tx, { accessorId: ID, secretId: SECRET }, 0));
  const answer = await ask('/v1/agent/metrics', { headers: { 'X-Consul-Token': SECRET } });
  expect([answer.status, await answer.text()]).toEqual([
    500,
    'No known Consul servers: what a token may do is known when one is reached',
  ]);
});
