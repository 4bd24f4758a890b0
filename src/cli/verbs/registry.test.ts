import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Client, takePlace } from '../../client/index.ts';
import { startTestAgent, type TestAgent } from './test-agent.test-support.ts';

/** Verbs of Consul's that look at the cluster and set it, against a real agent. */
let world: TestAgent;
let base: string;
beforeAll(async () => {
  world = await startTestAgent();
  base = `http://${world.agent.addresses.http[0]}`;
});
afterAll(() => world?.agent.stop());

const muster: TestAgent['muster'] = (...given) => world.muster(...given);
const put = (path: string, body: unknown) =>
  fetch(`${base}${path}`, { method: 'PUT', body: JSON.stringify(body) });

describe('rtt', () => {
  it('is estimated from coordinates', async () => {
    const Vec = [0.003, 0.004, 0, 0, 0, 0, 0, 0];
    for (const Node of ['far', 'near'])
      await put('/v1/catalog/register', { Node, Address: '10.0.0.9', SkipNodeUpdate: false });
    await put('/v1/coordinate/update', {
      Node: 'far',
      Coord: { Vec, Error: 1, Adjustment: 0.001, Height: 0.001 },
    });
    expect(await muster('rtt far')).toEqual({
      code: 0,
      out: 'Estimated far <-> n1 rtt: 7.010 ms (using LAN coordinates)\n',
      err: '',
    });
    expect((await muster('rtt far far')).out).toContain('rtt: 4.000 ms');
    expect((await muster('rtt -wan n1.dc1')).out).toMatch(/^Estimated n1\.dc1 <-> n1\.dc1 rtt: .* WAN/);
    expect(await muster('rtt near')).toMatchObject({ code: 1, err: expect.stringContaining('node "near"') });
    expect((await muster('rtt -wan far')).code).toBe(2);
    expect((await muster('rtt')).code).toBe(2);
  });
});

describe('autopilot', () => {
  it('settings are shown and changed one by one', async () => {
    expect((await muster('operator autopilot get-config')).out).toBe(
      [
        'CleanupDeadServers = true',
        'LastContactThreshold = 200ms',
        'MaxTrailingLogs = 250',
        'MinQuorum = 0',
        'ServerStabilizationTime = 10s',
        'RedundancyZoneTag = ""',
        'DisableUpgradeMigration = false',
        'UpgradeVersionTag = ""',
        '',
      ].join('\n'),
    );
    const set =
      'operator autopilot set-config -cleanup-dead-servers=false -last-contact-threshold=1500ms -min-quorum=3';
    expect((await muster(set)).out).toBe('Configuration updated!\n');
    const { out } = await muster('operator autopilot get-config');
    expect(out).toContain(
      'CleanupDeadServers = false\nLastContactThreshold = 1.5s\nMaxTrailingLogs = 250\nMinQuorum = 3\n',
    );
  });

  it('the state names every server', async () => {
    const { out } = await muster('operator autopilot state');
    expect(out).toMatch(
      /^Healthy: {22}true\nFailure Tolerance: {12}0\nOptimistic Failure Tolerance: 0\nLeader: {23}([0-9a-f-]{36})\nVoters:\n {3}\1\nServers:\n {3}\1\n {6}Name: {12}n1\n {6}Address: {9}127\.0\.0\.1:8300\n {6}Version: .*\n {6}Status: {10}leader\n/,
    );
    const state = JSON.parse((await muster('operator autopilot state -format json')).out);
    expect(Object.values(state.Servers)).toMatchObject([{ Name: 'n1', Healthy: true, Status: 'leader' }]);
  });
});

describe('config entries', () => {
  it('are written from HCL and JSON, read, listed and deleted', async () => {
    const hcl = 'Kind = "service-defaults"\nName = "web"\nProtocol = "http"\n';
    expect(await muster('config write -', hcl)).toEqual({
      code: 0,
      out: 'Config entry written: service-defaults/web\n',
      err: '',
    });
    const json = '{"Kind": "service-defaults", "Name": "db", "Protocol": "tcp"}';
    expect((await muster('config write -cas -modify-index=0 -', json)).code).toBe(0);
    expect(await muster('config write -cas -modify-index=0 -', json)).toMatchObject({
      code: 1,
      err: 'Config entry not updated: service-defaults/db\n',
    });
    expect(JSON.parse((await muster('config read -kind service-defaults -name web')).out)).toMatchObject({
      Name: 'web',
      Protocol: 'http',
    });
    expect((await muster('config list -kind service-defaults')).out).toBe('db\nweb\n');
    expect((await muster('config delete -kind service-defaults -name web')).out).toBe(
      'Config entry deleted: service-defaults/web\n',
    );
    expect((await muster('config read -kind service-defaults -name web')).code).toBe(1);
    expect(await muster('config write -', 'Kind = ')).toMatchObject({ code: 2 });
    expect((await muster('config write -', '[1]')).code).toBe(2);
    expect((await muster('config list')).code).toBe(2);
  });
});

describe('semaphores', () => {
  it('as many as asked for hold one at a time', async () => {
    const client = new Client({ address: base });
    const [a, b] = [
      await takePlace(client, 'sem', { limit: 2 }),
      await takePlace(client, 'sem', { limit: 2 }),
    ];
    expect(await muster(['lock', '-n=2', '-timeout=1ms', 'sem', 'true'])).toMatchObject({
      code: 1,
      err: expect.stringContaining('Lock acquisition failed'),
    });
    const holders = JSON.parse((await client.kv.text('sem/.lock')) ?? '');
    expect(holders).toEqual({ Limit: 2, Holders: { [a?.session ?? '']: true, [b?.session ?? '']: true } });
    const third = muster(['lock', '-n=2', 'sem', 'true']);
    await a?.release();
    expect((await third).code).toBe(0);
    expect(await muster(['lock', '-n=3', 'sem', 'true'])).toMatchObject({
      code: 1,
      err: expect.stringContaining('has 2 places, not 3'),
    });
    expect(await muster(['lock', 'sem', 'true'])).toMatchObject({
      code: 1,
      err: expect.stringContaining('is no lock'),
    });
    await b?.release();
    // Nothing is left behind: neither keys nor sessions.
    expect(await client.kv.keys('sem/')).toEqual([]);
    expect(await client.session.list()).toEqual([]);
    expect((await muster('lock -n=0 sem true')).code).toBe(2);
  });

  it('a holder that died makes room, and one whose place was taken away is told', async () => {
    const client = new Client({ address: base });
    const [a, b] = [
      await takePlace(client, 'died', { limit: 2 }),
      await takePlace(client, 'died', { limit: 2 }),
    ];
    await client.session.destroy(a?.session ?? '');
    const c = await takePlace(client, 'died', { limit: 2 });
    expect(c).toBeDefined();
    if (a?.lost.aborted === false)
      await new Promise((resolve) => a.lost.addEventListener('abort', resolve, { once: true }));
    const lost = new Promise((resolve) => b?.lost.addEventListener('abort', resolve, { once: true }));
    await client.kv.delete('died/.lock');
    await lost;
    for (const one of [a, b, c]) await one?.release();
    expect(await client.kv.keys('died/')).toEqual([]);
  });

  it('a prefix that is used for something else is left alone', async () => {
    await muster('kv put other/.lock mine');
    for (const words of [
      ['lock', 'other', 'true'],
      ['lock', '-n=2', 'other', 'true'],
    ])
      expect(await muster(words)).toMatchObject({
        code: 1,
        err: expect.stringMatching(/is there and is no/),
      });
    expect((await muster('kv get other/.lock')).out).toBe('mine\n');
  });
});

describe('Consul’s other flags', () => {
  it('members are chosen by their state', async () => {
    expect((await muster('members -detailed')).out).toMatch(
      /^Node +Address +Status +Tags\nn1 .*alive .*role=consul/,
    );
    expect(await muster('members -status ^failed$')).toEqual({ code: 2, out: '', err: '' });
    expect((await muster('members -status (')).code).toBe(2);
  });

  it('keys begin with no slash, and are written only where there is none with -cas alone', async () => {
    expect((await muster('kv put /folder/a 1')).out).toBe('Success! Data written to: folder/a\n');
    expect((await muster('kv get /folder/a')).out).toBe('1\n');
    expect((await muster('kv get -keys /folder/')).out).toBe('folder/a\n');
    expect(JSON.parse((await muster('kv export /folder/')).out)).toMatchObject([{ key: 'folder/a' }]);
    expect(await muster('kv put -cas folder/a 2')).toMatchObject({
      code: 1,
      err: expect.stringContaining('CAS performed with index=0 and key already exists.'),
    });
    expect((await muster('kv put -cas folder/b 2')).code).toBe(0);
    expect((await muster('kv delete -modify-index=3 folder/a')).code).toBe(2);
    expect((await muster('kv delete /folder/a')).out).toBe('Success! Deleted key: folder/a\n');
    const pair = JSON.stringify([{ key: 'x', flags: 0, value: 'aGk=' }]);
    for (const [prefix, key] of [
      ['other', 'other/x'],
      ['other/', 'other/x'],
      ['', 'x'],
    ])
      expect((await muster(['kv', 'import', `-prefix=${prefix}`, pair])).out).toBe(`Imported: ${key}\n`);
  });

  it('nodes are chosen by metadata and filter', async () => {
    await put('/v1/catalog/register', {
      Node: 'meta',
      Address: '10.0.0.9',
      NodeMeta: { zone: 'a', rack: '1' },
    });
    const names = async (line: string) =>
      JSON.parse((await muster(`catalog nodes -json ${line}`)).out).map(({ Node }: { Node: string }) => Node);
    expect(await names('-node-meta zone=a -node-meta rack=1')).toEqual(['meta']);
    expect(await names('-node-meta zone=b')).toEqual([]);
    expect((await muster(['catalog', 'nodes', '-filter', 'Meta.zone == a'])).out).toMatch(/^Node .*\nmeta /);
    expect(await muster('catalog nodes -node-meta zone=b')).toMatchObject({
      code: 0,
      err: expect.stringContaining('No nodes match'),
    });
    expect((await muster('catalog nodes -node-meta zone')).code).toBe(2);
    expect((await muster('catalog nodes -near _agent')).out).toMatch(/^Node .*\nn1 /);
  });

  it('services are registered with their addresses', async () => {
    const line = 'services register -name=s -socket=/run/s.sock -tagged-address=lan=10.0.0.1:80 -meta=a=b=c';
    expect((await muster(line)).code).toBe(0);
    const [{ Service }] = JSON.parse((await muster('health s -json')).out);
    expect(Service).toMatchObject({
      SocketPath: '/run/s.sock',
      Meta: { a: 'b=c' },
      TaggedAddresses: { lan: { Address: '10.0.0.1', Port: 80 } },
    });
    expect((await muster('services register -name=s -tagged-address=lan')).code).toBe(2);
  });

  it('the keyring takes flags and words', async () => {
    for (const line of ['keyring', 'keyring list -list', 'keyring install', 'keyring what x'])
      expect((await muster(line)).code).toBe(2);
    expect(await muster('keyring -list')).toMatchObject({
      code: 1,
      err: expect.stringContaining('encryption'),
    });
  });

  it.each(['exec uptime', 'intention create a b', 'connect envoy', 'login -method=x', 'tls ca create'])(
    '%s is said to be Consul’s only',
    async (line) => {
      expect(await muster(line)).toMatchObject({
        code: 1,
        err: expect.stringContaining("command of Consul's only"),
      });
    },
  );
});
