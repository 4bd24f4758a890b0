// @ts-check
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { ARTIFACTS } from '../scripts/support/paths.mjs';
import { say, UsageFailure } from '../scripts/support/say.mjs';

/** Thrown where a measurement would begin, when its options are asked for instead. */
export class OptionsAsked extends Error {
  /** @param {Record<string, string>} defaults */
  constructor(defaults) {
    super('its options were asked for');
    this.defaults = defaults;
  }
}

/** @param {string[]} argv */
export const asksForHelp = (argv) => argv.some((word) => /^--?h(elp)?$/.test(word));

/**
 * Reads `--name value` for the names that have a default. Has to come before anything else is done: throws `OptionsAsked` for
 * `--help`, and `UsageFailure`.
 * @param {string[]} argv
 * @param {Record<string, string>} defaults
 * @returns {Record<string, string>}
 */
export function options(argv, defaults) {
  if (asksForHelp(argv)) throw new OptionsAsked(defaults);
  const known = Object.fromEntries(
    Object.keys(defaults).map((name) => [name, { type: /** @type {const} */ ('string') }]),
  );
  const { tokens } = parseArgs({ args: argv, options: known, strict: false, tokens: true });
  const chosen = { ...defaults };
  const names = Object.keys(defaults)
    .map((name) => `--${name}`)
    .join(' ');
  for (const token of tokens) {
    if (token.kind === 'option-terminator') continue;
    if (token.kind === 'positional')
      throw new UsageFailure(`"${token.value}" belongs to no option; there are ${names}`);
    if (!Object.hasOwn(defaults, token.name))
      throw new UsageFailure(`there is no option ${token.rawName}; there are ${names}`);
    if (token.value === undefined) throw new UsageFailure(`${token.rawName} needs a value`);
    chosen[token.name] = token.value;
  }
  return chosen;
}

/** @param {Record<string, string>} chosen @param {string} name */
export function numberOption(chosen, name) {
  const value = Number(chosen[name]);
  if (!(value > 0)) throw new UsageFailure(`--${name} takes a number above 0, not ${chosen[name]}`);
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
  if (unknown !== undefined)
    throw new UsageFailure(`no kind ${unknown}; known: ${Object.keys(known).join(', ')}`);
  return kinds;
}

/** Keeps the figures of a run as artifacts/bench-NAME.json. @param {string} name @param {unknown} figures */
export function keep(name, figures) {
  mkdirSync(ARTIFACTS, { recursive: true });
  const path = join(ARTIFACTS, `bench-${name}.json`);
  writeFileSync(path, `${JSON.stringify(figures, null, 2)}\n`);
  say('bench', `kept in ${path}`);
}
