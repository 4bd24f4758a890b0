#!/usr/bin/env node
// @ts-check
// Writes the pages of docs/reference that are made from code: each from a table in src/.
//   node scripts/docs.mjs
import { mkdirSync, writeFileSync } from 'node:fs';
import { importSources } from './support/bundle.mjs';
import { inRoot } from './support/paths.mjs';
import { run, say } from './support/say.mjs';

await run(async () => {
  const {
    apiReference,
    cliReference,
    configReference,
    errorsReference,
    fabioReference,
    loadAll,
    metricsReference,
    templateReference,
    verbs,
  } = await importSources(
    'docs',
    `
    export { metricsReference } from './src/agent/metrics/reference.ts';
    export { fabioReference } from './src/agent/fabio/reference.ts';
    export { apiReference } from './src/api/reference.ts';
    export { configReference } from './src/agent/config/reference.ts';
    export { cliReference } from './src/cli/reference.ts';
    export { templateReference } from './src/template/functions/reference.ts';
    export { errorsReference } from './src/cli/errors-reference.ts';
    export { loadAll } from './src/cli/verb.ts';
    export { verbs } from './src/cli/verbs.ts';`,
  );
  mkdirSync(inRoot('docs', 'reference'), { recursive: true });
  for (const [name, text] of /** @type {const} */ ([
    ['config.md', configReference()],
    ['cli.md', cliReference(await loadAll(verbs))],
    ['template.md', templateReference()],
    ['metrics.md', metricsReference()],
    ['api.md', apiReference()],
    ['errors.md', errorsReference()],
    ['fabio-settings.md', fabioReference()],
  ])) {
    writeFileSync(inRoot('docs', 'reference', name), text);
    say('docs', `docs/reference/${name}`);
  }
});
