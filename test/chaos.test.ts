import { expect, it } from 'vitest';
import { randomOf, runChaos } from './chaos/chaos.ts';
import { TestCluster } from './support/cluster.ts';
import { noNetworks } from './support/network.ts';

const why = noNetworks();
if (why !== undefined) process.stdout.write(`test/chaos.test.ts is skipped: ${why}\n`);

/** `npm run chaos` takes as long as it is told. */
const MINUTES = Number(process.env.MUSTER_CHAOS_MINUTES ?? '0.5');
const SEED = Number(process.env.MUSTER_CHAOS_SEED ?? Date.now() % 100_000);

it.skipIf(why !== undefined)(
  'keys and locks stay linearizable under kill -9, standstill, partitions and changes of addresses',
  async () => {
    const cluster = new TestCluster('chaos', { servers: 3, clients: 2 });
    cluster.showOnFailure();
    try {
      for (const number of [1, 2, 3, 4, 5]) cluster.start(number);
      await Promise.all([1, 2, 3, 4, 5].map((number) => cluster.writable(number)));
      const verdict = await runChaos(cluster, {
        ms: MINUTES * 60_000,
        random: randomOf(SEED),
        say: (text) => process.stdout.write(`chaos: ${text}\n`),
      });
      process.stdout.write(
        `chaos: seed ${SEED}: ${verdict.operations} operations, ${verdict.known} with a known end, ${verdict.faults.length} faults\n`,
      );
      for (const key of verdict.violations) process.stdout.write(`chaos: ${key} CANNOT have been\n`);
      for (const key of verdict.undecided) process.stdout.write(`chaos: ${key} could not be decided\n`);
      expect(verdict.violations).toEqual([]);
      // Most of the keys have to be proven right for the run to say anything.
      expect(verdict.undecided.length).toBeLessThan(2);
      expect(verdict.known).toBeGreaterThan(100);
    } finally {
      await cluster.remove();
    }
  },
  MINUTES * 60_000 + 240_000,
);
