// @ts-check
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { ARTIFACTS } from '../scripts/support/paths.mjs';
import { say } from '../scripts/support/say.mjs';

/**
 * Reads `--name value` for the names that have a default.
 * @param {string[]} argv
 * @param {Record<string, string>} defaults
 * @returns {Record<string, string>}
 */
export function options(argv, defaults) {
  const known = Object.fromEntries(
    Object.entries(defaults).map(([name, value]) => [
      name,
      { type: /** @type {const} */ ('string'), default: value },
    ]),
  );
  return /** @type {Record<string, string>} */ (parseArgs({ args: argv, options: known }).values);
}

/** @param {Record<string, string>} chosen @param {string} name */
export function numberOption(chosen, name) {
  const value = Number(chosen[name]);
  if (!(value > 0)) throw new Error(`--${name} takes a number above 0, not ${chosen[name]}`);
  return value;
}

/**
 * The kinds of load that were chosen with `--kinds`, in that order.
 * @param {Record<string, string>} chosen
 * @param {Record<string, unknown>} known by name
 */
export function kindsOption(chosen, known) {
  const kinds = (chosen.kinds ?? '').split(',').map((one) => one.trim());
  const unknown = kinds.find((kind) => !(kind in known));
  if (unknown !== undefined) throw new Error(`no kind ${unknown}; known: ${Object.keys(known).join(', ')}`);
  return kinds;
}

/** Keeps the figures of a run as artifacts/bench-NAME.json. @param {string} name @param {unknown} figures */
export function keep(name, figures) {
  mkdirSync(ARTIFACTS, { recursive: true });
  const path = join(ARTIFACTS, `bench-${name}.json`);
  writeFileSync(path, `${JSON.stringify(figures, null, 2)}\n`);
  say('bench', `kept in ${path}`);
}
