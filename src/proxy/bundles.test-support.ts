/** For tests: programs and workers from their sources, for processes and threads of their own. */
import { mkdtempSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { build, type Plugin } from 'esbuild';
import { afterAll, beforeAll } from 'vitest';

/** Builds `sources`, paths by name, before the tests of a file. The answer says where each is, once they are built. */
export function bundled<Name extends string>(
  sources: Readonly<Record<Name, string>>,
  plugins: Plugin[] = [],
): (name: Name) => string {
  let folder = '';
  beforeAll(async () => {
    // Below the packages that they import.
    folder = mkdtempSync(join('node_modules', '.muster-test-'));
    await build({
      entryPoints: sources,
      outdir: folder,
      outExtension: { '.js': '.mjs' },
      bundle: true,
      format: 'esm',
      platform: 'node',
      packages: 'external',
      plugins,
    });
  });
  afterAll(() => rmSync(folder, { recursive: true }));
  return (name) => resolve(folder, `${name}.mjs`);
}
