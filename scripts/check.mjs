#!/usr/bin/env node
// @ts-check
// npm run check: types, format and lint, direction of imports. Exit code 1 when one of them fails.
import { existsSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { ensureModules } from './support/modules.mjs';
import { inRoot } from './support/paths.mjs';
import { runToEnd } from './support/processes.mjs';
import { run, say, seconds } from './support/say.mjs';

/** @param {string} name */
const tool = (name) => inRoot('node_modules', '.bin', name);

/** @type {{ name: string, argv: [string, ...string[]] }[]} */
const CHECKS = [
  { name: 'types', argv: [tool('tsc'), '-p', 'tsconfig.json'] },
  ...(existsSync(inRoot('ui', 'tsconfig.json'))
    ? [
        {
          name: 'types of the dashboard',
          argv: /** @type {[string, ...string[]]} */ ([tool('tsc'), '-p', 'ui']),
        },
      ]
    : []),
  { name: 'format and lint', argv: [tool('biome'), 'ci', '--colors=off', '.'] },
  { name: 'direction of imports', argv: [process.execPath, 'scripts/check-imports.mjs'] },
];

/** Runs all checks and says what failed. Returns the numbers of passed and failed ones. */
export async function check() {
  let failed = 0;
  for (const { name, argv } of CHECKS) {
    const begin = Date.now();
    const [command, ...args] = argv;
    const { code, output } = await runToEnd(command, args, { cwd: inRoot() });
    if (code === 0) say('check', `${name}: ok (${seconds(Date.now() - begin)})`);
    else {
      failed++;
      process.stdout.write(`${output}\n`);
      say('check', `${name}: FAILED`);
    }
  }
  return { passed: CHECKS.length - failed, failed };
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  await run(async () => {
    await ensureModules();
    const { failed } = await check();
    return failed > 0 ? 1 : 0;
  });
}
