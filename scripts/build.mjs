#!/usr/bin/env node
// Builds everything that the package ships into dist/:
//
//   main.js           the program (bin/muster imports it), with its chunks beside it
//   proxy-worker.js   what each balancer worker thread runs
//   client.js         the SDK in one file
//   types/            type declarations of the SDK
//   ui/               the dashboard
//   LICENSES.txt      of the libraries in these files
//   man/, completions/  manual pages and completions for shells, from the table of verbs
//
// Each part is rebuilt only when one of its inputs changed: a hash of their content is kept in dist/.build.json.
// `node scripts/build.mjs [--force] [--quiet]`
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const dist = path.join(root, 'dist');
const stampFile = path.join(dist, '.build.json');
const SELF = ['package.json', 'package-lock.json', 'scripts/build.mjs'];

/** Entry points of the program. All outputs lie flat in dist/, so `new URL('./proxy-worker.js', import.meta.url)` holds from any chunk. */
const PROGRAM = { main: 'src/cli/main.ts' };
const WORKER = { 'proxy-worker': 'src/proxy/worker.ts' };
const CLIENT = 'src/client/index.ts';

/** Files below the given paths, sorted, tests left out. */
function filesBelow(paths) {
  const found = [];
  const visit = (name) => {
    const full = path.join(root, name);
    const stat = fs.statSync(full, { throwIfNoEntry: false });
    if (stat === undefined) return;
    if (stat.isFile()) {
      if (!/\.test\.tsx?$|\.md$/.test(name)) found.push(name);
      return;
    }
    for (const entry of fs.readdirSync(full)) if (entry !== 'node_modules') visit(path.join(name, entry));
  };
  for (const name of paths) visit(name);
  return found.sort();
}

function hashOf(paths) {
  const hash = createHash('sha256').update(process.version);
  for (const name of filesBelow(paths))
    hash
      .update(name)
      .update('\0')
      .update(fs.readFileSync(path.join(root, name)));
  return hash.digest('hex');
}

const has = (name) => fs.existsSync(path.join(root, name));

/** Written beside and renamed: a program that starts meanwhile never reads half of a file. */
function writeWhole(file, contents) {
  fs.mkdirSync(path.dirname(file), { recursive: true });
  const temporary = `${file}.${process.pid}.new`;
  fs.writeFileSync(temporary, contents);
  fs.renameSync(temporary, file);
}

async function bundle(entryPoints, options) {
  const { build } = await import('esbuild');
  const result = await build({
    entryPoints,
    outdir: dist,
    bundle: true,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    // What the package depends on has code for one kind of machine. All else goes into the bundle, as far as it is used: a start
    // costs a quarter less than with a hundred files more to find and read.
    external: Object.keys(JSON.parse(fs.readFileSync(path.join(root, 'package.json'), 'utf8')).dependencies),
    // The same code as modules, of which parts can be left out.
    alias: { yaml: path.join(root, 'node_modules/yaml/browser/index.js') },
    sourcemap: true,
    legalComments: 'none',
    chunkNames: 'chunk-[hash]',
    logLevel: 'warning',
    absWorkingDir: root,
    write: false,
    ...options,
  });
  // Chunks before the files that import them.
  const files = result.outputFiles.sort(
    (a, b) => (b.path.includes('chunk-') ? 1 : 0) - (a.path.includes('chunk-') ? 1 : 0),
  );
  for (const file of files) writeWhole(file.path, file.contents);
  return files.map((file) => path.basename(file.path));
}

async function buildProgram() {
  const parts = await bundle(PROGRAM, { splitting: true });
  // In one file: each worker loads all of it, and thirty files more to find and read are a tenth of its start.
  const worker = await bundle(WORKER, { splitting: false });
  const kept = new Set([...parts, ...worker, 'client.js', 'client.js.map']);
  for (const name of fs.readdirSync(dist)) {
    if (/\.js(\.map)?$/.test(name) && !kept.has(name)) fs.rmSync(path.join(dist, name), { force: true });
  }
}

async function buildClient() {
  await bundle({ client: CLIENT }, { splitting: false });
}

async function buildManual() {
  const { importSources } = await import('./support/bundle.mjs');
  const { completionScript, loadAll, manPages, SHELLS, VERSION, verbs } = await importSources(
    'manual',
    `export { completionScript, SHELLS } from './src/cli/completion.ts';
     export { manPages } from './src/cli/man.ts';
     export { loadAll } from './src/cli/verb.ts';
     export { verbs } from './src/cli/verbs.ts';
     export { VERSION } from './src/version.ts';`,
  );
  const whole = await loadAll(verbs);
  for (const folder of ['man', 'completions'])
    fs.rmSync(path.join(dist, folder), { recursive: true, force: true });
  for (const [name, page] of manPages(whole, VERSION)) writeWhole(path.join(dist, 'man', name), page);
  for (const shell of SHELLS)
    writeWhole(path.join(dist, 'completions', `muster.${shell}`), completionScript(shell, whole));
}

async function buildLicenses() {
  const { licenses } = await import('./packaging/sbom.mjs');
  writeWhole(path.join(dist, 'LICENSES.txt'), licenses());
}

function run(script, args) {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [path.join(root, 'node_modules', script), ...args], {
      cwd: root,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let output = '';
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (chunk) => {
        output += chunk;
      });
    child.on('error', reject);
    child.on('close', (code) => {
      if (code === 0) resolve();
      else reject(new Error(output.trim() || `${script} ended with ${code}`));
    });
  });
}

/** Each part: what it is built from, the file that shows that it was, and how. Absent sources are left out with a word. */
const PARTS = {
  program: { needs: PROGRAM.main, inputs: ['src', ...SELF], output: 'main.js', build: buildProgram },
  client: {
    needs: CLIENT,
    inputs: ['src/client', 'src/lib', 'src/errors.ts', ...SELF],
    output: 'client.js',
    build: buildClient,
  },
  types: {
    needs: CLIENT,
    inputs: ['src/client', 'src/lib', 'src/errors.ts', 'tsconfig.json', 'tsconfig.types.json', ...SELF],
    output: 'types/client/index.d.ts',
    build: () => run('typescript/bin/tsc', ['-p', 'tsconfig.types.json']),
  },
  manual: {
    needs: 'src/cli/man.ts',
    inputs: ['src/cli', 'src/version.ts', ...SELF],
    output: 'man/muster.1',
    build: buildManual,
  },
  licenses: {
    needs: 'LICENSE',
    inputs: ['LICENSE', 'scripts/packaging/sbom.mjs', 'scripts/packaging/tree.mjs', ...SELF],
    output: 'LICENSES.txt',
    build: buildLicenses,
  },
  ui: {
    needs: 'ui/index.html',
    inputs: ['ui', 'src/api/muster', 'src/client', 'src/lib', ...SELF],
    output: 'ui/index.html',
    build: () =>
      run('vite/bin/vite.js', [
        'build',
        '--config',
        'ui/vite.config.ts',
        '--outDir',
        path.join(dist, 'ui'),
        '--emptyOutDir',
        '--logLevel',
        'warn',
      ]),
  },
};

/** Builds what is out of date. Throws with the name of the part that failed; the others are built all the same. */
export async function build({ force = false, say = (line) => process.stdout.write(`${line}\n`) } = {}) {
  fs.mkdirSync(dist, { recursive: true });
  let stamps = {};
  try {
    stamps = JSON.parse(fs.readFileSync(stampFile, 'utf8'));
  } catch {
    // No stamp: everything is built.
  }
  const started = performance.now();
  const failures = [];
  let built = 0;
  for (const [name, part] of Object.entries(PARTS)) {
    if (!has(part.needs)) {
      say(`build: ${name.padEnd(8)} left out, ${part.needs} is not there`);
      continue;
    }
    const hash = hashOf(part.inputs);
    if (!force && stamps[name] === hash && fs.existsSync(path.join(dist, part.output))) continue;
    const since = performance.now();
    try {
      await part.build();
      stamps[name] = hash;
      writeWhole(stampFile, JSON.stringify(stamps));
      built++;
      say(
        `build: ${name.padEnd(8)} dist/${part.output} (${((performance.now() - since) / 1000).toFixed(1)} s)`,
      );
    } catch (error) {
      failures.push(name);
      say(`build: ${name.padEnd(8)} failed\n${error.message}`);
    }
  }
  if (failures.length > 0) throw new Error(`build failed: ${failures.join(', ')}`);
  if (built === 0) say(`build: up to date (${((performance.now() - started) / 1000).toFixed(1)} s)`);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const args = process.argv.slice(2);
  const unknown = args.find((arg) => arg !== '--force' && arg !== '--quiet');
  if (unknown !== undefined) {
    process.stderr.write(`build: unknown option ${unknown}. Known: --force, --quiet\n`);
    process.exit(2);
  }
  const say = args.includes('--quiet')
    ? (line) => /failed/.test(line) && process.stderr.write(`${line}\n`)
    : undefined;
  try {
    await build({ force: args.includes('--force'), ...(say === undefined ? {} : { say }) });
  } catch (error) {
    process.stderr.write(`${error.message}\n`);
    process.exit(1);
  }
}
