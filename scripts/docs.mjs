#!/usr/bin/env node
// @ts-check
// Writes the pages of docs/reference that are made from code: config.md from the schema, cli.md from the table of verbs.
//   node scripts/docs.mjs
import { mkdirSync, writeFileSync } from 'node:fs';
import { importSources } from './support/bundle.mjs';
import { inRoot } from './support/paths.mjs';
import { run, say } from './support/say.mjs';

await run(async () => {
  const { configReference, cliReference, templateReference, verbs } = await importSources(
    'docs',
    `
    export { configReference } from './src/agent/config/reference.ts';
    export { cliReference } from './src/cli/reference.ts';
    export { templateReference } from './src/template/functions/reference.ts';
    export { verbs } from './src/cli/verbs.ts';`,
  );
  mkdirSync(inRoot('docs', 'reference'), { recursive: true });
  for (const [name, text] of /** @type {const} */ ([
    ['config.md', configReference()],
    ['cli.md', cliReference(verbs)],
    ['template.md', templateReference()],
  ])) {
    writeFileSync(inRoot('docs', 'reference', name), text);
    say('docs', `docs/reference/${name}`);
  }
});
