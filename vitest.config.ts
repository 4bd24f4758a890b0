import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'unit',
          include: [
            'src/**/*.test.ts',
            'ui/**/*.test.ts',
            'apps/**/*.test.ts',
            'bench/**/*.test.ts',
            'scripts/**/*.test.ts',
          ],
          maxWorkers: '100%',
          // A bound for what hangs, not a measure of speed: property tests take their time on a busy machine.
          testTimeout: 60_000,
        },
      },
      {
        // End-to-end tests start real processes, and wait for them much of the time: three files at a time keep two cores busy.
        test: {
          name: 'e2e',
          include: ['test/**/*.test.ts'],
          exclude: ['test/conformance/**'],
          testTimeout: 180_000,
          hookTimeout: 180_000,
          maxWorkers: 3,
        },
      },
    ],
  },
});
