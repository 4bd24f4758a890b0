// @ts-check
// Templates that nobody would write, with every function there is: each has to become a text or an error with its place.
import { importSources } from '../../scripts/support/bundle.mjs';
import { mutated, Random } from './random.mjs';

/** What a template may do here: enough to be odd, not enough to take long. */
const LIMITS = { depth: 50, output: 200_000, iterations: 20_000 };
/** A template that takes so long hangs, in ms of its own: a busy machine may have others go on meanwhile. */
const HANGS = 20_000;
/** Bound on memory of the whole process. */
const MAX_RSS = 1_500_000_000;

/** @typedef {{ number: number, why: string, text: string }} Finding */

const WORDS = [
  '',
  'a',
  'web',
  'v1.web@dc1|passing',
  'a=1',
  '/tmp/none',
  '{"a":[1,{"b":null}]}',
  'a: [1, 2]',
  'x = 1',
]
  .concat([
    'a,b,,c',
    '10.0.0.1/8',
    '%d%v%!%',
    '[a-z]+',
    '(',
    '\\d',
    '2006-01-02',
    '1h30m',
    'YWJj',
    'é\u{1F600}',
    '\\u0000',
  ])
  .concat([
    '__proto__',
    'constructor',
    'Node',
    '-1',
    '1e400',
    '0x7f',
    '{{.}}',
    't',
    'sum',
    'a'.repeat(2_000),
  ]);
const NUMBERS = [
  '0',
  '1',
  '-1',
  '2',
  '10',
  '9223372036854775807',
  '-9223372036854775808',
  '1.5',
  '-0.0',
  '1e308',
  '0x10',
];
const OTHERS = [
  'true',
  'false',
  'nil',
  "'x'",
  '.',
  '$',
  '.list',
  '.map',
  '.f',
  '.nope',
  '.list.x',
  '$v',
  '(.list)',
];

/** @param {Random} random @param {readonly string[]} names @param {number} depth @returns {string} */
function operand(random, names, depth) {
  if (depth < 3 && random.chance(0.25)) return `(${pipeline(random, names, depth + 1)})`;
  const kind = random.below(10);
  if (kind < 4) return quoted(random, random.pick(WORDS));
  return kind < 7 ? random.pick(NUMBERS) : random.pick(OTHERS);
}

/** @param {Random} random @param {string} word */
function quoted(random, word) {
  return random.chance(0.2) && !word.includes('`') ? `\`${word}\`` : JSON.stringify(word);
}

/** @param {Random} random @param {readonly string[]} names @param {number} depth @returns {string} */
function command(random, names, depth) {
  const args = random.times(random.pick([0, 1, 1, 1, 2, 2, 2, 3, 4]), () => operand(random, names, depth));
  return [random.pick(names), ...args].join(' ');
}

/** @param {Random} random @param {readonly string[]} names @param {number} depth @returns {string} */
function pipeline(random, names, depth) {
  const first = random.chance(0.3) ? operand(random, names, depth) : command(random, names, depth);
  const others = random.times(random.pick([0, 0, 0, 1, 2]), () => command(random, names, depth));
  return [first, ...others].join(' | ');
}

/** @param {Random} random @param {readonly string[]} names @param {number} [depth] @returns {string} */
function piece(random, names, depth = 0) {
  const inside = () => random.times(random.below(3), () => piece(random, names, depth + 1)).join('');
  const value = () => pipeline(random, names, 0);
  const [open, close] = [random.pick(['{{', '{{', '{{- ']), random.pick(['}}', '}}', ' -}}'])];
  const block = (/** @type {string} */ head) =>
    `${open}${head}${close}${inside()}${random.chance(0.3) ? `{{else}}${inside()}` : ''}{{end}}`;
  const kind = depth > 3 ? 0 : random.below(12);
  if (kind < 5) return `${open}${value()}${close}`;
  if (kind === 5) return block(`if ${value()}`);
  if (kind === 6) return block(`range $v := ${value()}`);
  if (kind === 7) return block(`with $v := ${value()}`);
  if (kind === 8) return block(`range $k, $v := ${value()}`);
  if (kind === 9 && depth === 0)
    return `{{define "t"}}${inside()}{{end}}{{template "t" ${operand(random, names, 2)}}}`;
  if (kind === 10) return `{{$v := ${value()}}}{{$v}}`;
  return random.pick([
    ' text ',
    '\n',
    '{{/* c */}}',
    '{{range 3}}{{if .}}{{break}}{{end}}{{continue}}{{end}}',
    '{{executeTemplate "t" .}}',
  ]);
}

/** The template of a number: the same for the same seed. @param {number} seed @param {number} number @param {readonly string[]} names */
export function templateOf(seed, number, names) {
  const random = new Random(seed, number);
  const text = `{{$v := 1}}${random.times(1 + random.below(3), () => piece(random, names)).join('')}`;
  return random.chance(0.15) ? mutated(random, Buffer.from(text)).toString('utf8') : text;
}

const SOURCES = `
export { functionsFor, SECTIONS, REFUSED } from './src/template/functions/table.ts';
export { HealthService, listOf, Weights } from './src/template/dependencies/values.ts';
export { fn, ANY, INT, Template, TemplateError } from './src/template/language/index.ts';`;

/**
 * Renders until `count` templates were tried or `seconds` are over; stops at the first finding.
 * @param {{ seed: number, from?: number, count?: number, seconds?: number }} options
 */
export async function fuzzTemplates({ seed, from = 0, count = Infinity, seconds = Infinity }) {
  const began = performance.now();
  const parts = await importSources('fuzz-templates', SOURCES);
  const { functionsFor, SECTIONS, REFUSED, fn, ANY, INT, Template, TemplateError } = parts;
  const sections = Object.values(SECTIONS).flatMap((group) => Object.keys(group));
  // One of those that are refused is as good as all of them.
  const names = [...sections, ...Object.keys(REFUSED).slice(0, 1)].sort();
  const instances = instancesOf(parts);
  const data = new Map(
    /** @type {[unknown, unknown][]} */ ([
      ['list', [1n, 'two', 3.5, null, instances]],
      ['map', new Map(/** @type {[unknown, unknown][]} */ ([['k', 'v']]))],
      ['f', fn([INT], ANY, (/** @type {bigint} */ value) => value)],
    ]),
  );
  /** @type {Record<string, number>} */
  const counts = { rendered: 0, refused: 0 };
  /** @type {Finding[]} */
  const findings = [];
  /** @type {any} */
  let template;
  const functions = functionsFor(surroundings(instances, (name, dot) => template.execute(dot, name)));
  let sent = 0;
  for (; sent < count && findings.length === 0; sent++) {
    if (performance.now() - began > seconds * 1_000) break;
    const number = from + sent;
    const text = templateOf(seed, number, names);
    const found = (/** @type {string} */ why) => findings.push({ number, why, text });
    const since = process.cpuUsage();
    try {
      template = new Template('t', text, { functions, limits: LIMITS, missingKey: 'zero' });
      const output = template.execute(data);
      if (typeof output !== 'string') found(`it became ${typeof output}`);
      counts.rendered = (counts.rendered ?? 0) + 1;
    } catch (/** @type {any} */ error) {
      counts.refused = (counts.refused ?? 0) + 1;
      if (!(error instanceof TemplateError))
        found(`failed with ${error instanceof Error ? error.stack : error}`);
      else if (!(error.line > 0 && error.column > 0)) found(`an error without a place: ${error.message}`);
    }
    const { user, system } = process.cpuUsage(since);
    if (user + system > HANGS * 1_000) found(`took ${Math.round((user + system) / 1_000)} ms`);
    if (sent % 100 === 0 && process.memoryUsage.rss() > MAX_RSS)
      found(`holds ${Math.round(process.memoryUsage.rss() / 1e6)} MB`);
  }
  return { seed, sent, counts, findings, seconds: (performance.now() - began) / 1_000 };
}

/** @param {any} parts */
function instancesOf({ HealthService, listOf, Weights }) {
  const empty = () => new Map();
  const instance = (/** @type {number} */ i) =>
    new HealthService({
      Node: `n${i}`,
      NodeID: '',
      NodeAddress: '10.0.0.1',
      NodeTaggedAddresses: empty(),
      NodeMeta: empty(),
      ServiceMeta: new Map([['rack', 'é']]),
      Address: '10.0.0.1',
      ServiceTaggedAddresses: empty(),
      ID: `web-${i}`,
      Name: 'web',
      Tags: ['v1', 'a=1'],
      Checks: [],
      Status: 'passing',
      Port: BigInt(8000 + i),
      Weights: new Weights({ Passing: 1n, Warning: 1n }),
    });
  return listOf(HealthService, [instance(1), instance(2)]);
}

/**
 * Nothing outside is read or written.
 * @param {unknown} instances @param {(name: string, data: unknown) => string} execute
 */
function surroundings(instances, execute) {
  const values = /** @type {Record<string, unknown>} */ ({ service: instances, key: 'value', file: 'text' });
  return {
    recall: (/** @type {{ kind: string }} */ { kind }) => values[kind],
    lack() {},
    environment: () => 'value',
    now: () => 0,
    random: () => 0.5,
    sandbox: '',
    execute,
    write() {},
    scratch: new Map(),
  };
}
