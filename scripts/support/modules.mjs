// @ts-check
// Are the node modules those of package-lock.json? If not, install them.
import { existsSync, readFileSync } from 'node:fs';
import { findCommand, inRoot } from './paths.mjs';
import { runToEnd } from './processes.mjs';
import { Failure, say, step } from './say.mjs';

/** @typedef {{ version?: string, optional?: boolean, peer?: boolean }} LockedPackage */

/** @param {string} path @returns {Record<string, LockedPackage>} */
function lockedPackages(path) {
  return JSON.parse(readFileSync(path, 'utf8')).packages ?? {};
}

/**
 * What npm last installed here differs from package-lock.json. npm writes down what it installed in
 * node_modules/.package-lock.json; optional packages (of other platforms) may be missing there.
 */
function modulesAreStale() {
  const installedList = inRoot('node_modules', '.package-lock.json');
  if (!existsSync(installedList)) return true;
  const installed = lockedPackages(installedList);
  return Object.entries(lockedPackages(inRoot('package-lock.json'))).some(([path, wanted]) => {
    if (path === '') return false;
    const found = installed[path];
    return found === undefined
      ? !wanted.optional
      : found.version !== wanted.version || !existsSync(inRoot(path));
  });
}

/** npm as the one that runs us, so that the same version and settings are used. */
function npm() {
  const own = process.env.npm_execpath;
  if (own?.endsWith('.js')) return [process.execPath, own];
  if (findCommand('npm') !== undefined) return ['npm'];
  throw new Failure(
    'setup: node modules have to be installed, and npm is not on the PATH: it comes with Node from nodejs.org, on Debian it is the package npm',
  );
}

/** Without a network npm would try for two minutes. */
const PATIENCE = ['--fetch-retry-mintimeout=1000', '--fetch-retry-maxtimeout=5000'];

export async function ensureModules() {
  if (!modulesAreStale()) return;
  const [command, ...first] = /** @type {[string, ...string[]]} */ (npm());
  // No package of ours needs its install script, so none is run.
  const args = [
    ...first,
    'ci',
    '--ignore-scripts',
    '--no-audit',
    '--no-fund',
    '--prefer-offline',
    ...PATIENCE,
  ];
  await step('setup', 'installing node modules (npm ci)', async () => {
    const { code, output } = await runToEnd(command, args, { cwd: inRoot() });
    if (code === 0) return;
    throw new Failure(
      `${output}\nsetup: npm ci failed. The registry is needed once: see that \`npm ping\` answers, then try again.`,
    );
  });
  if (modulesAreStale()) say('setup', 'npm installed something else than package-lock.json asks for');
}
