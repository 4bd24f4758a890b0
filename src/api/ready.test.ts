import { Agent, get } from 'node:http';
import { connect } from 'node:net';
import { setImmediate as turn } from 'node:timers/promises';
import { gunzipSync } from 'node:zlib';
import fc from 'fast-check';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { Acl } from '../acl/acl.ts';
import { beginAcl } from '../acl/commands/bootstrap.ts';
import { createPolicy } from '../acl/commands/policy.ts';
import { kvDelete, kvSet } from '../catalog/commands/kv.ts';
import { deregisterNode, deregisterService, register, updateCheck } from '../catalog/commands/register.ts';
import { checkRow, NODE, serviceRow } from '../catalog/rows.test-support.ts';
import type { Transaction } from '../catalog/transaction.ts';
import { ManualClock, systemClock } from '../lib/clock.ts';
import { soon } from '../lib/soon.test-support.ts';
import type { ApiContext } from './context.ts';
import * as encode from './json/encode.ts';
import { type Api, startApi } from './server.ts';
import { testContext } from './test-context.ts';

let api: Api | undefined;
const few = new Agent({ keepAlive: true, maxSockets: 4 });
afterEach(async () => {
  vi.restoreAllMocks();
  await api?.stop();
  api = undefined;
});

async function start(context: ApiContext): Promise<void> {
  api = await startApi({ context, host: '127.0.0.1', port: 0 });
}

function ask(path: string, headers: Record<string, string> = {}, agent = few) {
  return new Promise<{ status: number; headers: Record<string, unknown>; body: string }>(
    (resolve, reject) => {
      get({ host: '127.0.0.1', port: api?.address.port, path, headers, agent }, (response) => {
        const parts: Buffer[] = [];
        response.on('data', (part: Buffer) => parts.push(part));
        response.on('error', reject);
        response.on('end', () => {
          const whole = Buffer.concat(parts);
          const zipped = response.headers['content-encoding'] === 'gzip';
          const body = (zipped ? gunzipSync(whole) : whole).toString();
          resolve({ status: response.statusCode ?? 0, headers: response.headers, body });
        });
      }).on('error', reject);
    },
  );
}

const node = (name: string, meta = '') => ({ ...NODE, name, meta: { v: meta } });
const service = (id: string, name: string, port: number) => ({ ...serviceRow(id, name, ['t']), port });

const NODES = ['n1', 'n2'];
const IDS = ['s1', 's2'];
const STATUSES = ['passing', 'warning', 'critical'] as const;
const write = fc.record({
  do: fc.constantFrom('register', 'node', 'move', 'service gone', 'node gone', 'status', 'set', 'unset'),
  node: fc.constantFrom(...NODES),
  id: fc.constantFrom(...IDS),
  status: fc.constantFrom(...STATUSES),
  number: fc.nat(3),
});

type Step = typeof write extends fc.Arbitrary<infer T> ? T : never;

function play(tx: Transaction, { do: what, node: on, id, status, number }: Step): void {
  if (what === 'register')
    register(tx, {
      node: node(on),
      service: service(id, 'web', number),
      checks: [checkRow(id, id), checkRow('up')],
    });
  else if (what === 'move') register(tx, { node: node(on), service: service(id, 'api', number) });
  else if (what === 'node') register(tx, { node: node(on, String(number)) });
  else if (what === 'service gone') deregisterService(tx, on, id);
  else if (what === 'node gone') deregisterNode(tx, on);
  else if (what === 'status') updateCheck(tx, on, number === 0 ? 'up' : id, { status, output: '' });
  else if (what === 'set') kvSet(tx, { key: id, value: Buffer.from(String(number)), flags: 0n });
  else kvDelete(tx, id);
}

const PATHS = [
  '/v1/health/service/web?passing',
  '/v1/health/service/WEB?pretty',
  '/v1/health/service/api?filter=Service.Port==1',
  '/v1/health/checks/web?x',
  '/v1/health/state/any?x',
  '/v1/health/state/any?node-meta=v:1',
  '/v1/catalog/service/web?node-meta=v:2',
  '/v1/catalog/services?x',
  '/v1/catalog/services?node-meta=v:1',
  '/v1/catalog/nodes?x',
  '/v1/kv/s1?x',
];

describe('answers that are given again', () => {
  it('are those that would be given afresh, whatever was written in between', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(write, { minLength: 1, maxLength: 12 }), async (writes) => {
        const { context } = testContext();
        await start(context);
        try {
          for (const [i, one] of writes.entries()) {
            await context.store.write((tx) => play(tx, one));
            for (const path of PATHS) {
              const first = await ask(path);
              const [again, fresh] = [await ask(path), await ask(`${path}&nobody-asked-this=${i}`)];
              for (const { status, headers, body } of [first, again]) {
                expect([status, body]).toEqual([fresh.status, fresh.body]);
                expect({ ...headers, date: '' }).toEqual({ ...fresh.headers, date: '' });
              }
            }
          }
        } finally {
          await api?.stop();
        }
      }),
      { numRuns: 12 },
    );
  });

  it('are compressed for those who take it', async () => {
    const { context } = testContext();
    await context.store.write((tx) => {
      for (let i = 0; i < 20; i++) register(tx, { node: node(`n${i}`), service: service('a', 'web', i) });
    });
    await start(context);
    const path = '/v1/health/service/web';
    const plain = await ask(path);
    for (let i = 0; i < 2; i++) {
      const zipped = await ask(path, { 'Accept-Encoding': 'gzip' });
      expect(zipped.headers['content-encoding']).toBe('gzip');
      expect(zipped.body).toBe(plain.body);
      expect(
        (await ask(path, { 'Accept-Encoding': 'gzip;q=0' })).headers['content-encoding'],
      ).toBeUndefined();
    }
  });

  it('are encoded once for readers that wait for the same', async () => {
    const { context } = testContext();
    await context.store.write((tx) => register(tx, { node: node('n'), service: service('a', 'web', 1) }));
    await start(context);
    const waiting = [1, 2, 3].map((n) => ask(`/v1/health/service/web?index=2&wait=${n}m`));
    await soon(() => expect(context.catalog.watches.size).toBe(3));
    const encoded = vi.spyOn(encode, 'encodeJson');
    await context.store.write((tx) => register(tx, { node: node('n'), service: service('a', 'web', 2) }));
    const bodies = (await Promise.all(waiting)).map(({ body }) => body);
    expect(new Set(bodies).size).toBe(1);
    expect(encoded).toHaveBeenCalledTimes(1);
  });

  it('still wait when the same was asked before', async () => {
    const { context } = testContext();
    await context.store.write((tx) => register(tx, { node: node('n'), service: service('a', 'web', 1) }));
    await start(context);
    // However the parameter is spelt.
    const path = '/v1/health/service/web?%69ndex=1';
    await ask(path.replace('=1', '=0'));
    for (const port of [2, 3]) {
      const at = path.replace('=1', `=${context.catalog.index}`);
      const waiting = ask(at);
      await soon(() => expect(context.catalog.watches.size).toBe(1));
      await context.store.write((tx) =>
        register(tx, { node: node('n'), service: service('a', 'web', port) }),
      );
      expect((await waiting).body).toContain(`"Port":${port}`);
    }
  });

  it('are never those of another token', async () => {
    const { context: open } = testContext();
    const { catalog, store } = open;
    const acl = new Acl({ catalog, clock: systemClock, datacenter: 'dc1', node: 'n', defaultPolicy: 'deny' });
    const id = '11111111-2222-3333-4444-555555555555';
    await store.write((tx) => {
      beginAcl(tx, undefined);
      register(tx, { node: node('n'), service: service('a', 'web', 1) });
      const rules = 'service_prefix "" { policy = "read" } node_prefix "" { policy = "read" }';
      createPolicy(tx, id, { name: 'reads', description: '', rules, datacenters: [] });
      tx.put('aclTokens', {
        accessorId: id,
        secretId: id,
        description: '',
        policies: [id],
        roles: [],
        serviceIdentities: [],
        nodeIdentities: [],
        local: false,
        createdAt: 0,
        expiresAt: null,
        hash: '',
      });
    });
    await start({ ...open, acl });
    const path = '/v1/health/service/web';
    for (let i = 0; i < 2; i++) {
      expect(JSON.parse((await ask(path, { 'X-Consul-Token': id })).body)).toHaveLength(1);
      expect(JSON.parse((await ask(path)).body)).toEqual([]);
    }
    // A read that waits is answered with the rights of then.
    const headers = { 'X-Consul-Token': id };
    const blocked = ask(`${path}?index=${catalog.index}`, headers);
    await blockedReads({ catalog }, 1);
    // The right is gone with the policy, although nothing changed about the service.
    await store.write((tx) => tx.delete('aclPolicies', id));
    expect(JSON.parse((await ask(path, headers)).body)).toEqual([]);
    await store.write((tx) => register(tx, { node: node('n'), service: service('a', 'web', 2) }));
    expect(JSON.parse((await blocked).body)).toEqual([]);
  });
});

const blockedReads = ({ catalog }: Pick<ApiContext, 'catalog'>, count: number) =>
  soon(() => expect(catalog.watches.size).toBe(count));

/** As `few`, for as many requests at a time as there are. */
const many = new Agent({ keepAlive: true });

/** A connection of its own, and what comes on it. */
class RawClient {
  readonly socket = connect({ port: api?.address.port ?? 0, host: '127.0.0.1' });
  readonly ended = new Promise<void>((resolve) => this.socket.once('close', () => resolve()));
  #text = '';

  constructor() {
    this.socket.on('data', (chunk) => {
      this.#text += chunk.toString('latin1');
    });
  }

  send(text: string): void {
    this.socket.write(text);
  }

  /** Of a key, in the answers so far, once there are so many. */
  async values(count: number): Promise<string[]> {
    const found = () =>
      [...this.#text.matchAll(/"Value":"([^"]*)"/g)].map(([, value = '']) =>
        Buffer.from(value, 'base64').toString(),
      );
    await soon(() => expect(found().length).toBeGreaterThanOrEqual(count));
    expect(this.#text.match(/HTTP\/1\.1 200 OK\r\n/g)).toHaveLength(count);
    return found();
  }
}

describe('reads that wait for what was asked before', () => {
  const PATH = '/v1/kv/a?x';
  const set = ({ store }: ApiContext, value: string) =>
    store.write((tx) => kvSet(tx, { key: 'a', value: Buffer.from(value), flags: 0n }));
  const valueIn = (body: string) => Buffer.from(JSON.parse(body)[0].Value, 'base64').toString();

  async function asked(parts: Partial<ApiContext> = {}, settings = {}) {
    const { context } = testContext(settings, parts);
    await set(context, 'one');
    await start(context);
    const { headers } = await ask(PATH, {}, many);
    return { context, index: Number(headers['x-consul-index']) };
  }

  it('are all answered by one change, each in its form, also when there are more than fit into a turn', async () => {
    const { context, index } = await asked();
    await ask(`${PATH}&pretty`, {}, many);
    const blocked = Array.from({ length: 300 }, (_, i) =>
      ask(`${PATH}${i % 2 ? '&pretty' : ''}&index=${index}&wait=${1 + (i % 3)}m`, {}, many),
    );
    await blockedReads(context, 300);
    await set(context, 'two');
    const answers = await Promise.all(blocked);
    for (const { body } of answers) expect(valueIn(body)).toBe('two');
    expect(new Set(answers.map(({ headers }) => headers['x-consul-index']))).toEqual(
      new Set([String(context.catalog.index)]),
    );
    expect(answers.filter(({ body }) => body.includes('\n'))).toHaveLength(150);
    expect(context.catalog.watches.size).toBe(0);
  });

  it('leave their connections as they would be, whatever stands behind them and however old their clients are', async () => {
    const { context, index } = await asked();
    const read = (after: number, version = '1.1', more = '') =>
      `GET ${PATH}&index=${after} HTTP/${version}\r\nHost: x\r\n${more}\r\n`;
    const plain = new RawClient();
    const another = new RawClient();
    const impatient = new RawClient();
    const closing = new RawClient();
    const old = new RawClient();
    for (const client of [plain, another]) client.send(read(index));
    impatient.send(read(index) + read(index));
    closing.send(read(index, '1.1', 'Connection: close\r\n'));
    old.send(read(index, '1.0'));
    // The second one of the impatient client has its turn when the first one was answered.
    await blockedReads(context, 5);
    await set(context, 'two');
    for (const client of [plain, another, closing, old]) expect(await client.values(1)).toEqual(['two']);
    expect(await impatient.values(2)).toEqual(['two', 'two']);
    await Promise.all([closing.ended, old.ended]);
    for (const client of [plain, another, impatient]) client.send(read(context.catalog.index));
    await blockedReads(context, 3);
    await set(context, 'three');
    for (const client of [plain, another]) expect(await client.values(2)).toEqual(['two', 'three']);
    expect(await impatient.values(3)).toEqual(['two', 'two', 'three']);
    for (const client of [plain, another, impatient]) client.socket.destroy();
  });

  it('are answered whole when the answer is larger than what the system takes at once', async () => {
    const { context } = await asked();
    const names = Array.from({ length: 10 }, (_, i) => `big/${i}`);
    const fill = (byte: number) =>
      context.store.write((tx) => {
        for (const key of names) kvSet(tx, { key, value: Buffer.alloc(500_000, byte), flags: 0n });
      });
    await fill(1);
    const path = '/v1/kv/big/?recurse';
    const index = Number((await ask(path, {}, many)).headers['x-consul-index']);
    const blocked = [1, 2, 3].map(() => ask(`${path}&index=${index}`, {}, many));
    await blockedReads(context, 3);
    await fill(2);
    const value = Buffer.alloc(500_000, 2).toString('base64');
    for (const { body } of await Promise.all(blocked))
      expect(JSON.parse(body).map(({ Value }: { Value: string }) => Value === value)).toEqual(
        names.map(() => true),
      );
    expect((await ask(path, {}, many)).body).toContain(value);
  });

  it('are answered 404 when the change is a deletion', async () => {
    const { context, index } = await asked();
    const blocked = [1, 2, 3].map(() => ask(`${PATH}&index=${index}`, {}, many));
    await blockedReads(context, 3);
    await context.store.write((tx) => kvDelete(tx, 'a'));
    for (const { status } of await Promise.all(blocked)) expect(status).toBe(404);
  });

  it('are answered with what there is once their wait is over', async () => {
    const clock = new ManualClock(1_000_000);
    const { context, index } = await asked({ clock, random: () => 0.5 });
    const blocked = ask(`${PATH}&index=${index}&wait=16s`, {}, many);
    await blockedReads(context, 1);
    clock.advance(16_499);
    expect(context.catalog.watches.size).toBe(1);
    clock.advance(1);
    const { body, headers } = await blocked;
    expect([valueIn(body), headers['x-consul-index']]).toEqual(['one', String(index)]);
    expect(context.catalog.watches.size).toBe(0);
  });

  it('end with their client', async () => {
    const { context, index } = await asked();
    const gone = get({
      host: '127.0.0.1',
      port: api?.address.port,
      path: `${PATH}&index=${index}`,
      agent: many,
    });
    gone.on('error', () => {});
    await blockedReads(context, 1);
    gone.destroy();
    await blockedReads(context, 0);
    await set(context, 'two');
  });

  it('are answered when the server stops, and their connections end', async () => {
    const { context, index } = await asked();
    const blocked = [1, 2].map(() => ask(`${PATH}&index=${index}`, {}, many));
    await blockedReads(context, 2);
    await api?.stop();
    for (const { status, body, headers } of await Promise.all(blocked)) {
      expect([status, valueIn(body), headers.connection]).toEqual([200, 'one', 'close']);
    }
  });

  it('keep nobody when the server stops just after they were answered', async () => {
    // Its time stands still: the grace for what goes on is never over.
    const { context, index } = await asked({ clock: new ManualClock(1_000_000), random: () => 0.5 });
    const blocked = Array.from({ length: 300 }, () => ask(`${PATH}&index=${index}`, {}, many));
    await blockedReads(context, 300);
    await set(context, 'two');
    while (context.catalog.watches.size > 0) await turn();
    await api?.stop();
    for (const { body } of await Promise.all(blocked)) expect(valueIn(body)).toBe('two');
  });

  it('are counted with all that block, and refused beyond', async () => {
    const { context, index } = await asked();
    Object.defineProperty(context.catalog.watches, 'size', { value: 50_000 });
    expect((await ask(`${PATH}&index=${index}`, {}, many)).status).toBe(429);
  });

  it('are answered at once when they are behind', async () => {
    const { context, index } = await asked();
    await set(context, 'two');
    await ask(PATH, {}, many);
    expect(valueIn((await ask(`${PATH}&index=${index}`, {}, many)).body)).toBe('two');
  });
});
