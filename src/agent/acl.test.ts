import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createToken, NO_GRANTS } from '../acl/commands/token.ts';
import { type Leadership, soleLeadership } from '../cluster/leadership.ts';
import { ManualClock } from '../lib/clock.ts';
import type { LogLine } from '../lib/log.ts';
import { Sockets } from '../lib/sockets.ts';
import { soon } from '../lib/soon.test-support.ts';
import type { LocalNode } from '../registry/node.ts';
import { noLeader } from '../store/etcd/commits.ts';
import { openMemoryStore } from '../store/memory.ts';
import type { Store } from '../store/store.ts';
import { putInPlace, startAcl } from './acl.ts';
import { type Agent, startAgent } from './agent.ts';
import { effective } from './config/effective.ts';
import { configSchema } from './config/schema.ts';
import { openAgentLog } from './log.ts';
import { Teardown } from './teardown.ts';

const ROOT = 'a-very-secret-secret';

let directory: string;
let agent: Agent | undefined;
const lines: LogLine[] = [];
beforeEach(() => {
  directory = mkdtempSync(path.join(tmpdir(), 'muster-acl-'));
  lines.length = 0;
});
afterEach(async () => {
  await agent?.stop();
  agent = undefined;
  rmSync(directory, { recursive: true, force: true });
});

/** `next`: what the configuration says of access control when it is read again. */
async function start(acl: object = {}, next: () => object = () => acl): Promise<void> {
  await agent?.stop();
  const config = (access: object) =>
    configSchema.parse({
      node: { name: 'n1', dataDir: directory },
      ports: { http: 0, dns: 0 },
      balancer: { enabled: false },
      acl: { enabled: true, defaultPolicy: 'deny', ...access },
    });
  const log = openAgentLog({ level: 'debug', format: 'json', sink: () => {} });
  log.tail((line) => lines.push(line));
  agent = await startAgent(config(acl), { log, readConfig: async () => config(next()) });
}

async function ask(method: string, where: string, { token = '', body = '' } = {}): Promise<string> {
  const answer = await fetch(`http://${agent?.addresses.http[0]}${where}`, {
    method,
    headers: token === '' ? {} : { 'X-Consul-Token': token },
    ...(body === '' ? {} : { body }),
  });
  return `${answer.status} ${await answer.text()}`;
}

test('the configured management token works, over restarts too, and stands in no log', async () => {
  for (let run = 0; run < 2; run++) {
    await start({ tokens: { initialManagement: ROOT } });
    expect(await ask('GET', '/v1/agent/self')).toBe('403 Permission denied');
    expect(await ask('GET', '/v1/agent/self', { token: ROOT })).toMatch(/^200 .*"acls":"1"/s);
    expect(await ask('PUT', '/v1/kv/a', { token: ROOT, body: 'x' })).toMatch(/^200/);
    await ask('GET', `/v1/kv/a?token=${ROOT}`);
    // What the agent registers itself needs no token.
    expect(await ask('GET', '/v1/catalog/service/consul', { token: ROOT })).toContain('"Node":"n1"');
  }
  const tokens = JSON.parse((await ask('GET', '/v1/acl/tokens', { token: ROOT })).slice(4)) as object[];
  expect(tokens).toHaveLength(2);
  expect(JSON.stringify(lines)).not.toContain(ROOT);
});

test('whoever can write into the data directory may bootstrap again, once', async () => {
  await start();
  const first = await ask('PUT', '/v1/acl/bootstrap');
  expect(first).toMatch(/^200/);
  const index = /reset index: (\d+)/.exec(await ask('PUT', '/v1/acl/bootstrap'))?.[1] as string;
  writeFileSync(path.join(directory, 'acl-bootstrap-reset'), index);
  expect(await ask('PUT', '/v1/acl/bootstrap')).toMatch(/^200/);
  expect(await ask('PUT', '/v1/acl/bootstrap')).toMatch(/^403/);
});

test('tokens that were set while running are kept when that is wanted, for the user of the agent only', async () => {
  const set = () => ask('PUT', '/v1/agent/token/default', { token: ROOT, body: `{"Token":"${ROOT}"}` });
  const anonymous = () => ask('GET', '/v1/acl/token/self');
  await start({ tokens: { initialManagement: ROOT } });
  expect(await set()).toBe('200 ');
  expect(await anonymous()).toContain(ROOT);
  await start({ tokens: { initialManagement: ROOT }, enableTokenPersistence: true });
  expect(await anonymous()).toContain('ACL not found');
  await set();
  const file = path.join(directory, 'acl-tokens.json');
  expect(statSync(file).mode & 0o777).toBe(0o600);
  expect(readFileSync(file, 'utf8')).toContain(ROOT);
  await start({ tokens: { initialManagement: ROOT }, enableTokenPersistence: true });
  expect(await anonymous()).toContain(ROOT);
  writeFileSync(file, `{"default": ${ROOT}`);
  const failed = await start({ enableTokenPersistence: true }).catch((error: Error) => error.message);
  expect(failed).toContain('is no JSON');
  expect(failed).not.toContain(ROOT);
});

test('tokens of the configuration follow a reload; of those that were set before, the kept ones come first', async () => {
  const set = (Token: string) =>
    ask('PUT', '/v1/agent/token/default', { token: ROOT, body: JSON.stringify({ Token }) });
  const self = () => ask('GET', '/v1/acl/token/self');
  for (const enableTokenPersistence of [false, true]) {
    let configured = 'nobody-knows-this';
    const access = () => ({
      tokens: { initialManagement: ROOT, default: configured },
      enableTokenPersistence,
    });
    await start(access(), access);
    expect(await self()).toContain('ACL not found');
    configured = ROOT;
    await agent?.reload();
    expect(await self()).toContain(ROOT);
    await set('nobody-knows-that');
    expect(await self()).toContain('ACL not found');
    await agent?.reload();
    const wanted = enableTokenPersistence ? 'ACL not found' : ROOT;
    expect(await self()).toContain(wanted);
    // One that was taken back is none: the configuration counts again.
    await set('');
    await start(access(), access);
    expect(await self()).toContain(ROOT);
  }
});

test('a token that was set keeps no others from the configuration', async () => {
  await start({ tokens: { initialManagement: ROOT }, enableTokenPersistence: true });
  await ask('PUT', '/v1/agent/token/agent', { token: ROOT, body: '{"Token":"x"}' });
  // The file said that there is no default token, and that counted more.
  await start({ tokens: { initialManagement: ROOT, default: ROOT }, enableTokenPersistence: true });
  expect(await ask('GET', '/v1/acl/token/self')).toContain(ROOT);
});

test('what the agent registers and tells takes the right to it', async () => {
  await start({ tokens: { initialManagement: ROOT } });
  const put = (where: string, body: object = {}, token = ROOT) =>
    ask('PUT', where, { token, body: JSON.stringify(body) });
  await put('/v1/acl/policy', {
    Name: 'p',
    Rules: 'service "web" { policy = "write" } agent "n1" { policy = "read" }',
  });
  const made = await put('/v1/acl/token', { Policies: [{ Name: 'p' }] });
  const token = (JSON.parse(made.slice(4)) as { SecretID: string }).SecretID;
  await put('/v1/agent/service/register', { Name: 'db', Check: { CheckID: 'db-ttl', TTL: '1h' } });
  await put('/v1/agent/check/register', { Name: 'node-ttl', TTL: '1h' });

  const own = (where: string, body: object = {}) => put(where, body, token);
  const onDb = '403 Permission denied: Missing service:write on db';
  const onNode = '403 Permission denied: Missing node:write on n1';
  expect(await own('/v1/agent/service/register', { Name: 'web', Check: { TTL: '1h' } })).toBe('200 ');
  expect(await own('/v1/agent/check/pass/service:web')).toBe('200 ');
  expect(await own('/v1/agent/service/register', { Name: 'db' })).toBe(onDb);
  expect(await own('/v1/agent/service/register', { ID: 'db', Name: 'web' })).toBe(onDb);
  expect(
    await own('/v1/agent/service/register', { Name: 'web', Check: { CheckID: 'db-ttl', TTL: '1h' } }),
  ).toBe(onDb);
  expect(await own('/v1/agent/service/maintenance/db?enable=true')).toBe(onDb);
  expect(await own('/v1/agent/service/deregister/db')).toBe(onDb);
  expect(await own('/v1/agent/service/deregister/none')).toBe('500 Unknown service "none"');
  expect(await own('/v1/agent/check/register', { Name: 'x', TTL: '1h' })).toBe(onNode);
  expect(await own('/v1/agent/check/register', { Name: 'x', TTL: '1h', ServiceID: 'db' })).toBe(onDb);
  expect(await own('/v1/agent/check/pass/db-ttl')).toBe(onDb);
  expect(await own('/v1/agent/check/update/node-ttl', { Status: 'passing' })).toBe(onNode);
  expect(await own('/v1/agent/check/deregister/node-ttl')).toBe(onNode);
  expect(await own('/v1/agent/check/pass/none')).toBe('500 Unknown check "none"');
  expect(await own('/v1/agent/maintenance?enable=true')).toBe('403 Permission denied');
  expect(await own('/v1/agent/reload')).toBe('403 Permission denied');

  const read = async (where: string) => ask('GET', where, { token });
  expect(Object.keys(JSON.parse((await read('/v1/agent/services')).slice(4)) as object)).toEqual(['web']);
  expect(Object.keys(JSON.parse((await read('/v1/agent/checks')).slice(4)) as object)).toEqual([
    'service:web',
  ]);
  expect(await read('/v1/agent/service/db')).toBe('403 Permission denied');
  expect(await read('/v1/agent/health/service/id/db')).toBe('403 Permission denied');
  expect(await read('/v1/agent/health/service/name/db')).toBe('403 Permission denied');
  expect(await read('/v1/agent/self')).toMatch(/^200/);
  expect(await read('/v1/agent/host')).toBe('403 Permission denied');
});

test('a snapshot from before access control locks nobody out', async () => {
  await start({ enabled: false });
  await ask('PUT', '/v1/kv/a', { body: 'old' });
  const bytes = await (await fetch(`http://${agent?.addresses.http[0]}/v1/snapshot`)).arrayBuffer();
  await start({ tokens: { initialManagement: ROOT } });
  const restored = await fetch(`http://${agent?.addresses.http[0]}/v1/snapshot?token=${ROOT}`, {
    method: 'PUT',
    body: bytes,
  });
  expect(restored.status).toBe(200);
  expect(await ask('GET', '/v1/kv/a?raw', { token: ROOT })).toBe('200 old');
  expect(await ask('GET', '/v1/kv/a')).toBe('403 Permission denied');
});

test('a log that is followed ends when its token loses the right to it', async () => {
  await start({ tokens: { initialManagement: ROOT } });
  const made = await ask('PUT', '/v1/acl/token', {
    token: ROOT,
    body: '{"Policies":[{"Name":"global-management"}]}',
  });
  const { AccessorID, SecretID } = JSON.parse(made.slice(4)) as { AccessorID: string; SecretID: string };
  const log = await fetch(`http://${agent?.addresses.http[0]}/v1/agent/monitor`, {
    headers: { 'X-Consul-Token': SecretID },
  });
  expect(log.status).toBe(200);
  await ask('DELETE', `/v1/acl/token/${AccessorID}`, { token: ROOT });
  // Ends: otherwise this would never.
  await log.text();
});

test('the configuration is shown without its secrets', () => {
  const shown = effective(configSchema, {
    acl: { tokens: { initialManagement: ROOT, default: '' } },
    telemetry: { otlpHeaders: { 'x-key': ROOT } },
  });
  expect(shown).toMatchObject({
    acl: { tokens: { initial_management: '(hidden)', default: '', agent: '' } },
    telemetry: { otlp_headers: { 'x-key': '(hidden)' } },
  });
});

const NODE: LocalNode = { id: '', name: 'n1', address: '10.0.0.1', datacenter: 'dc1' };
const FOLLOWS: Leadership = { ...soleLeadership('other'), leads: () => false, whileLeading: () => () => {} };

/** Access control on a node of a cluster. */
async function startOver(store: Store, leadership: Leadership, clock: ManualClock) {
  const log = openAgentLog({ level: 'debug', format: 'json', sink: () => {} });
  const parts = {
    config: configSchema.parse({ acl: { enabled: true } }),
    log,
    clock,
    random: Math.random,
    teardown: new Teardown(log.logger),
    sockets: new Sockets(),
  };
  const acl = startAcl(parts, { store, leadership }, NODE, undefined);
  await putInPlace(acl, store, { clock, logger: log.logger });
  return acl;
}

const memory = () =>
  openMemoryStore({
    onSubscriberError: (error) => {
      throw error;
    },
  });

test('a node that does not lead takes no token from the others, whatever its clock says', async () => {
  const clock = new ManualClock(1_000_000);
  const store = memory();
  const ids = { accessorId: 'a', secretId: 's', isAccessorGiven: false, isSecretGiven: false };
  await store.write((tx) =>
    createToken(tx, ids, { ...NO_GRANTS, description: '', expiresAt: tx.now + 3_600_000 }),
  );
  const ahead = new ManualClock(Date.now() + 7_200_000);
  await startOver(store, FOLLOWS, ahead);
  ahead.advance(120_000);
  await store.write(() => {});
  expect(store.catalog.get('aclTokens', 'a')).toBeDefined();
  await startOver(store, soleLeadership('me'), clock);
  await store.write(() => {});
  expect(store.catalog.get('aclTokens', 'a')).toBeDefined();
  await startOver(store, soleLeadership('me'), ahead);
  await store.write(() => {});
  expect(store.catalog.get('aclTokens', 'a')).toBeUndefined();
});

test('a node starts while no majority of the servers is there', async () => {
  const clock = new ManualClock(1_000_000);
  const store = memory();
  await startOver(store, FOLLOWS, clock);
  const away: Store = { ...store, write: () => Promise.reject(noLeader()) };
  expect((await startOver(away, FOLLOWS, clock)).authorizer('')).toBeDefined();
});

test('a node whose servers elect their first leader waits for it', async () => {
  const clock = new ManualClock(1_000_000);
  const store = memory();
  let attempts = 0;
  const electing: Store = {
    ...store,
    write: (command) => (++attempts > 2 ? store.write(command) : Promise.reject(noLeader())),
  };
  const starting = startOver(electing, FOLLOWS, clock);
  await soon(() => {
    clock.advance(500);
    expect(attempts).toBe(3);
  });
  expect((await starting).authorizer('')).toBeDefined();
});
