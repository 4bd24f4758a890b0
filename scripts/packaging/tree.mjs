// @ts-check
// The package with all that it needs at run time, as `npm install` would lay it out: what other packages are made of.
import { cpSync, existsSync, mkdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { inRoot } from '../support/paths.mjs';
import { runToEnd } from '../support/processes.mjs';
import { Failure } from '../support/say.mjs';

/**
 * @typedef {{ version: string, resolved?: string, integrity?: string, dev?: boolean, optional?: boolean, license?: string,
 *   dependencies?: Record<string, string>, optionalDependencies?: Record<string, string>, peerDependencies?: Record<string, string>,
 *   os?: string[], cpu?: string[], libc?: string[] }} Locked
 */

/** @returns {{ name: string, version: string, description: string, license: string }} */
export const manifest = () => JSON.parse(readFileSync(inRoot('package.json'), 'utf8'));

/** Packages of the lock file by their folder ("node_modules/zod"). @returns {Record<string, Locked>} */
export function locked() {
  const { '': _root, ...packages } = JSON.parse(readFileSync(inRoot('package-lock.json'), 'utf8')).packages;
  return packages;
}

/** Folders of the modules that run in production and are installed on this machine. */
export function productionModules() {
  return Object.entries(locked())
    .filter(([folder, { dev }]) => dev !== true && existsSync(inRoot(folder)))
    .map(([folder]) => folder);
}

/** Files that `npm pack` would put in, relative to the root. */
export async function packedFiles() {
  const { code, output } = await runToEnd('npm', ['pack', '--dry-run', '--json', '--ignore-scripts'], {
    cwd: inRoot(),
    env: { npm_config_loglevel: 'silent', npm_config_offline: 'true' },
  });
  if (code !== 0) throw new Failure(`package: npm pack failed\n${output}`);
  const told = JSON.parse(output.slice(output.indexOf('[')));
  return /** @type {{ path: string }[]} */ (told[0].files).map(({ path }) => path).sort();
}

/** Lays the package and its modules out in `target`. @param {string} target */
export async function layOut(target) {
  mkdirSync(target, { recursive: true });
  for (const path of await packedFiles()) {
    // For people with a debugger; as much as all the rest.
    if (path.endsWith('.map')) continue;
    mkdirSync(dirname(join(target, path)), { recursive: true });
    cpSync(inRoot(path), join(target, path));
  }
  for (const folder of productionModules())
    cpSync(inRoot(folder), join(target, folder), { recursive: true, dereference: true });
}
