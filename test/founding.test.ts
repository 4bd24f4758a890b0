import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { until } from '../scripts/support/processes.mjs';
import { TestCluster } from './support/cluster.ts';
import { noNetworks } from './support/network.ts';

const why = noNetworks();
if (why !== undefined) process.stdout.write(`test/founding.test.ts is skipped: ${why}\n`);

describe.skipIf(why !== undefined)('servers each of which is to found a cluster alone', () => {
  let cluster: TestCluster;
  const numbers = [1, 2, 3];
  const ALONE = ['-bootstrap-expect=1'];

  beforeAll(() => {
    cluster = new TestCluster('founding', { servers: 3 });
  });
  afterAll(() => cluster?.remove());
  beforeEach(() => cluster.showOnFailure());

  const all = (by: number) =>
    until(
      `n${by} to tell of all three`,
      async () => (await cluster.json<string[]>(by, '/v1/status/peers')).length === numbers.length,
      { ms: 60_000 },
    );

  it('become one: the first does not wait for those that do not run yet, and the others join it', async () => {
    cluster.start(1, ALONE);
    await cluster.writable(1);
    await cluster.put(1, 'first', 'here');
    for (const number of [2, 3]) cluster.start(number, ALONE);
    for (const number of numbers) await all(number);
    for (const number of numbers) expect(await cluster.read(number, 'first')).toBe('here');
  });

  it('one that lost its disk joins the others again with the flags that it had', async () => {
    await until('three voters', async () => {
      const { Servers } = await cluster.json<{ Servers: { Voter: boolean }[] }>(
        2,
        '/v1/operator/raft/configuration',
      );
      return Servers.length === numbers.length && Servers.every(({ Voter }) => Voter);
    });
    await cluster.kill(1);
    cluster.wipe(1);
    cluster.start(1, ALONE);
    await until('n1 to be there', () => cluster.agent(1).output().includes('HTTP API'), { ms: 60_000 });
    expect(await cluster.read(1, 'first')).toBe('here');
    expect(cluster.agent(1).output()).not.toContain('the cluster is founded');
  });
});
