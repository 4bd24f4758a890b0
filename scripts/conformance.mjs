#!/usr/bin/env node
// @ts-check
// npm run conformance -- SUITE [arguments of its runner]   one suite; prints its last line
// npm run conformance -- --baseline [SUITE …]              fails if a case that passed before does not any more
// npm run conformance -- --update [SUITE …]                writes down what passes today
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { setup } from './setup.mjs';
import { ARTIFACTS, inRoot } from './support/paths.mjs';
import { runToEnd, stopAllWithUs } from './support/processes.mjs';
import { run, say, seconds } from './support/say.mjs';
import { NotHere, SUITES } from './support/suites.mjs';

const BASELINE = inRoot('test', 'conformance.baseline.json');

/** Longer than any runner takes: one that hangs is ended, and what it said until then is kept. */
const AT_MOST_MS = 10 * 60_000;

/** `ended`: what is tested ended before the suite did. @typedef {{ passed: string[], failed: string[], last: string, output: string, ended: boolean }} Outcome */

/** @returns {Record<string, string[]>} suite → names of the cases that pass */
function readBaseline() {
  try {
    return JSON.parse(readFileSync(BASELINE, 'utf8'));
  } catch (error) {
    if (/** @type {NodeJS.ErrnoException} */ (error).code === 'ENOENT') return {};
    throw error;
  }
}

/**
 * The cases that a runner named. Each has its own line: "ok    name" or "FAIL  name", with the time in brackets or
 * the level behind it.
 * @param {string} output
 * @param {'ok' | 'FAIL'} word
 */
export function namesOf(output, word) {
  return [...output.matchAll(word === 'ok' ? /^ok\s+(.+)$/gm : /^FAIL\s+(.+)$/gm)].map(([, name = '']) =>
    name.replace(/ \(\d+ ms\)$| \((?:must|should)\)$| — .*$/, ''),
  );
}

/**
 * Starts what a suite tests, runs the suite, stops it again.
 * @param {string} name
 * @param {string[]} args
 * @param {boolean} show print the runner's lines as they come
 * @returns {Promise<Outcome>} rejects with `NotHere` when this machine does not allow it
 */
async function runSuite(name, args, show) {
  const suite = SUITES[name];
  if (suite === undefined) throw new Error(`no suite ${name}`);
  const folder = mkdtempSync(join(tmpdir(), `muster-${name}-`));
  /** @type {import('./support/suites.mjs').Subject | undefined} */
  let subject;
  try {
    subject = await suite.subject(folder);
    const { output } = await runToEnd(
      process.execPath,
      [inRoot('test', 'conformance', suite.runner), ...subject.args, ...args],
      { show, ms: AT_MOST_MS },
    );
    const last = output.trimEnd().split('\n').at(-1) ?? '';
    const ended = subject.program !== undefined && !subject.program.running();
    const story = ended ? `\n--- it ended during the suite; its output:\n${subject.program?.output()}` : '';
    return {
      passed: namesOf(output, 'ok'),
      failed: namesOf(output, 'FAIL'),
      last,
      output: output + story,
      ended,
    };
  } finally {
    await subject?.program?.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

/**
 * The outcome of a suite, or undefined, and a word about it, when this machine does not allow what it tests.
 * @param {string} name
 * @param {Promise<Outcome>} running
 */
async function ifHere(name, running) {
  try {
    return await running;
  } catch (error) {
    if (!(error instanceof NotHere)) throw error;
    say('conformance', `${name}: skipped (${error.message})`);
    return undefined;
  }
}

/** @param {string} name */
function unknownSuite(name) {
  const known = Object.entries(SUITES).map(([suite, { about }]) => `  ${suite.padEnd(15)} ${about}\n`);
  process.stderr.write(`conformance: no suite ${name}. Known are\n${known.join('')}`);
  return 2;
}

/**
 * The arguments for the parts in which a suite is run; of one that is run whole, none.
 * @param {import('./support/suites.mjs').Suite} suite
 * @param {string} folder for the folders of the parts
 */
function partsOf({ cases, verbose }, folder) {
  // Its name says which cases: they may all be in one part.
  if (cases === undefined || verbose.includes('--only')) return [[]];
  const from = inRoot('test', 'conformance', cases);
  return [0, 1].map((part) => {
    const into = join(folder, String(part));
    mkdirSync(into);
    const files = readdirSync(from).sort();
    for (const file of files.filter((_, at) => at % 2 === part))
      symlinkSync(join(from, file), join(into, file));
    return ['--cases', into];
  });
}

/** Suites and parts of suites at a time: each does one thing after the other, and waits more than it works; three kept two cores half busy. */
const AT_A_TIME = 6;

/**
 * Runs the suites of the baseline, and tells which cases do not pass any more.
 * @param {string[]} [only]
 */
export async function compareWithBaseline(only) {
  const order = Object.keys(SUITES);
  const waiting = Object.entries(readBaseline())
    .filter(([name, expected]) => expected.length > 0 && (only === undefined || only.includes(name)))
    .sort(([one], [other]) => order.indexOf(one) - order.indexOf(other));
  const count = { passed: 0, failed: 0 };
  const inTurn = queue(AT_A_TIME);
  const folder = mkdtempSync(join(tmpdir(), 'muster-parts-'));
  try {
    const running = waiting.map(async ([name, expected]) => {
      const suite = SUITES[name];
      if (suite === undefined) throw new Error(`${BASELINE} names a suite ${name}, which is not there`);
      const own = join(folder, name);
      mkdirSync(own);
      const { passed, failed } = await compareSuite(name, suite, expected, partsOf(suite, own), inTurn);
      count.passed += passed;
      count.failed += failed;
    });
    await Promise.all(running);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  return count;
}

/**
 * Begins what it is given in the order in which it is given, so many at a time.
 * @param {number} atATime
 */
function queue(atATime) {
  let free = atATime;
  /** @type {(() => void)[]} */
  const waiting = [];
  /** @template T @param {() => Promise<T>} begin @returns {Promise<T>} */
  return async (begin) => {
    if (free > 0) free--;
    else await new Promise((/** @type {(value?: undefined) => void} */ resolve) => waiting.push(resolve));
    try {
      return await begin();
    } finally {
      const next = waiting.shift();
      if (next === undefined) free++;
      else next();
    }
  };
}

/**
 * A case that fails gets a second attempt, with its part of the suite: some of them measure time, and the machine may be busy.
 * @param {string} name
 * @param {import('./support/suites.mjs').Suite} suite
 * @param {string[]} expected
 * @param {string[][]} parts their arguments
 * @param {ReturnType<typeof queue>} inTurn
 */
async function compareSuite(name, suite, expected, parts, inTurn) {
  const begin = Date.now();
  const runPart = (/** @type {string[]} */ args) =>
    inTurn(() => ifHere(name, runSuite(name, [...suite.verbose, ...args], false)));
  const outcomes = await Promise.all(parts.map(runPart));
  const first = outcomes.filter((one) => one !== undefined);
  if (first.length === 0) return { passed: 0, failed: 0 };
  keepOutput(name, first.map(({ output }) => output).join('\n'));
  const now = new Set(first.flatMap(({ passed }) => passed));
  let missing = expected.filter((one) => !now.has(one));
  // No attempt makes up for that.
  const ends = first.filter(({ ended }) => ended).length;
  if (ends > 0) say('conformance', `${name}: WHAT IS TESTED ENDED during the suite, see ${outputOf(name)}`);
  if (missing.length > 0) {
    for (const one of missing) say('conformance', `${name}: not at the first attempt: ${one}`);
    const again = await Promise.all(parts.filter((_, at) => fellShort(outcomes[at])).map(runPart));
    const second = again.filter((one) => one !== undefined);
    keepOutput(`${name}-again`, second.map(({ output }) => output).join('\n'));
    const passed = new Set(second.flatMap((one) => one.passed));
    missing = missing.filter((one) => !passed.has(one));
  }
  for (const one of missing) say('conformance', `${name}: PASSED BEFORE, FAILS NOW: ${one}`);
  const known = new Set(expected);
  const fresh = [...now].filter((one) => !known.has(one)).length;
  say(
    'conformance',
    `${name}: ${first.map(({ last }) => last).join(' + ')}; ${expected.length - missing.length} of the ${expected.length} that passed before still do` +
      `${fresh > 0 ? `, ${fresh} new ones (--update writes them down)` : ''} (${seconds(Date.now() - begin)})`,
  );
  return { passed: expected.length - missing.length, failed: missing.length + ends };
}

/** Whether a case of it failed, or it was ended before its last one. @param {Outcome | undefined} outcome */
const fellShort = (outcome) =>
  outcome !== undefined && (outcome.failed.length > 0 || !/\d+ failed\b/.test(outcome.last));

/** @param {string} name */
const outputOf = (name) => join(ARTIFACTS, `conformance-${name}.log`);

/** @param {string} name @param {string} output */
function keepOutput(name, output) {
  mkdirSync(ARTIFACTS, { recursive: true });
  writeFileSync(outputOf(name), output);
}

/** @param {string[]} names */
async function updateBaseline(names) {
  const baseline = readBaseline();
  for (const name of names) {
    const suite = SUITES[name];
    if (suite === undefined) return unknownSuite(name);
    const first = await ifHere(name, runSuite(name, suite.verbose, false));
    if (first === undefined) continue;
    // Twice: what passes by luck is not written down.
    const second = await runSuite(name, suite.verbose, false);
    keepOutput(name, first.output);
    baseline[name] = first.passed.filter((one) => second.passed.includes(one)).sort();
    say('conformance', `${name}: ${first.last}, then ${second.last}; ${baseline[name]?.length} written down`);
    const sorted = Object.fromEntries(Object.entries(baseline).sort(([a], [b]) => (a < b ? -1 : 1)));
    writeFileSync(BASELINE, `${JSON.stringify(sorted, null, 2)}\n`);
  }
  return 0;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  await run(async () => {
    stopAllWithUs();
    const [first, ...rest] = process.argv.slice(2);
    if (first === undefined || first === '--help') return unknownSuite('given');
    await setup();
    if (first === '--baseline') {
      const { failed } = await compareWithBaseline(rest.length > 0 ? rest : undefined);
      return failed > 0 ? 1 : 0;
    }
    if (first === '--update') return updateBaseline(rest.length > 0 ? rest : Object.keys(SUITES));
    if (SUITES[first] === undefined) return unknownSuite(first);
    const outcome = await ifHere(first, runSuite(first, rest, true));
    if (outcome === undefined) return 0;
    keepOutput(first, outcome.output);
    return / 0 failed$/.test(outcome.last) ? 0 : 1;
  });
}
