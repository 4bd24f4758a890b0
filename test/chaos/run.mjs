// @ts-check
// Works on keys and locks of a real cluster for some minutes while servers die, stand still, are cut off and move, and checks
// what the clients saw. `npm run chaos [-- --minutes 10] [--seed N]`; needs root, see test/support/network.ts.
import { spawn } from 'node:child_process';
import { parseArgs } from 'node:util';
import { inRoot } from '../../scripts/support/paths.mjs';

const { values } = parseArgs({
  options: { minutes: { type: 'string', default: '10' }, seed: { type: 'string' } },
});
const child = spawn(
  process.execPath,
  [inRoot('node_modules/vitest/vitest.mjs'), 'run', '--project', 'e2e', 'test/chaos.test.ts'],
  {
    cwd: inRoot(),
    stdio: 'inherit',
    env: {
      ...process.env,
      MUSTER_CHAOS_MINUTES: values.minutes,
      ...(values.seed === undefined ? {} : { MUSTER_CHAOS_SEED: values.seed }),
    },
  },
);
child.on('exit', (code) => process.exit(code ?? 1));
