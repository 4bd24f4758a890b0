#!/usr/bin/env node
// @ts-check
// Copies the conformance suites from where they are kept into test/conformance, which is a copy and never edited.
//   node scripts/refresh-conformance.mjs [DIRECTORY]      (default: ../shared/conformance)
import { cpSync, existsSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { inRoot } from './support/paths.mjs';
import { Failure, run, say } from './support/say.mjs';

await run(async () => {
  const source =
    process.argv[2] === undefined ? inRoot('..', 'shared', 'conformance') : resolve(process.argv[2]);
  if (!existsSync(join(source, 'run.mjs'))) {
    throw new Failure(`refresh: ${source} holds no conformance suites; name the directory that does`);
  }
  const copy = inRoot('test', 'conformance');
  rmSync(copy, { recursive: true, force: true });
  cpSync(source, copy, { recursive: true });
  say(
    'refresh',
    `copied ${source} to test/conformance; \`git diff --stat test/conformance\` shows what is new`,
  );
});
