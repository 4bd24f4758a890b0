// @ts-check
// Sources for a script: what is TypeScript in src/, bundled and imported.
import { build } from 'esbuild';
import { inRoot } from './paths.mjs';

/**
 * What `contents` exports, with paths from the root: `export { a } from './src/a.ts';`.
 * @param {string} name Of the bundle, in node_modules/.cache
 * @param {string} contents
 * @returns {Promise<any>}
 */
export async function importSources(name, contents) {
  const outfile = inRoot('node_modules', '.cache', `muster-${name}.mjs`);
  await build({
    stdin: { contents, resolveDir: inRoot(), loader: 'ts' },
    bundle: true,
    format: 'esm',
    platform: 'node',
    packages: 'external',
    outfile,
    logLevel: 'warning',
  });
  return import(outfile);
}
