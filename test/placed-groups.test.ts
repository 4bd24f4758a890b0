import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { stringify } from 'smol-toml';
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFailed } from 'vitest';
import { runs, until } from '../scripts/support/processes.mjs';
import type { GroupView, ManagedInstance } from '../src/group/view.ts';
import { TestCluster } from './support/cluster.ts';
import { temporaryFolder } from './support/muster.ts';
import { noNetworks } from './support/network.ts';

const why = noNetworks();
if (why !== undefined) process.stdout.write(`test/placed-groups.test.ts is skipped: ${why}\n`);

/** Says that it is well, at the address of its machine; all that Muster's program needs is there already. */
const PROGRAM = `require('node:http').createServer((_, answer) => answer.end(process.env.MUSTER_ZONE)).listen(Number(process.env.PORT))`;

const ZONES: Readonly<Record<number, string>> = { 2: 'a', 3: 'a', 4: 'b', 5: 'b' };
const hosts = Object.keys(ZONES).map(Number);
/** Far above what an agent needs to start on a machine that is busy with other tests. */
const GRACE = 20_000;

describe.skipIf(why !== undefined)('a group that is spread over four agents in two zones', () => {
  const { folder, remove } = temporaryFolder();
  let cluster: TestCluster;

  const fileOf = (number: number) => join(folder, `n${number}.toml`);
  const GROUP = {
    name: 'web',
    replicas: 1,
    command: [process.execPath, '-e', PROGRAM],
    service: 'web',
    placement: { grace: `${GRACE}ms`, cut_off: 'end' },
    register: {
      tags: ['zone-$MUSTER_ZONE'],
      check: { http: 'http://127.0.0.1:$PORT/', interval: '200ms', timeout: '2s' },
    },
  };
  /** What a node reads at its start and at a reload. */
  const write = (number: number, group: readonly object[]) => {
    const node = { meta: { zone: ZONES[number] ?? '' } };
    // Servers keep the catalog and run nothing.
    writeFileSync(fileOf(number), stringify(number === 1 ? { node: {} } : { node, group }));
  };
  const boot = (number: number) => {
    write(number, [GROUP]);
    cluster.start(number, [`-config-file=${fileOf(number)}`]);
  };

  beforeAll(async () => {
    cluster = new TestCluster('placed-groups', { servers: 1, clients: 4 });
    for (const number of [1, ...hosts]) boot(number);
    await Promise.all([1, ...hosts].map((number) => cluster.writable(number)));
  });
  afterAll(async () => {
    await cluster?.remove();
    remove();
  });
  beforeEach(() => cluster.showOnFailure());

  const view = async (by = 1): Promise<GroupView> => cluster.json<GroupView>(by, '/v1/muster/groups/web');
  /** Most instances that were there at a time and not about to leave. */
  let most = 0;
  const become = (what: string, holds: (view: GroupView) => boolean, by = 1) => {
    let last: GroupView | undefined;
    onTestFailed(() => {
      process.stdout.write(`waited for ${what}: ${JSON.stringify({ ...last, history: [] }, undefined, 1)}\n`);
    });
    return until(
      what,
      async () => {
        const now = await view(by);
        last = now;
        most = Math.max(most, now.instances.filter(({ leaving }) => !leaving).length);
        return holds(now) && now;
      },
      { ms: 60_000, every: 100 },
    );
  };
  const settled = (size: number) => (now: GroupView) =>
    now.size === size && now.ready === size && now.instances.length === size;
  const count = (instances: readonly ManagedInstance[], of: (one: ManagedInstance) => string | undefined) => {
    const counts: Record<string, number> = {};
    for (const one of instances) counts[of(one) ?? ''] = (counts[of(one) ?? ''] ?? 0) + 1;
    return counts;
  };
  const zoneOf = ({ node }: ManagedInstance) => ZONES[Number(node?.slice(1))];
  const numberOf = (node: string | undefined) => Number(node?.slice(1));
  const pidOf = ({ state }: ManagedInstance) => (state.mode === 'running' ? (state.pid as number) : 0);

  const allTakePart = async () => {
    // Whoever looks after the group has to know them.
    for (const by of hosts)
      await become('all to take part', ({ nodes }) => nodes?.join() === 'n2,n3,n4,n5', by);
    // Who was not heard of yet gets none.
    for (const by of hosts)
      await until('all to be heard of', async () => {
        const members = await cluster.json<{ Status: number }[]>(by, '/v1/agent/members');
        return members.filter(({ Status }) => Status === 1).length === 5;
      });
  };

  it('has one instance on each, and one node that looks after it', async () => {
    await allTakePart();
    await cluster.cli(2, 'group', 'scale', 'web', '4');
    const { instances, controller } = await become(
      'four to be ready, and somebody to look after them',
      (now) => settled(4)(now) && now.controller !== '',
    );
    expect(count(instances, ({ node }) => node)).toEqual({ n2: 1, n3: 1, n4: 1, n5: 1 });
    expect(['n2', 'n3', 'n4', 'n5']).toContain(controller);
    const services = await cluster.json<{ ServiceTags: string[]; Node: string }[]>(
      1,
      '/v1/catalog/service/web',
    );
    for (const { ServiceTags, Node } of services)
      expect(ServiceTags).toEqual([`zone-${ZONES[numberOf(Node)]}`]);
  });

  it('grows and rolls by a command to any node', async () => {
    await cluster.cli(1, 'group', 'scale', 'web', '6');
    const six = await become('six to be ready', settled(6));
    expect(count(six.instances, zoneOf)).toEqual({ a: 3, b: 3 });
    await cluster.cli(3, 'group', 'roll', 'web');
    const rolled = await become(
      'the second edition',
      (now) => settled(6)(now) && now.rollout.mode === 'idle' && now.edition === 2,
    );
    expect(rolled.instances.every(({ edition }) => edition === 2)).toBe(true);
    await cluster.cli(5, 'group', 'scale', 'web', '4');
    await become('four again', settled(4));
  });

  it('another node looks after it when that one dies, and what ran there is started elsewhere', async () => {
    const before = await view();
    const gone = numberOf(before.controller);
    most = 0;
    await cluster.kill(gone);
    const after = await become(
      'another controller, and four without that node',
      (now) =>
        settled(4)(now) &&
        now.controller !== '' &&
        now.controller !== before.controller &&
        now.instances.every(({ node }) => node !== `n${gone}`),
    );
    expect(most).toBeLessThanOrEqual(4);
    const kept = before.instances.filter(({ node }) => node !== `n${gone}`).map(({ id }) => id);
    expect(after.instances.map(({ id }) => id)).toEqual(expect.arrayContaining(kept));
    boot(gone);
    await allTakePart();
    await cluster.cli(gone, 'group', 'scale', 'web', '5');
    const five = await become('five', settled(5));
    expect(five.instances.filter(({ node }) => node === `n${gone}`)).toHaveLength(1);
  });

  it('a node that is cut off ends what is started elsewhere', async () => {
    const before = await view();
    const away = numberOf(before.instances.find(({ node }) => node !== before.controller)?.node);
    const cut = before.instances.filter(({ node }) => node === `n${away}`).map(pidOf);
    expect(cut.every(runs)).toBe(true);
    cluster.network.cut(away);
    await become(
      'five elsewhere',
      (now) => settled(5)(now) && now.instances.every(({ node }) => node !== `n${away}`),
    );
    await until('those to be ended', () => cut.every((pid) => !runs(pid)));
    cluster.network.mend(away);
    await cluster.writable(away);
    await become('five, still', settled(5), away);
  });

  it('instances run on when their agent is started again', async () => {
    const before = await view();
    const number = numberOf(before.instances[0]!.node);
    const here = before.instances.filter(({ node }) => node === `n${number}`);
    const agent = cluster.agent(number);
    process.kill(agent.pid, 'SIGTERM');
    await agent.exited;
    boot(number);
    await cluster.writable(number);
    const after = await become('five', settled(5), number);
    const ids = after.instances.map(({ id }) => id);
    for (const one of here) if (ids.includes(one.id)) expect(runs(pidOf(one))).toBe(true);
    expect(after.instances.filter(({ node }) => node === `n${number}`).map(pidOf)).toEqual(here.map(pidOf));
  });

  const reload = (...group: object[]) => {
    for (const number of hosts) {
      write(number, group);
      process.kill(cluster.agent(number).pid, 'SIGHUP');
    }
  };

  it('is registered as it is described now, by the same processes', async () => {
    const before = (await view()).instances.map(pidOf);
    reload({ ...GROUP, register: { ...GROUP.register, tags: ['other'] } });
    await until(
      'other tags',
      async () => {
        const services = await cluster.json<{ ServiceTags: string[] }[]>(1, '/v1/catalog/service/web');
        return services.length === 5 && services.every(({ ServiceTags }) => ServiceTags.join() === 'other');
      },
      { ms: 60_000, every: 100 },
    );
    expect((await view()).instances.map(pidOf)).toEqual(before);
  });

  it('ends everywhere once no configuration has it, and nothing of it stays registered', async () => {
    const before = (await view()).instances.map(pidOf);
    expect(before.every(runs)).toBe(true);
    reload();
    await until('them to be ended', () => before.every((pid) => !runs(pid)), { ms: 60_000 });
    await until(
      'nothing to be registered',
      async () => (await cluster.json<unknown[]>(1, '/v1/catalog/service/web')).length === 0,
      { ms: 60_000, every: 100 },
    );
    for (const by of [1, ...hosts])
      await until(
        'it to be shown no more',
        async () => (await cluster.json<unknown[]>(by, '/v1/muster/groups')).length === 0,
      );
  });
});
