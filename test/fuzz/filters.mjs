// @ts-check
// Expressions for `?filter=`.
import { word } from './words.mjs';

/** @typedef {import('./random.mjs').Random} Random */

const SELECTORS = ['Node', 'ID', 'Address', 'Meta', 'Meta.rack', 'Meta.__proto__', 'Meta["a b"]', 'ServiceID']
  .concat([
    'ServiceName',
    'ServiceTags',
    'ServicePort',
    'ServiceMeta.constructor',
    'Service.Tags',
    'Service.Port',
  ])
  .concat([
    'Service.Meta.env',
    'Checks',
    'Checks.Status',
    'Checks.Node',
    'Status',
    'Output',
    'Tags',
    'Port',
    'Service',
  ])
  .concat([
    'TaggedAddresses.lan.Port',
    'Weights.Passing',
    '__proto__',
    'constructor.name',
    'toString',
    'Nope',
    '0',
  ]);

/** The last ones take other engines an age. */
const PATTERNS = [
  '^web',
  'a|b',
  '(?i)WEB',
  '\\pL',
  '[[:alpha:]]',
  '[^\\d\\s]',
  '\\Qa.b\\E',
  '.{0,1000}',
  '',
  '\\b',
]
  .concat([
    '(',
    ')',
    '[',
    '[z-a]',
    'a**',
    '(?<=a)b',
    '\\1',
    '(?P<n>a',
    'a{2,1}',
    'a{1001}',
    '\\',
    '(?z)',
    '\\p{Nope}',
  ])
  .concat(['(a+)+$', '(a|a)*b', '(.*)*=', '(a?){500}a{500}', '((a{1,100}){1,10}){1,10}', '(x+x+)+y'])
  .concat([
    '('.repeat(300) + ')'.repeat(300),
    '(?:'.repeat(5_000),
    '[a'.repeat(500),
    `${'a?'.repeat(900)}${'a'.repeat(900)}`,
  ]);

const OPERATORS = ['==', '!=', 'contains', 'not contains', 'matches', 'not matches', 'is', '=', '~', '<'];

/** @param {Random} random @param {number} [depth] @returns {string} */
export function filter(random, depth = 0) {
  if (random.chance(0.04)) {
    const deep = random.pick([50, 199, 201, 3_000]);
    return random.pick([
      `${'('.repeat(deep)}Node == n0${')'.repeat(deep)}`,
      `${'not '.repeat(deep)}Node == n0`,
      `${'Node == n0 and '.repeat(deep)}Node == n0`,
      `Node${'.a'.repeat(deep)} == x`,
      `Node == "${'\\\\'.repeat(deep)}"`,
    ]);
  }
  if (depth < 5 && random.chance(0.45)) {
    const [left, right] = [filter(random, depth + 1), filter(random, depth + 1)];
    return random.pick([
      `${left} and ${right}`,
      `${left} or ${right}`,
      `(${left})`,
      `not ${left}`,
      `not (${left}`,
    ]);
  }
  const selector = random.pick(SELECTORS);
  if (random.chance(0.15)) return `${selector} is ${random.pick(['', 'not '])}empty`;
  if (random.chance(0.15)) return `${value(random)} ${random.pick(['in', 'not in'])} ${selector}`;
  const operator = random.pick(OPERATORS);
  if (operator.endsWith('matches')) return `${selector} ${operator} ${JSON.stringify(random.pick(PATTERNS))}`;
  return `${selector} ${operator} ${value(random)}`;
}

/** @param {Random} random */
function value(random) {
  const text = word(random, random.pick(['node', 'service', 'status', '']));
  return random.pick([JSON.stringify(text), `\`${text}\``, text, String(random.below(100_000))]);
}
