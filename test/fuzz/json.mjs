// @ts-check
// JSON bodies: what a schema describes, with things in it that it does not.
import { mutated } from './random.mjs';
import { ODD, word } from './words.mjs';

/** @typedef {import('./random.mjs').Random} Random */

/**
 * As much of JSON Schema as the API's description uses.
 * @typedef {{ type?: string, properties?: Record<string, Schema>, items?: Schema, additionalProperties?: Schema | boolean, anyOf?: Schema[], oneOf?: Schema[], contentEncoding?: string }} Schema
 */

const NUMBERS = [
  '0',
  '1',
  '-1',
  '8080',
  '65535',
  '65536',
  '2147483648',
  '9007199254740993',
  '1.5',
  '-0',
  '1e2',
]
  .concat([
    '18446744073709551615',
    '18446744073709551616',
    '-9223372036854775809',
    '1e400',
    '-1e400',
    '5e-324',
  ])
  .concat(['9'.repeat(1_000), '01', '0x1', '1.', '.5', '+1', '1_000', 'NaN', 'Infinity']);

const ODD_VALUES = [
  'null',
  'true',
  '[]',
  '{}',
  '""',
  '"\\ud800"',
  '"\\u0000"',
  '"\\x"',
  '"\t"',
  '{"__proto__":{"polluted":"yes"}}',
  '{"__proto__":"yes","constructor":"x","toString":"y"}',
  '{"a":1,"a":2}',
  `${'['.repeat(900)}${']'.repeat(900)}`,
  '['.repeat(20_000),
  '{"a":'.repeat(5_000),
  `${'{"a":'.repeat(990)}1${'}'.repeat(990)}`,
  'tru',
  "'x'",
  '/* */1',
  '\u00a01',
];

/** A JSON text as it is, or with \u escapes for all. @param {Random} random @param {string} text */
function quote(random, text) {
  if (random.chance(0.95)) return JSON.stringify(text);
  return `"${[...text].map((char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`).join('')}"`;
}

/**
 * @param {Random} random
 * @param {Schema} schema
 * @param {{ name?: string, targets: boolean, tidy: boolean }} place name of the field that it stands in
 * @returns {string}
 */
function jsonFor(random, schema, place) {
  if (!place.tidy && random.chance(0.015)) return random.pick(ODD_VALUES);
  if (!place.tidy && random.chance(0.01)) return random.pick(NUMBERS);
  const choice = schema.anyOf ?? schema.oneOf;
  if (choice !== undefined) return jsonFor(random, random.pick(choice), place);
  switch (schema.type) {
    case 'object':
      return objectFor(random, schema, place);
    case 'array': {
      const count = random.chance(0.005) ? 200 : random.below(4);
      return `[${random.times(count, () => jsonFor(random, schema.items ?? {}, place)).join(',')}]`;
    }
    case 'string':
      return quote(random, word(random, place.name, place));
    case 'integer':
    case 'number':
      return place.tidy || random.chance(0.7) ? String(random.below(100)) : random.pick(NUMBERS);
    case 'boolean':
      return random.pick(['true', 'false']);
    default:
      return random.pick(ODD_VALUES);
  }
}

/** @param {Random} random @param {Schema} schema @param {{ name?: string, targets: boolean, tidy: boolean }} place */
function objectFor(random, { properties = {}, additionalProperties }, place) {
  /** @type {string[]} */
  const members = [];
  const often = random.pick(place.tidy ? [0.05, 0.15] : [0.15, 0.4, 0.9]);
  for (const [name, inner] of Object.entries(properties)) {
    if (!random.chance(IMPORTANT.has(name) ? 0.95 : often)) continue;
    const written = random.chance(0.03) ? name.toLowerCase() : name;
    members.push(`${JSON.stringify(written)}:${jsonFor(random, inner, { ...place, name })}`);
  }
  if (typeof additionalProperties === 'object') {
    for (let left = random.below(4); left > 0; left--) {
      const name = random.chance(0.5)
        ? random.pick(['rack', 'env', 'lan', 'wan', '__proto__', 'constructor'])
        : random.pick(ODD);
      members.push(`${quote(random, name)}:${jsonFor(random, additionalProperties, { ...place, name })}`);
    }
  }
  if (!place.tidy && random.chance(0.02))
    members.push(`${quote(random, random.pick(ODD))}:${random.pick(ODD_VALUES)}`);
  return `{${members.join(random.chance(0.02) ? ' , ' : ',')}}`;
}

/** Without these nothing gets further than the first check. */
const IMPORTANT = new Set(['Node', 'Address', 'Service', 'Name', 'Verb', 'Key', 'Interval', 'Timeout']);

/** A body for a schema, sometimes with broken bytes. @param {Random} random @param {Schema} schema @returns {Buffer} */
export function bodyFor(random, schema) {
  const broken = random.chance(0.1);
  const text = jsonFor(random, schema, { targets: !broken, tidy: random.chance(0.5) });
  return broken ? mutated(random, Buffer.from(text)) : Buffer.from(text);
}
