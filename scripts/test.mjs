#!/usr/bin/env node
// @ts-check
// npm test: sets up what is missing, then runs everything. The last line is "N passed, N failed".
//   npm test [-- check unit e2e conformance]      only these parts
import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { check } from './check.mjs';
import { compareWithBaseline } from './conformance.mjs';
import { setup } from './setup.mjs';
import { ARTIFACTS, inRoot } from './support/paths.mjs';
import { runToEnd, stopAll, stopAllWithUs } from './support/processes.mjs';
import { run, say, seconds } from './support/say.mjs';

/** @typedef {{ passed: number, failed: number }} Count */

/**
 * Runs projects of vitest. A file that cannot be loaded has no tests to count: it counts as one failed.
 * @param {string} part
 * @param {string[]} projects
 * @returns {Promise<Count>}
 */
async function vitest(part, projects = [part]) {
  const report = join(ARTIFACTS, `${part}.json`);
  rmSync(report, { force: true });
  const args = [
    'run',
    ...projects.map((project) => `--project=${project}`),
    '--reporter=default',
    '--reporter=json',
    `--outputFile.json=${report}`,
  ];
  const { code } = await runToEnd(
    process.execPath,
    [inRoot('node_modules', 'vitest', 'vitest.mjs'), ...args],
    {
      cwd: inRoot(),
      show: true,
    },
  );
  const passed = { passed: 0, failed: 0 };
  try {
    const { numPassedTests, numFailedTests } = JSON.parse(readFileSync(report, 'utf8'));
    passed.passed = numPassedTests;
    passed.failed = numFailedTests;
  } catch {
    say('test', `vitest left no report for ${part}`);
  }
  if (code !== 0 && passed.failed === 0) passed.failed = 1;
  return passed;
}

/** In the order in which a mistake shows soonest. @type {Record<string, () => Promise<Count>>} */
const PARTS = {
  check,
  unit: () => vitest('unit', ['unit', 'unit-alone']),
  e2e: () => vitest('e2e', ['e2e', 'e2e-alone']),
  conformance: () => compareWithBaseline(),
};

await run(async () => {
  stopAllWithUs();
  const wanted = process.argv.slice(2);
  const unknown = wanted.find((one) => !(one in PARTS));
  if (unknown !== undefined) {
    process.stderr.write(`test: no part ${unknown}. Known: ${Object.keys(PARTS).join(', ')}\n`);
    return 2;
  }
  const begin = Date.now();
  await setup(['test']);
  // Node reads all of it whenever a program starts, a third of what a bare one costs. No test talks to anybody outside.
  delete process.env.NODE_EXTRA_CA_CERTS;
  mkdirSync(ARTIFACTS, { recursive: true });
  const total = { passed: 0, failed: 0 };
  for (const [name, part] of Object.entries(PARTS)) {
    if (wanted.length > 0 && !wanted.includes(name)) continue;
    const since = Date.now();
    say('test', `--- ${name}`);
    /** @type {Count} */
    let count;
    try {
      count = await part();
    } catch (error) {
      say('test', error instanceof Error ? (error.stack ?? error.message) : String(error));
      count = { passed: 0, failed: 1 };
    }
    say(
      'test',
      `--- ${name}: ${count.passed} passed, ${count.failed} failed (${seconds(Date.now() - since)})`,
    );
    total.passed += count.passed;
    total.failed += count.failed;
  }
  await stopAll();
  say('test', `all of it took ${seconds(Date.now() - begin)}`);
  process.stdout.write(`${total.passed} passed, ${total.failed} failed\n`);
  return total.failed > 0 || total.passed === 0 ? 1 : 0;
});
