import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';
import { LongestFirst } from './test/support/longest-first.ts';

const UNIT = {
  // Some of them wait for a real timeout, or for a program that starts: the cores go on with others meanwhile.
  maxWorkers: Math.ceil(1.5 * availableParallelism()),
  // A bound for what hangs, not a measure of speed: property tests take their time on a busy machine.
  testTimeout: 60_000,
  hookTimeout: 60_000,
};

/** What stands in for a module does so for a whole process: these have one of their own. */
const ALONE = ['src/**/by-sockets.test.ts'];

/** Three dozen programs under load, of which no request may take long: nothing else runs beside them. */
const CORES_OF_ITS_OWN = ['test/internal-lb.test.ts'];

const E2E = { testTimeout: 180_000, hookTimeout: 180_000 };

export default defineConfig({
  test: {
    sequence: { sequencer: LongestFirst },
    projects: [
      {
        // Hundreds of small files: a process for each would take as long as their tests. Modules are each file's own all the same.
        test: {
          ...UNIT,
          name: 'unit',
          include: [
            'src/**/*.test.ts',
            'ui/**/*.test.ts',
            'apps/**/*.test.ts',
            'bench/**/*.test.ts',
            'scripts/**/*.test.ts',
          ],
          exclude: ALONE,
          isolate: false,
          setupFiles: ['test/support/fresh-modules.ts'],
        },
      },
      { test: { ...UNIT, name: 'unit-alone', include: ALONE } },
      {
        // End-to-end tests start real processes, and wait for them much of the time: three files at a time keep two cores busy.
        test: {
          ...E2E,
          name: 'e2e',
          include: ['test/**/*.test.ts'],
          exclude: ['test/conformance/**', ...CORES_OF_ITS_OWN],
          maxWorkers: 3,
        },
      },
      {
        test: {
          ...E2E,
          name: 'e2e-alone',
          include: CORES_OF_ITS_OWN,
          maxWorkers: 1,
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
});
