import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestAgent, type TestAgent } from '../test-agent.test-support.ts';
import { goTime } from './output.ts';

const ROOT = '11111111-2222-3333-4444-555555555555';
const UUID = '[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}';
const TIME = '\\d{4}-\\d\\d-\\d\\d \\d\\d:\\d\\d:\\d\\d(\\.\\d+)? \\+0000 UTC';

let world: TestAgent;
beforeAll(async () => {
  world = await startTestAgent(
    `[acl]\nenabled = true\ndefault_policy = "deny"\n[acl.tokens]\ninitial_management = "${ROOT}"\n`,
    { CONSUL_HTTP_TOKEN: ROOT },
  );
});
afterAll(() => world?.agent.stop());

const out = async (words: string[], stdin = '') => {
  const outcome = await world.muster(words, stdin);
  expect(outcome).toMatchObject({ code: 0, err: '' });
  return outcome.out;
};
const jsonOf = async <T>(words: string[]) => JSON.parse(await out([...words, '-format=json'])) as T;
interface Made {
  AccessorID: string;
  SecretID: string;
  ID: string;
  Policies?: { ID: string; Name: string }[];
  Roles?: { ID: string; Name: string }[];
  Description: string;
}
/** As a pattern: what stands between backquotes is one already. */
const lines = (...expected: string[]) =>
  new RegExp(
    `^${expected
      .map((line) =>
        line
          .replace(/[.()|+]/g, '\\$&')
          .replaceAll('UUID', UUID)
          .replaceAll('TIME', TIME),
      )
      .join('\\n')}$`,
  );

describe('policies', () => {
  it('are made, shown, changed and taken away, in the lines that Consul prints', async () => {
    const made = await out(
      ['acl', 'policy', 'create', '-name=web', '-description=d', '-rules=-'],
      'key "a" { policy = "read" }',
    );
    expect(made).toMatch(
      lines(
        'ID:           UUID',
        'Name:         web',
        'Description:  d',
        'Datacenters:  ',
        'Rules:',
        'key "a" { policy = "read" }',
        '',
      ),
    );
    expect(await out(['acl', 'policy', 'read', '-name=web'])).toBe(made);
    const id = /^ID: +(.*)$/m.exec(made)?.[1] as string;
    expect(await out(['acl', 'policy', 'read', `-id=${id.slice(0, 8)}`])).toBe(made);
    expect(await out(['acl', 'policy', 'read', '-id=global-management', '-meta'])).toMatch(
      /^Hash: +[0-9a-f]{64}\nCreate Index: \d+\nModify Index: \d+\nRules:\nacl = "write"/m,
    );
    const changed = await jsonOf<Made & { Rules: string }>([
      'acl',
      'policy',
      'update',
      '-name=web',
      '-description=other',
    ]);
    expect(changed).toMatchObject({ ID: id, Description: 'other', Rules: 'key "a" { policy = "read" }' });
    expect(
      await jsonOf([
        'acl',
        'policy',
        'update',
        `-id=${id}`,
        '-name=renamed',
        '-no-merge',
        '-valid-datacenter=dc1',
      ]),
    ).toMatchObject({ ID: id, Name: 'renamed', Description: '', Rules: '', Datacenters: ['dc1'] });
    expect(await out(['acl', 'policy', 'list'])).toContain(
      `renamed:\n   ID:           ${id}\n   Description:  \n   Datacenters:  dc1\n`,
    );
    expect(await out(['acl', 'policy', 'delete', '-name=renamed'])).toBe(
      `Policy "${id}" deleted successfully\n`,
    );
    expect(await world.muster('acl policy read -name=renamed')).toMatchObject({
      code: 1,
      err: expect.stringContaining('there is no policy with the name "renamed"'),
    });
    expect((await world.muster('acl policy create -rules=x')).code).toBe(2);
    expect((await world.muster('acl policy read')).code).toBe(2);
  });
});

describe('tokens', () => {
  it('are made, shown, changed, cloned and taken away, in the lines that Consul prints', async () => {
    await out(['acl', 'policy', 'create', '-name=one', '-rules=key "a" { policy = "read" }']);
    await out(['acl', 'policy', 'create', '-name=two']);
    await out(['acl', 'role', 'create', '-name=r', '-policy-name=two']);
    const made = await out([
      ...['acl', 'token', 'create', '-description=for tests', '-policy-name=one', '-role-name=r'],
      ...[
        '-service-identity=web:dc1,dc2',
        '-service-identity=db',
        '-node-identity=n1:dc1',
        '-expires-ttl=1h',
      ],
    ]);
    expect(made).toMatch(
      lines(
        'AccessorID:       UUID',
        'SecretID:         UUID',
        'Description:      for tests',
        'Local:            false',
        'Create Time:      TIME',
        'Expiration Time:  TIME',
        'Policies:',
        '   UUID - one',
        'Roles:',
        '   UUID - r',
        'Service Identities:',
        '   web (Datacenters: dc1, dc2)',
        '   db (Datacenters: all)',
        'Node Identities:',
        '   n1 (Datacenter: dc1)',
        '',
        '',
      ),
    );
    const id = /^AccessorID: +(.*)$/m.exec(made)?.[1] as string;
    expect(await out(['acl', 'token', 'read', `-id=${id.slice(0, 13)}`])).toBe(made);
    const policies = async (...words: string[]) =>
      (await jsonOf<Made>(['acl', 'token', 'update', `-id=${id}`, ...words])).Policies?.map(
        ({ Name }) => Name,
      );
    expect(await policies('-merge-policies', '-merge-roles', '-policy-name=two', '-policy-name=one')).toEqual(
      ['one', 'two'],
    );
    expect(await policies('-policy-name=two', '-merge-roles')).toEqual(['two']);
    const after = await jsonOf<Made>(['acl', 'token', 'read', `-id=${id}`]);
    expect(after).toMatchObject({ Description: 'for tests', Roles: [{ Name: 'r' }] });
    expect(after).not.toHaveProperty('ServiceIdentities');

    const clone = await jsonOf<Made>(['acl', 'token', 'clone', `-id=${id}`, '-description=again']);
    expect(clone).toMatchObject({ Description: 'again', Policies: [{ Name: 'two' }] });
    const list = await out(['acl', 'token', 'list']);
    expect(list).toMatch(
      new RegExp(
        `^AccessorID: +${clone.AccessorID}\\n(.*\\n){3,4}Create Time: .*\\nExpiration Time: .*\\nLegacy: +false\\n`,
        'm',
      ),
    );
    expect(await out(['acl', 'token', 'read', '-self', `-token=${clone.SecretID}`])).toContain('again');
    expect(await out(['acl', 'token', 'delete', `-id=${clone.AccessorID}`])).toBe(
      `Token "${clone.AccessorID}" deleted successfully\n`,
    );
    expect(await world.muster(`acl token read -self -token=${clone.SecretID}`)).toMatchObject({
      code: 1,
      err: expect.stringContaining('ACL not found'),
    });
  });

  it('that would allow nothing, or are not named, are refused before anybody is asked', async () => {
    expect((await world.muster('acl token create -description=x')).code).toBe(2);
    expect((await world.muster('acl token read')).code).toBe(2);
    expect(await world.muster('acl token create -node-identity=n1')).toMatchObject({
      code: 2,
      err: expect.stringContaining('expected NODE:DC, got "n1"'),
    });
    expect(await world.muster('acl token read -id=ffff')).toMatchObject({
      code: 1,
      err: expect.stringContaining('no token has an ID that begins with "ffff"'),
    });
    expect((await world.muster('acl token list -token=nobody')).err).toContain('ACL not found');
  });

  it('of before Consul 1.4 keep their rules until they are upgraded', async () => {
    const url = `http://${world.agent.addresses.http[0]}/v1/acl/create`;
    const body = JSON.stringify({ Name: 'old', Rules: 'key "a/" { policy = "write" }' });
    const answer = await fetch(url, { method: 'PUT', headers: { 'X-Consul-Token': ROOT }, body });
    const { ID: secret } = (await answer.json()) as { ID: string };
    const shown = await out(['acl', 'token', 'read', '-self', `-token=${secret}`]);
    expect(shown).toMatch(/\nRules:\nkey "a\/" \{ policy = "write" \}\n\n$/);
    const id = /^AccessorID: +(.*)$/m.exec(shown)?.[1] as string;
    expect(await out(['acl', 'translate-rules', '-token-accessor', id])).toContain('key_prefix "a/"');
    expect(await out(['acl', 'translate-rules', '-token-secret', '-'], secret)).toContain('key_prefix "a/"');
    const policy = await out(['acl', 'policy', 'create', '-name=old', `-from-token=${id}`]);
    expect(policy).toContain('key_prefix "a/"');
    expect((await world.muster(['acl', 'token', 'update', `-id=${id}`, '-policy-name=old'])).code).toBe(1);
    const upgraded = await jsonOf<Made & { Rules?: string }>([
      ...['acl', 'token', 'update', `-id=${id}`, '-policy-name=old', '-upgrade-legacy'],
    ]);
    expect(upgraded).toMatchObject({ SecretID: secret, Policies: [{ Name: 'old' }] });
    expect(upgraded).not.toHaveProperty('Rules');
    expect((await world.muster(['acl', 'token', 'update', `-id=${id}`, '-upgrade-legacy'])).err).toContain(
      'tokens that have rules of their own',
    );
  });
});

describe('roles', () => {
  it('are made, shown, changed and taken away, in the lines that Consul prints', async () => {
    await out(['acl', 'policy', 'create', '-name=p1']);
    await out(['acl', 'policy', 'create', '-name=p2']);
    const made = await out([
      'acl',
      'role',
      'create',
      '-name=ops',
      '-description=d',
      '-policy-name=p1',
      '-node-identity=n:dc1',
    ]);
    expect(made).toMatch(
      lines(
        'ID:           UUID',
        'Name:         ops',
        'Description:  d',
        'Policies:',
        '   UUID - p1',
        'Node Identities:',
        '   n (Datacenter: dc1)',
        '',
        '',
      ),
    );
    const id = /^ID: +(.*)$/m.exec(made)?.[1] as string;
    expect(await out(['acl', 'role', 'read', '-name=ops'])).toBe(made);
    const names = ({ Policies = [] }: Made) => Policies.map(({ Name }) => Name);
    expect(names(await jsonOf(['acl', 'role', 'update', `-id=${id}`, '-policy-name=p2']))).toEqual([
      'p1',
      'p2',
    ]);
    expect(
      names(
        await jsonOf(['acl', 'role', 'update', `-id=${id}`, '-no-merge', '-name=ops', '-policy-name=p2']),
      ),
    ).toEqual(['p2']);
    expect(await out(['acl', 'role', 'list'])).toContain(
      `ops:\n   ID:           ${id}\n   Description:  \n   Policies:\n      `,
    );
    expect(await out(['acl', 'role', 'delete', `-id=${id}`])).toBe(`Role "${id}" deleted successfully\n`);
    expect((await world.muster('acl role create -name=empty')).code).toBe(2);
  });
});

describe('the whole', () => {
  it('the agent is given its tokens', async () => {
    expect(await out(['acl', 'set-agent-token', 'default', '-'], `${ROOT}\n`)).toBe(
      'ACL token "default" set successfully\n',
    );
    // Who sends none counts as that token now.
    expect((await world.muster('acl token list -token=')).code).toBe(0);
    await out(['acl', 'set-agent-token', 'default', '']);
    expect((await world.muster('acl set-agent-token what x')).code).toBe(2);
  });

  it('bootstrapping is refused once it was done, with the index that allows it again', async () => {
    expect(await world.muster('acl bootstrap')).toMatchObject({
      code: 1,
      err: expect.stringMatching(/ACL bootstrap no longer allowed \(reset index: \d+\)/),
    });
  });

  it('what Consul has beyond it is said to be absent', async () => {
    expect(await world.muster('acl auth-method create -name=x')).toMatchObject({
      code: 1,
      err: expect.stringContaining('there are no auth methods here'),
    });
    expect((await world.muster('acl')).code).toBe(2);
  });

  it.each([
    ['2026-01-31T12:00:00Z', '2026-01-31 12:00:00 +0000 UTC'],
    ['2026-01-31T12:00:00.500Z', '2026-01-31 12:00:00.5 +0000 UTC'],
    ['2026-01-31T12:00:00.000Z', '2026-01-31 12:00:00 +0000 UTC'],
    ['2026-01-31T12:00:00.25+02:00', '2026-01-31 12:00:00.25 +0200 +0200'],
    ['never', 'never'],
  ])('%s is %s to Go', (text, expected) => {
    expect(goTime(text)).toBe(expected);
  });
});
