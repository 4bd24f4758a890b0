#!/usr/bin/env node
// @ts-check
// Makes sure that everything is there: node modules, the build and, for tests and benchmarks, programs of the
// system. Uses nothing but Node. Says what it does, does nothing when nothing is missing.
//   node scripts/setup.mjs [test] [bench]
import { pathToFileURL } from 'node:url';
import { build } from './build.mjs';
import { ensureModules } from './support/modules.mjs';
import { Failure, run, say } from './support/say.mjs';
import { ensureSystemPackages } from './support/system-packages.mjs';

const LEAST_NODE = /** @type {const} */ ([20, 18]);

function checkNode() {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  if (major > LEAST_NODE[0] || (major === LEAST_NODE[0] && minor >= LEAST_NODE[1])) return;
  throw new Failure(
    `setup: Muster needs Node ${LEAST_NODE.join('.')} or newer, this is ${process.versions.node}. Install a newer Node and try again.`,
  );
}

/** @param {import('./support/system-packages.mjs').Purpose[]} purposes beyond running the program */
export async function setup(purposes = []) {
  checkNode();
  await ensureModules();
  for (const purpose of purposes) await ensureSystemPackages(purpose);
  try {
    // Silent when there was nothing to do.
    await build({
      say: (/** @type {string} */ line) => line.startsWith('build: up to date') || say('setup', line),
    });
  } catch (error) {
    throw new Failure(`setup: ${error instanceof Error ? error.message : error}`);
  }
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  await run(async () => {
    const purposes = process.argv.slice(2);
    const unknown = purposes.find((one) => one !== 'test' && one !== 'bench');
    if (unknown !== undefined) {
      process.stderr.write(`setup: unknown purpose ${unknown}; known: test, bench\n`);
      return 2;
    }
    await setup(/** @type {import('./support/system-packages.mjs').Purpose[]} */ (purposes));
  });
}
