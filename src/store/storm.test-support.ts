import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

/** Inside the project, so that the program finds its packages. */
const CACHE = fileURLToPath(new URL('../../node_modules/.cache/', import.meta.url));

/**
 * A program to fork and to kill in the middle of writing. `contents`: TypeScript that imports by paths from the file at `from`
 * (`import.meta.url`), e.g. './environment.ts'. Answers with its path; `remove` takes it away.
 */
export async function buildStorm(
  name: string,
  from: string,
  contents: string,
): Promise<{ readonly path: string; remove(): void }> {
  mkdirSync(CACHE, { recursive: true });
  const path = join(CACHE, `${name}-${process.pid}.mjs`);
  await build({
    stdin: { contents, resolveDir: fileURLToPath(new URL('.', from)), loader: 'ts' },
    bundle: true,
    packages: 'external',
    platform: 'node',
    format: 'esm',
    outfile: path,
    logLevel: 'error',
  });
  return { path, remove: () => rmSync(path, { force: true }) };
}
