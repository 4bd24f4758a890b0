import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { openMemoryStore } from '../store/memory.ts';
import type { Store } from '../store/store.ts';
import { Acl, type AclOptions } from './acl.ts';
import { AgentTokens, NO_AGENT_TOKENS } from './agent-tokens.ts';
import { beginAcl, bootstrap, bootstrapIndex } from './commands/bootstrap.ts';
import { createPolicy, deletePolicy, updatePolicy } from './commands/policy.ts';
import { createRole, deleteRole, updateRole } from './commands/role.ts';
import {
  cloneToken,
  createToken,
  deleteToken,
  NO_GRANTS,
  reapTokens,
  updateToken,
} from './commands/token.ts';

const id = (n: number) => `aaaaaaaa-0000-0000-0000-${String(n).padStart(12, '0')}`;
const ids = (n: number) => ({
  accessorId: id(n),
  secretId: id(n + 1000),
  isAccessorGiven: false,
  isSecretGiven: false,
});
const linked = (...names: string[]) => names.map((name) => ({ id: '', name }));
const policy = (name: string, rules: string, datacenters: string[] = []) => ({
  name,
  description: '',
  rules,
  datacenters,
});

let store: Store;
let now: number;
let acl: Acl;

const start = (options: Partial<AclOptions> = {}) =>
  new Acl({
    catalog: store.catalog,
    clock: { now: () => now },
    datacenter: 'dc1',
    node: 'self',
    defaultPolicy: 'deny',
    ...options,
  });

beforeEach(async () => {
  now = Date.now();
  store = openMemoryStore({
    onSubscriberError: (error) => {
      throw error;
    },
  });
  await store.write((tx) => beginAcl(tx, undefined));
  acl = start();
});

afterEach(async () => {
  acl.stop();
  await store.close();
});

const may = (secret: string, key: string) => acl.authorizer(secret)?.allows('key', 'read', key);

describe('what a token may do', () => {
  test('comes from its policies, those of its roles and its identities', async () => {
    await store.write((tx) => {
      createPolicy(tx, id(1), policy('own', 'key "own" { policy = "read" }'));
      createPolicy(tx, id(2), policy('of-role', 'key "role" { policy = "read" }'));
      createPolicy(tx, id(3), policy('elsewhere', 'key "far" { policy = "read" }', ['dc2']));
      createRole(tx, id(4), {
        name: 'r',
        description: '',
        policies: linked('of-role'),
        serviceIdentities: [],
        nodeIdentities: [{ nodeName: 'n1', datacenter: 'dc1' }],
      });
      createToken(tx, ids(5), {
        ...NO_GRANTS,
        description: '',
        policies: linked('own', 'elsewhere'),
        roles: linked('R'),
        serviceIdentities: [
          { serviceName: 'web', datacenters: [] },
          { serviceName: 'db', datacenters: ['dc2'] },
        ],
      });
    });
    const authorizer = acl.authorizer(id(1005));
    expect(authorizer?.allows('key', 'read', 'own')).toBe(true);
    expect(authorizer?.allows('key', 'read', 'role')).toBe(true);
    expect(authorizer?.allows('key', 'read', 'far')).toBe(false);
    expect(authorizer?.allows('service', 'write', 'web')).toBe(true);
    expect(authorizer?.allows('service', 'write', 'web-sidecar-proxy')).toBe(true);
    expect(authorizer?.allows('service', 'write', 'db')).toBe(false);
    expect(authorizer?.allows('node', 'write', 'n1')).toBe(true);
  });

  test('is never older than the catalog', async () => {
    await store.write((tx) => {
      createPolicy(tx, id(1), policy('p', 'key "a" { policy = "read" }'));
      createToken(tx, ids(2), { ...NO_GRANTS, description: '', policies: linked('p') });
    });
    expect(may(id(1002), 'a')).toBe(true);
    expect(acl.authorizer(id(1002))).toBe(acl.authorizer(id(1002)));
    // Whoever is told of the change already finds what holds now.
    const told: unknown[] = [];
    const end = store.catalog.feed.subscribe(() => told.push(may(id(1002), 'a')));
    await store.write((tx) => updatePolicy(tx, id(1), policy('p', 'key "b" { policy = "read" }')));
    await store.write((tx) => deletePolicy(tx, id(1)));
    await store.write((tx) => deleteToken(tx, id(2)));
    end();
    expect(told).toEqual([false, false, undefined]);
  });

  test('ends with the token', async () => {
    await store.write((tx) =>
      createToken(tx, ids(1), { ...NO_GRANTS, description: '', expirationTtl: 60_000 }),
    );
    expect(acl.authorizer(id(1001))).toBeDefined();
    now += 61_000;
    expect(acl.authorizer(id(1001))).toBeUndefined();
    expect(acl.token(id(1001))).toBeUndefined();
    expect((await store.write((tx) => reapTokens(tx, now))).answer).toBe(1);
    expect(store.catalog.count('aclTokens')).toBe(1);
  });

  test('without a token: the default one, or else the anonymous one', async () => {
    await store.write((tx) => {
      createPolicy(tx, id(1), policy('p', 'key "a" { policy = "read" }'));
      createToken(tx, ids(2), { ...NO_GRANTS, description: '', policies: linked('p') });
    });
    expect(may('', 'a')).toBe(false);
    const tokens = new AgentTokens({ ...NO_AGENT_TOKENS, agentRecovery: 'in-need' });
    acl = start({ tokens });
    await tokens.set('default', id(1002));
    expect(may('', 'a')).toBe(true);
    await tokens.set('default', 'nobody knows it');
    expect(acl.authorizer('')).toBeUndefined();
    const recovery = acl.authorizer('in-need');
    expect(recovery?.allows('agent', 'write', 'self')).toBe(true);
    expect(recovery?.allows('agent', 'write', 'other')).toBe(false);
    expect(recovery?.allows('key', 'read', 'a')).toBe(false);
    await tokens.set('agentRecovery', 'another');
    expect(acl.authorizer('in-need')).toBeUndefined();
    expect(acl.authorizer('another')).toBeDefined();
  });
});

describe('commands', () => {
  const refused = async (command: Parameters<Store['write']>[0]) => {
    const index = store.catalog.index;
    const message = await store.write(command).then(
      () => undefined,
      (error: Error) => error.message,
    );
    expect(store.catalog.index).toBe(index);
    return message;
  };

  test('bootstrapping is done once, or with the index that proves access to the disk', async () => {
    const make = (n: number, reset = 0) => store.write((tx) => bootstrap(tx, ids(n), reset));
    await make(1);
    expect(acl.authorizer(id(1001))?.allows('acl', 'write')).toBe(true);
    const index = store.catalog.get('settings', 'acl-bootstrap')?.modifyIndex as number;
    await expect(make(2)).rejects.toThrow(`ACL bootstrap no longer allowed (reset index: ${index})`);
    await expect(make(2, index + 1)).rejects.toThrow(
      `Invalid bootstrap reset index (specified ${index + 1}, reset index: ${index})`,
    );
    await make(2, index);
    expect((await store.write((tx) => bootstrapIndex(tx))).answer).toBeGreaterThan(index);
  });

  test('beginning twice changes nothing', async () => {
    const initial = { accessorId: id(1), secretId: 'root' };
    await store.write((tx) => beginAcl(tx, initial));
    const { index } = store.catalog;
    await store.write((tx) => beginAcl(tx, { ...initial, accessorId: id(2) }));
    expect(store.catalog.index).toBe(index);
    expect(acl.token('root')?.accessorId).toBe(id(1));
  });

  test('policies', async () => {
    await store.write((tx) => createPolicy(tx, id(1), policy('one', '')));
    expect(await refused((tx) => createPolicy(tx, id(2), policy('ONE', '')))).toBe(
      'Invalid Policy: A Policy with Name "ONE" already exists',
    );
    expect(await refused((tx) => updatePolicy(tx, 'x', policy('one', '')))).toBe('Policy ID invalid UUID');
    expect(await refused((tx) => updatePolicy(tx, id(9), policy('nine', '')))).toBe(
      `cannot find policy ${id(9)}`,
    );
    expect(await refused((tx) => updatePolicy(tx, id(1), policy('global-management', '')))).toBe(
      'Invalid Policy: A policy with name "global-management" already exists',
    );
    const builtin = '00000000-0000-0000-0000-000000000001';
    expect(await refused((tx) => updatePolicy(tx, builtin, policy('m', '')))).toBe(
      'Changing the Rules for the builtin global-management policy is not permitted',
    );
    expect(await refused((tx) => deletePolicy(tx, builtin))).toMatch(/^Delete operation not permitted/);
    expect(await refused((tx) => createPolicy(tx, id(2), policy('x'.repeat(129), '')))).toMatch(
      /invalid Name/,
    );
  });

  test('roles', async () => {
    const role = { name: 'r', description: '', policies: [], serviceIdentities: [], nodeIdentities: [] };
    await store.write((tx) => createRole(tx, id(1), role));
    expect(await refused((tx) => createRole(tx, id(2), role))).toBe(
      'Invalid Role: A Role with Name "r" already exists',
    );
    expect(await refused((tx) => updateRole(tx, id(2), role))).toBe(`cannot find role ${id(2)}`);
    expect(await refused((tx) => createRole(tx, id(2), { ...role, name: 's', policies: linked('no') }))).toBe(
      'No such ACL policy with name "no"',
    );
    const services = [
      { serviceName: 'b', datacenters: ['dc1'] },
      { serviceName: 'a', datacenters: ['dc2'] },
      { serviceName: 'a', datacenters: ['dc1'] },
      { serviceName: 'b', datacenters: [] },
    ];
    const { answer } = await store.write((tx) =>
      updateRole(tx, id(1), { ...role, serviceIdentities: services }),
    );
    expect(answer.serviceIdentities).toEqual([
      { serviceName: 'b', datacenters: [] },
      { serviceName: 'a', datacenters: ['dc1', 'dc2'] },
    ]);
    expect((await store.write((tx) => deleteRole(tx, id(1)))).answer).toBe(true);
  });

  test('tokens', async () => {
    const plain = { ...NO_GRANTS, description: 'd' };
    const chosen = { accessorId: id(1), secretId: id(2), isAccessorGiven: true, isSecretGiven: true };
    await store.write((tx) => createToken(tx, chosen, plain));
    const other = (more: Partial<typeof chosen>) => ({
      ...chosen,
      accessorId: id(3),
      secretId: id(4),
      ...more,
    });
    const create = (more: Partial<typeof chosen>, input = {}) =>
      refused((tx) => createToken(tx, other(more), { ...plain, ...input }));
    expect(await create({ accessorId: 'x' })).toBe('Invalid Token: AccessorID is not a valid UUID');
    expect(await create({ accessorId: id(1) })).toBe('Invalid Token: AccessorID is already in use');
    expect(await create({ secretId: id(2) })).toBe('Invalid Token: SecretID is already in use');
    expect(await create({ secretId: id(1) })).toBe('Invalid Token: SecretID is already in use');
    expect(await create({ accessorId: '00000000-0000-0000-0000-000000000009' })).toMatch(/are reserved$/);
    expect(await create({}, { expirationTtl: 1000 })).toBe(
      'ExpirationTime cannot be less than 1m0s in the future (was 1s)',
    );
    expect(await create({}, { expirationTtl: 25 * 3_600_000 })).toMatch(/more than 24h0m0s/);
    expect(await create({}, { serviceIdentities: [{ serviceName: 'No!', datacenters: [] }] })).toMatch(
      /^Service identity "No!" has an invalid name/,
    );
    expect(await refused((tx) => updateToken(tx, id(9), '', plain))).toBe(`Cannot find token "${id(9)}"`);
    expect(await refused((tx) => updateToken(tx, id(1), id(9), plain))).toBe(
      'Changing a tokens SecretID is not permitted',
    );
    expect(await refused((tx) => updateToken(tx, id(1), '', { ...plain, local: true }))).toBe(
      `cannot toggle local mode of ${id(1)}`,
    );
    expect(await refused((tx) => deleteToken(tx, '00000000-0000-0000-0000-000000000002'))).toBe(
      'Delete operation not permitted on the anonymous token',
    );
    const clone = await store.write((tx) =>
      cloneToken(tx, id(1), { accessorId: id(5), secretId: id(6) }, ''),
    );
    expect(clone.answer).toMatchObject({ accessorId: id(5), secretId: id(6), description: 'd' });
    expect((await store.write((tx) => cloneToken(tx, id(9), ids(7), ''))).answer).toBeUndefined();
  });
});
