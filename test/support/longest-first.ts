import { relative } from 'node:path';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/**
 * Files that take long, the longest first: one that began last would leave all other cores idle at the end. A checkout has no times of
 * earlier runs, and the size of a file says little. `artifacts/*.json` has them after `npm test`; only those far above the others matter.
 */
const LONG = [
  'test/dashboard.test.ts',
  'test/internal-lb.test.ts',
  'test/cluster.test.ts',
  'test/registrator-rounds.test.ts',
  'test/handover.test.ts',
  'test/durability-mixed.test.ts',
  'test/placed-groups.test.ts',
  'test/gobetween-consul.test.ts',
  'test/durability.test.ts',
  'test/chaos.test.ts',
  'test/proxies.test.ts',
  'test/dashboard-groups.test.ts',
  'test/groups.test.ts',
  'test/image.test.ts',
  'test/packaging.test.ts',
  'test/docs.test.ts',
  'test/registrator.test.ts',
  'test/fuzz.test.ts',
  'test/fuzz-parsers.test.ts',
  'test/servers-away.test.ts',
  'src/cli/verbs/lb.test.ts',
  'src/group/held-sockets.test.ts',
  'src/store/etcd/store.test.ts',
  'src/group/docker.test.ts',
];

/** The order of vitest, behind the files that take long. */
export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rank = ({ moduleId }: TestSpecification) => {
      const at = LONG.indexOf(relative(this.ctx.config.root, moduleId));
      return at < 0 ? LONG.length : at;
    };
    // Stable: the others stay as they are.
    return (await super.sort(files)).sort((one, other) => rank(one) - rank(other));
  }
}
