#!/usr/bin/env node
// @ts-check
// Fails on an import that goes up in the layout (docs/decisions/0001-layout-and-import-direction.md).
import { readdirSync, readFileSync } from 'node:fs';
import { join, posix, relative, sep } from 'node:path';
import { pathToFileURL } from 'node:url';
import { inRoot } from './support/paths.mjs';

/** The folders of src/, in order: a file may import from folders left of its own, and from its own. */
export const ORDER = [
  'lib',
  'client',
  'docker',
  'catalog',
  'store',
  'acl',
  'cluster',
  'health',
  'registry',
  'discovery',
  'balance',
  'route',
  'proxy',
  'dns',
  'template',
  'registrator',
  'group',
  'api',
  'agent',
  'cli',
];

/** Those that may import less than their place allows. @type {Record<string, readonly string[]>} */
const ONLY = { client: ['lib'], docker: ['lib'] };

/** What lies outside src/ and is shipped with it: the folders it may import. @type {Record<string, readonly string[]>} */
const OUTSIDE = { ui: ['lib', 'client'], apps: ['lib', 'client'] };

/** The shape of what the dashboard is sent is written down once, for both ends. */
const SHARED_WITH_UI = [
  'src/api/muster/wire.ts',
  'src/api/muster/wire-answers.ts',
  'src/api/muster/wire-history.ts',
  'src/api/muster/picture.ts',
];

/** Not shipped: stands in for an agent while the dashboard is being worked on. */
const NOT_SHIPPED = 'ui/dev/';

const STATIC = /^[ \t]*(?:import|export)\b(?:\s+type\b)?\s*(?:[\w$*{}\s,]*?\bfrom\s*)?(['"])([^'"\n]+)\1/gm;
const DYNAMIC = /\bimport\(\s*(['"])([^'"\n]+)\1/g;
// A worker's file is an import as much as any other.
const WORKER = /\bnew URL\(\s*(['"])([^'"\n]+\.[cm]?[jt]sx?)\1\s*,\s*import\.meta\.url/g;
const COMMENT = /^[ \t]*\/\*[\s\S]*?\*\/|^[ \t]*\/\/.*$/gm;

/**
 * The specifiers that a source file imports, with their lines.
 * @param {string} source
 * @returns {{ line: number, specifier: string }[]}
 */
export function importsOf(source) {
  const code = source.replace(COMMENT, (comment) => comment.replace(/[^\n]/g, ' '));
  return [STATIC, DYNAMIC, WORKER]
    .flatMap((pattern) => [...code.matchAll(pattern)])
    .map((match) => ({
      line: code.slice(0, match.index + match[0].length).split('\n').length,
      specifier: /** @type {string} */ (match[2]),
    }))
    .sort((a, b) => a.line - b.line);
}

/** Is `folder` of src/ one that `from` may import? @param {string} from @param {string} folder */
function mayImport(from, folder) {
  if (from === folder) return true;
  const only = ONLY[from];
  return only ? only.includes(folder) : ORDER.indexOf(folder) < ORDER.indexOf(from);
}

/**
 * The rule that an import breaks, in words, or undefined.
 * @param {string} file path in the checkout, with slashes
 * @param {string} specifier
 */
export function brokenRule(file, specifier) {
  if (!specifier.startsWith('.')) return undefined;
  const target = posix.join(posix.dirname(file), specifier);
  const [area, folder, ...rest] = file.split('/');
  const [targetArea, targetFolder, ...targetRest] = target.split('/');
  const targetsRootFile = targetArea === 'src' && targetRest.length === 0;

  if (area !== 'src') {
    const allowed = area === undefined ? undefined : OUTSIDE[area];
    if (allowed === undefined || targetArea !== 'src' || targetsRootFile) return undefined;
    if (allowed.includes(targetFolder ?? '') || file.startsWith(NOT_SHIPPED)) return undefined;
    if (area === 'ui' && SHARED_WITH_UI.includes(target)) return undefined;
    return `${area}/ may import only ${allowed.join(' and ')} of src/, not ${targetFolder}`;
  }
  if (target === 'package.json' && rest.length === 0) return undefined;
  // Tests start real programs, as those outside of src/ do.
  if (/\.test(?:-support)?\.ts$/.test(file) && target.startsWith('scripts/support/')) return undefined;
  if (targetArea !== 'src') return `src/ imports nothing from outside itself, but this is ${target}`;
  if (targetsRootFile) return undefined;
  if (rest.length === 0) return `files in src/ itself import no folder, but this is ${targetFolder}`;
  for (const name of [folder, targetFolder]) {
    if (!ORDER.includes(name ?? '')) return `the folder ${name} is not in the order (${ORDER.join(' < ')})`;
  }
  if (mayImport(folder ?? '', targetFolder ?? '')) return undefined;
  const only = ONLY[folder ?? ''];
  return only
    ? `${folder} may import only ${only.join(' and ')}, not ${targetFolder}`
    : `${folder} may not import ${targetFolder}, which comes after it (${ORDER.join(' < ')})`;
}

/** @param {string} folder @returns {string[]} */
function sourceFiles(folder) {
  try {
    return readdirSync(folder, { withFileTypes: true })
      .filter(({ name }) => name !== 'node_modules' && name !== 'dist')
      .flatMap((entry) => {
        const path = join(folder, entry.name);
        if (entry.isDirectory()) return sourceFiles(path);
        return /\.[cm]?[jt]sx?$/.test(entry.name) ? [path] : [];
      });
  } catch {
    return [];
  }
}

/** All broken rules of the checkout, one line each: "file:line: rule". */
export function brokenImports(root = inRoot()) {
  return ['src', ...Object.keys(OUTSIDE)]
    .flatMap((area) => sourceFiles(join(root, area)))
    .flatMap((path) => {
      const file = relative(root, path).split(sep).join('/');
      return importsOf(readFileSync(path, 'utf8')).flatMap(({ line, specifier }) => {
        const rule = brokenRule(file, specifier);
        return rule === undefined ? [] : [`${file}:${line}: ${rule}`];
      });
    });
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const broken = brokenImports();
  for (const line of broken) process.stdout.write(`${line}\n`);
  if (broken.length > 0) process.exitCode = 1;
}
