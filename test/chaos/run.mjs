// @ts-check
// Works on keys and locks of a real cluster for some minutes while servers die, stand still, are cut off and move, and checks
// what the clients saw. Needs root, see test/support/network.ts.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { parseArgs } from 'node:util';
import { inRoot } from '../../scripts/support/paths.mjs';
import { run, UsageFailure } from '../../scripts/support/say.mjs';

const HELP = `Usage: npm run chaos -- [--minutes N] [--seed N]

Kills, stops, cuts off and moves servers of a real cluster under clients that write and lock, and checks what they saw.
Needs root, for network namespaces.

  --minutes N   how long; default 10
  --seed N      repeats a run: each says its seed

Example:
  npm run chaos -- --minutes 2 --seed 7
`;

/** @param {string} name @param {string} text */
function checkNumber(name, text) {
  if (!/^\d+(\.\d+)?$/.test(text)) throw new UsageFailure(`--${name}: expected a number, got "${text}"`);
}

await run(async () => {
  const { values } = parseArgs({
    options: {
      minutes: { type: 'string', default: '10' },
      seed: { type: 'string' },
      help: { type: 'boolean', short: 'h' },
    },
  });
  if (values.help === true) {
    process.stdout.write(HELP);
    return 0;
  }
  checkNumber('minutes', values.minutes);
  if (values.seed !== undefined) checkNumber('seed', values.seed);
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
  const [code] = await once(child, 'exit');
  return code ?? 1;
});
