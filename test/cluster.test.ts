import { mkdirSync, readFileSync, rmdirSync } from 'node:fs';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { until } from '../scripts/support/processes.mjs';
import type { ClusterAnswer } from '../src/api/muster/wire-answers.ts';
import { VERSION } from '../src/version.ts';
import { TestCluster } from './support/cluster.ts';
import { noNetworks } from './support/network.ts';

const why = noNetworks();
if (why !== undefined) process.stdout.write(`test/cluster.test.ts is skipped: ${why}\n`);

const ALIVE = 1;
const LEFT = 3;
const FAILED = 4;

describe.skipIf(why !== undefined)('three servers and two agents', () => {
  let cluster: TestCluster;
  const servers = [1, 2, 3];
  const all = [1, 2, 3, 4, 5];

  beforeAll(async () => {
    cluster = new TestCluster('cluster', { servers: 3, clients: 2 });
    // Consul's is 10 s, and twice that is waited for.
    for (const number of all) cluster.start(number, ['-hcl=session_ttl_min = "5s"']);
    await Promise.all(all.map((number) => cluster.writable(number)));
  });
  afterAll(() => cluster?.remove());
  beforeEach(() => cluster.showOnFailure());

  const leader = async (by = 4) => {
    const found = { number: 0 };
    await until('a leader', async () => {
      const address = JSON.parse((await cluster.ask(by, '/v1/status/leader')).text) as string;
      found.number = servers.find((number) => address === `${cluster.network.address(number)}:8300`) ?? 0;
      return found.number > 0;
    });
    return found.number;
  };
  const statsOf = async (number: number) =>
    (
      await cluster.json<{ Stats: { consul: Record<string, string>; raft?: Record<string, string> } }>(
        number,
        '/v1/agent/self',
      )
    ).Stats;
  const allAlive = (by = 4) =>
    until(
      'all members to be alive',
      async () => {
        const members = await cluster.members(by);
        return all.every((number) => members[`n${number}`] === ALIVE);
      },
      { ms: 60_000 },
    );

  /** As the one sees it that others join: those may not know yet that it is another cluster. */
  const threeVoters = () =>
    until(
      'three voters',
      async () => {
        const { Servers } = await cluster.json<{ Servers: { Voter: boolean }[] }>(
          1,
          '/v1/operator/raft/configuration',
        );
        return Servers.length === 3 && Servers.every(({ Voter }) => Voter);
      },
      { ms: 60_000 },
    );

  /** Waits until the agent is up, and has it from a majority. */
  const reads = (by: number, key: string, value: string) =>
    until(`n${by} to read ${key}`, async () => (await cluster.read(by, key)) === value);

  /** Asks until it is as it should be. */
  const soon = (what: string, look: () => Promise<void>) =>
    until(what, async () => {
      await look();
      return true;
    });

  it('know each other, and everybody reads what anybody wrote', async () => {
    await allAlive();
    await soon('the server that n5 follows to know the others', async () => {
      const peers = await cluster.json<string[]>(5, '/v1/status/peers');
      expect(peers.sort()).toEqual(servers.map((number) => `${cluster.network.address(number)}:8300`));
    });
    for (const writer of all) {
      await cluster.put(writer, `from/${writer}`, String(writer));
      for (const reader of all) expect(await cluster.read(reader, `from/${writer}`)).toBe(String(writer));
    }
    await soon('a leader in the list', async () =>
      expect(await cluster.cli(4, 'operator', 'raft', 'list-peers')).toMatch(/leader[\s\S]*true/),
    );
  });

  /** What `by` tells of the cluster, members by name. */
  const told = async (by: number) => {
    const { members, ...rest } = await cluster.json<ClusterAnswer>(by, '/v1/muster/cluster');
    return { ...rest, members: Object.fromEntries(members.map((one) => [one.name, one])) };
  };

  it('tell of each what it has, how far it is behind, and what it is linked to, whoever is asked', async () => {
    await allAlive();
    for (const by of [1, 5])
      await until(`all to be in step, as n${by} tells`, async () => {
        const { kind, isHeard, revision, members } = await told(by);
        return (
          kind === 'servers' &&
          isHeard &&
          all.every((number) => {
            const one = members[`n${number}`];
            return one?.state === 'alive' && one.lag?.revisions === 0 && one.revision === revision;
          })
        );
      });
    // A server that does not answer in time tells nothing for once.
    await soon('n4 to tell of all', async () => {
      const { members } = await told(4);
      const { n1, n4 } = members;
      // Each on a machine of its own: their etcds go over links too.
      expect(n1?.links.map(({ to, kind, isUp }) => [to, kind, isUp]).sort()).toEqual([
        ['n2', 'calls', true],
        ['n2', 'peer', true],
        ['n3', 'calls', true],
        ['n3', 'peer', true],
      ]);
      expect(n4).toMatchObject({ role: 'agent', version: VERSION, links: [{ kind: 'feed', isUp: true }] });
      expect(servers.map((number) => `n${number}`)).toContain(n4?.links[0]?.to);
      expect(servers.filter((number) => members[`n${number}`]?.isLeader)).toHaveLength(1);
      expect(n4?.since).toBeLessThanOrEqual(Date.now());
    });
  });

  it('one server says of itself that it leads, the others whom they follow, agents that they are none', async () => {
    // Another one may be elected meanwhile.
    await until('one that leads and two that follow it', async () => {
      const leading = await leader();
      const stats = await Promise.all(servers.map(statsOf));
      return servers.every((number, at) => {
        const { consul, raft } = stats[at] as Awaited<ReturnType<typeof statsOf>>;
        const leads = number === leading;
        return (
          consul.server === 'true' &&
          consul.leader === String(leads) &&
          consul.leader_addr === `${cluster.network.address(leading)}:8300` &&
          raft?.state === (leads ? 'Leader' : 'Follower') &&
          raft.num_peers === '2'
        );
      });
    });
    const { consul, raft } = await statsOf(4);
    expect(consul).toMatchObject({ server: 'false', known_servers: '3' });
    expect([consul.leader, raft]).toEqual([undefined, undefined]);
  });

  it('services of an agent are seen everywhere, and come back after somebody took them out', async () => {
    const body = JSON.stringify({ Name: 'web', Port: 80 });
    await cluster.ask(4, '/v1/agent/service/register', { method: 'PUT', body });
    const seenBy = async (number: number) =>
      (await cluster.json<unknown[]>(number, '/v1/health/service/web?passing')).length === 1;
    for (const number of all) await until(`n${number} to see it`, () => seenBy(number));
    const entry = JSON.stringify({ Node: 'n4', ServiceID: 'web' });
    await cluster.ask(1, '/v1/catalog/deregister', { method: 'PUT', body: entry });
    await until('it to be back', () => seenBy(2));
  });

  it('a lock is held by one, a session ends on every node when it is not renewed', async () => {
    /** PUT until there is a leader who answers. */
    const done = (by: number, path: string, body: string) =>
      until(`n${by} to do ${path}`, async () => {
        const { status, text } = await cluster.ask(by, path, { method: 'PUT', body });
        if (status !== 200) throw new Error(`${status} ${text}`);
        return text;
      });
    const session = async (by: number) =>
      (JSON.parse(await done(by, '/v1/session/create', '{"TTL":"5s","LockDelay":"0s"}')) as { ID: string })
        .ID;
    const [a, b] = [await session(4), await session(1)];
    const acquire = async (by: number, id: string) =>
      (await done(by, `/v1/kv/lock?acquire=${id}`, 'x')).trim();
    const won = await Promise.all([acquire(4, a), acquire(1, b)]);
    expect(won.sort()).toEqual(['false', 'true']);
    await done(5, `/v1/session/renew/${a}`, '');
    await until('the lock to be free', async () => {
      const [row] = await cluster.json<{ Session?: string }[]>(5, '/v1/kv/lock');
      return row !== undefined && row.Session === undefined;
    });
  });

  /** As soon as there is a server that takes it. */
  const fire = (by: number, what: string, body: string) =>
    until(`${what} to be fired`, async () => {
      const { status } = await cluster.ask(by, `/v1/event/fire/${what}`, { method: 'PUT', body });
      return status === 200;
    });

  it('an event reaches every node, and only those that are meant', async () => {
    await fire(5, 'deploy', 'v2');
    await fire(5, 'only?node=n[13]', '');
    for (const number of all)
      await until(`n${number} to hear of it`, async () => {
        const events = await cluster.json<{ Name: string }[]>(number, '/v1/event/list');
        const names = events.map(({ Name }) => Name);
        return names.includes('deploy') && names.includes('only') === (number === 1 || number === 3);
      });
  });

  it('the leader is killed: writes go on, its node is critical, and it comes back and hears of what was fired', async () => {
    await allAlive();
    let gone = 0;
    // What leads is what leads etcd too, so that its end is seen at its worst.
    await until('a leader of both', async () => {
      gone = await leader();
      return cluster.leadsEtcd(gone);
    });
    await cluster.kill(gone);
    await cluster.writable(4);
    await until('it to be failed', async () => (await cluster.members(5))[`n${gone}`] === FAILED);
    await fire(4, 'meanwhile', '');
    cluster.start(gone);
    await allAlive();
    await reads(gone, 'writable', 'x');
    for (const number of all)
      await until(`n${number} to hear of what was fired, once`, async () => {
        const events = await cluster.json<unknown[]>(number, '/v1/event/list?name=meanwhile');
        return events.length === 1;
      });
  });

  it('an agent that is cut off reads on, says how old that is, refuses writes at once, and recovers', async () => {
    await cluster.put(1, 'kept', 'before');
    expect(await cluster.read(5, 'kept')).toBe('before');
    cluster.network.cut(5);
    await until('the agent to notice', async () => (await cluster.ask(5, '/v1/muster/ready')).status === 503);
    // It may have been without a server at the moment of the cut: then it says so before it is long ago.
    await soon('it to say how old that is', async () => {
      const read = await cluster.ask(5, '/v1/kv/kept?raw');
      expect(read.text).toBe('before');
      expect(read.headers['x-consul-knownleader']).toBe('false');
      expect(Number(read.headers['x-consul-lastcontact'])).toBeGreaterThan(500);
    });
    const write = await cluster.ask(5, '/v1/kv/kept', { method: 'PUT', body: 'lost' });
    expect([write.status, write.text]).toEqual([500, 'No cluster leader']);
    expect((await cluster.ask(5, '/v1/kv/kept?consistent')).status).toBe(500);
    await until('it to be failed', async () => (await cluster.members(1)).n5 === FAILED);
    await soon('n1 to tell of it', async () =>
      expect((await told(1)).members.n5).toMatchObject({
        state: 'silent',
        lag: null,
        links: [{ isUp: false }],
      }),
    );
    await soon('n5 to tell of itself', async () => {
      const own = await told(5);
      expect(own).toMatchObject({
        isHeard: false,
        members: { n5: { links: [{ kind: 'feed', to: '', isUp: false }] } },
      });
      expect(own.silentSince).toBeLessThan(Date.now());
    });
    await cluster.put(1, 'kept', 'after');
    cluster.network.mend(5);
    await until('it to catch up', async () => (await cluster.get(5, 'kept')) === 'after');
    await cluster.writable(5);
    await allAlive(1);
  });

  it('a server whose etcd stands still is not well, and agents that follow it go on over another', async () => {
    const followed = await until('n4 to follow a server', async () => {
      const to = (await told(4)).members.n4?.links[0]?.to ?? '';
      return servers.find((number) => to === `n${number}`);
    });
    const etcd = Number(readFileSync(`${cluster.data(followed)}/cluster/etcd/etcd.pid`, 'utf8'));
    process.kill(etcd, 'SIGSTOP');
    try {
      await until('n4 to follow another', async () => {
        const to = (await told(4)).members.n4?.links[0]?.to ?? '';
        return to !== '' && to !== `n${followed}`;
      });
      await cluster.writable(4);
      // The others hear of it from the server itself, which may be after the agent has seen it.
      await soon('the others to know', async () => {
        const { status, text } = await cluster.ask(4, '/v1/operator/autopilot/health');
        const { Servers } = JSON.parse(text) as { Servers: { Name: string; Healthy: boolean }[] };
        expect(status).toBe(429);
        expect(Servers.filter(({ Healthy }) => !Healthy).map(({ Name }) => Name)).toEqual([`n${followed}`]);
      });
    } finally {
      process.kill(etcd, 'SIGCONT');
    }
    await cluster.writable(followed);
  });

  it('(a) a server comes back with another address', async () => {
    await cluster.kill(2);
    cluster.network.move(2, 102);
    cluster.start(2);
    await allAlive();
    await until('the others to know', async () =>
      (await cluster.json<string[]>(4, '/v1/status/peers')).includes(`${cluster.network.address(2)}:8300`),
    );
    await reads(2, 'kept', 'after');
  });

  it('(b) all servers are killed, all have other addresses, and start in another order', async () => {
    await cluster.put(4, 'survives', 'everything');
    // That it is acknowledged does not say that the agent has it.
    await reads(4, 'survives', 'everything');
    await Promise.all(servers.map((number) => cluster.kill(number)));
    expect(await cluster.get(4, 'survives'), 'agents read on').toBe('everything');
    for (const number of servers) cluster.network.move(number, 200 + number);
    cluster.tell();
    for (const number of [3, 1, 2]) cluster.start(number);
    await Promise.all(all.map((number) => cluster.writable(number)));
    for (const number of all) expect(await cluster.read(number, 'survives')).toBe('everything');
    await allAlive();
  });

  it('(d) a server whose data were wiped joins under its old name', async () => {
    await cluster.kill(3);
    cluster.wipe(3);
    cluster.start(3);
    await threeVoters();
    await allAlive();
    await reads(3, 'survives', 'everything');
  });

  it('a snapshot through an agent brings back what was changed since', async () => {
    const file = `${cluster.data(4)}/backup.snap`;
    await cluster.put(2, 'in/snapshot', 'then');
    await cluster.cli(4, 'snapshot', 'save', file);
    await cluster.put(1, 'in/snapshot', 'now');
    await cluster.put(3, 'after/snapshot', 'x');
    await cluster.cli(5, 'snapshot', 'restore', file);
    for (const number of all) {
      await reads(number, 'in/snapshot', 'then');
      expect(await cluster.read(number, 'after/snapshot')).toBeUndefined();
    }
    await allAlive();
    await soon('the servers not to be of the past', async () =>
      expect(await cluster.json<string[]>(4, '/v1/status/peers')).toHaveLength(3),
    );
  });

  it('keys are exchanged while everything runs', async () => {
    await Promise.all(all.map((number) => cluster.writable(number)));
    const fresh = Buffer.alloc(32, 7).toString('base64');
    const used = (by: number, key: string, count: string) =>
      until(`n${by} to count ${count}`, async () =>
        (await cluster.cli(by, 'keyring', 'list-primary')).includes(`${key} [${count}]`),
      );
    /** Nodes keep them in a file. */
    const kept = (number: number) =>
      JSON.parse(readFileSync(`${cluster.data(number)}/cluster/keyring.json`, 'utf8')) as string[];
    await cluster.cli(4, 'keyring', 'install', fresh);
    // Whichever server it follows, and though it is not there.
    await cluster.kill(5);
    await cluster.cli(4, 'keyring', 'use', fresh);
    await used(4, fresh, '4/5');
    cluster.start(5);
    for (const number of all) await cluster.writable(number);
    await used(5, fresh, '5/5');
    // Agents count as soon as the server that they follow uses it: they may not have been told yet.
    await soon('all to have kept it', async () => {
      for (const number of all) expect(kept(number)).toEqual([fresh, cluster.key]);
    });
    // Back again: nodes are started with the first one in what follows.
    await cluster.cli(1, 'keyring', 'use', cluster.key);
    await until('all to use it again', async () => all.every((number) => kept(number)[0] === cluster.key));
    await cluster.cli(5, 'keyring', 'remove', fresh);
    for (const number of all) await cluster.writable(number);
    expect(await cluster.cli(4, 'keyring', 'list')).not.toContain(fresh);
  });

  it('a server leaves, and the others need no majority of three any more', async () => {
    // What an agent knows of the voters may be older than the one that has just joined.
    for (const number of all) await cluster.writable(number);
    await threeVoters();
    await allAlive(1);
    /** As n1 knows it: another may have taken the third one out. */
    const twoServers = () =>
      until('two servers', async () => (await cluster.json<string[]>(1, '/v1/status/peers')).length === 2);
    await cluster.cli(3, 'leave');
    await twoServers();
    await cluster.writable(4);
    expect((await cluster.members(1)).n3).toBe(LEFT);
    await cluster.cli(1, 'force-leave', '-prune', 'n3');
    expect(Object.keys(await cluster.members(1))).not.toContain('n3');
    /** As one that joins. */
    const comesBack = async () => {
      await until('it to end', async () => !cluster.agent(3).running());
      cluster.start(3);
      await allAlive();
      await threeVoters();
    };
    await comesBack();
    // Etcd would rather keep one that has only just come.
    await cluster.cli(3, 'leave');
    await twoServers();
    await comesBack();
  });

  it('(c) a majority is lost for good: the survivor goes on when it is told to, and others join it', async () => {
    await expect(cluster.cli(1, 'operator', 'recover', '-yes')).rejects.toThrow(
      /a majority of the servers is there|servers are there, which is a majority/,
    );
    await cluster.put(1, 'last', 'words');
    await Promise.all([2, 3].map((number) => cluster.kill(number)));
    await until(
      'writes to be refused',
      async () => (await cluster.ask(1, '/v1/kv/x', { method: 'PUT' })).status === 500,
    );
    await until('it to see that the others are not there', async () => {
      const { Refused } = await cluster.json<{ Refused: string }>(1, '/v1/muster/cluster/recovery');
      return Refused === '';
    });
    const before = Number((await cluster.ask(1, '/v1/kv/last?stale')).headers['x-consul-index']);
    expect(await cluster.cli(1, 'operator', 'recover', '-yes')).toMatch(/given up: n[23], n[23]/);
    await cluster.writable(1);
    expect(await cluster.read(1, 'last')).toBe('words');
    await cluster.put(1, 'new', 'life');
    const after = Number((await cluster.ask(1, '/v1/kv/new')).headers['x-consul-index']);
    expect(after, 'no index comes again').toBeGreaterThan(before + 1_000);
    // One has its data still, and must not bring the old cluster back; the other has none.
    cluster.wipe(3);
    // It cannot write down at first what it is a part of now.
    const inTheWay = `${cluster.data(2)}/cluster/cluster.json.new`;
    mkdirSync(inTheWay);
    for (const number of [2, 3]) cluster.start(number);
    const says = () => cluster.agent(2).output();
    await until('n2 to say why', async () => /cannot write .*cluster\.json: it is a directory/.test(says()), {
      ms: 60_000,
    });
    rmdirSync(inTheWay);
    await allAlive();
    await cluster.writable(4);
    await reads(2, 'last', 'words');
  });

  it('and again, though the survivor was started anew and waits for the others', async () => {
    await threeVoters();
    const { servers: ordinals } = JSON.parse(
      readFileSync(`${cluster.data(1)}/cluster/cluster.json`, 'utf8'),
    ) as { servers: Record<string, string> };
    expect(Math.max(...Object.keys(ordinals).map(Number)), 'asking uses up no ordinal').toBeLessThan(20);
    await reads(1, 'last', 'words');
    await cluster.put(4, 'last', 'words again');
    // Of the very last write a member that is killed does not know for certain that a majority had it.
    await cluster.put(4, 'after', 'x');
    await reads(1, 'after', 'x');
    await Promise.all(servers.map((number) => cluster.kill(number)));
    const data = `-data-dir=${cluster.data(1)}`;
    cluster.start(1);
    await until('it to wait', async () => cluster.agent(1).output().includes('waiting for etcd'), {
      ms: 60_000,
    });
    await expect(cluster.cli(1, 'operator', 'recover', data, '-yes')).rejects.toThrow(/stop it first/);
    await cluster.kill(1);
    expect(await cluster.cli(1, 'operator', 'recover', data, '-yes')).toMatch(/given up: n[23], n[23]/);
    cluster.start(1);
    for (const number of [1, 4]) await cluster.writable(number);
    await reads(5, 'last', 'words again');
    expect(await cluster.json<string[]>(1, '/v1/status/peers')).toHaveLength(1);
    for (const number of [2, 3]) cluster.start(number);
    await allAlive();
    await reads(2, 'last', 'words again');
  });
});
