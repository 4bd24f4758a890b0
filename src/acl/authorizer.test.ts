import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ALLOW_ALL, compile, type Wanted } from './authorizer.ts';
import { type Access, NAMED_RESOURCES, parseRules, type Rule } from './rules.ts';

const compiled = (text: string, otherwise: 'allow' | 'deny' = 'deny') => compile(parseRules(text), otherwise);

describe('what rules allow', () => {
  test('an exact name comes before a prefix, and the longest prefix before the others', () => {
    const may = compiled(`
      key_prefix "a" { policy = "read" }
      key_prefix "a/b" { policy = "write" }
      key "a/b/c" { policy = "deny" }
    `);
    expect(may.allows('key', 'read', 'a/x')).toBe(true);
    expect(may.allows('key', 'write', 'a/x')).toBe(false);
    expect(may.allows('key', 'write', 'a/b/d')).toBe(true);
    expect(may.allows('key', 'read', 'a/b/c')).toBe(false);
    expect(may.allows('key', 'read', 'b')).toBe(false);
  });

  test('of several policies about one name the denial counts, then the one that grants most', () => {
    const both = (a: Access, b: Access) =>
      compiled(`key "k" { policy = "${a}" } key "k" { policy = "${b}" }`);
    expect(both('write', 'deny').allows('key', 'read', 'k')).toBe(false);
    expect(both('read', 'write').allows('key', 'write', 'k')).toBe(true);
    expect(both('read', 'list').allows('key', 'list', 'k')).toBe(true);
  });

  test('writing below a prefix needs it for all that is there', () => {
    const may = compiled('key_prefix "a/" { policy = "write" } key "a/x/no" { policy = "read" }');
    expect(may.allowsBelow('key', 'write', 'a/')).toBe(false);
    expect(may.allowsBelow('key', 'write', 'a/y')).toBe(true);
    expect(may.allowsBelow('key', 'write', 'a/x/no')).toBe(false);
    expect(may.allowsBelow('key', 'write', '')).toBe(false);
    expect(compiled('', 'allow').allowsBelow('key', 'write', '')).toBe(true);
    expect(compiled('key "z" { policy = "read" }', 'allow').allowsBelow('key', 'write', '')).toBe(false);
  });

  test('seeing all needs that nothing is hidden', () => {
    expect(compiled('service_prefix "" { policy = "read" }').allowsBelow('service', 'read', '')).toBe(true);
    const hidden = compiled('service_prefix "" { policy = "read" } service "db" { policy = "deny" }');
    expect(hidden.allowsBelow('service', 'read', '')).toBe(false);
    expect(compiled('service "web" { policy = "read" }').allowsBelow('service', 'read', '')).toBe(false);
  });

  test('who may do everything by default may not manage tokens', () => {
    const may = compiled('', 'allow');
    expect(may.allows('node', 'write', 'n')).toBe(true);
    expect(may.allows('operator', 'write')).toBe(true);
    expect(may.allows('acl', 'read')).toBe(false);
    expect(ALLOW_ALL.allows('acl', 'write')).toBe(true);
  });
});

// --- against a model that looks at all rules one by one

const ACCESSES = ['deny', 'read', 'list', 'write'] as const;
const segment = fc.string({ unit: fc.constantFrom('a', 'b', '/'), maxLength: 4 });
const rule: fc.Arbitrary<Rule> = fc.record({
  resource: fc.constantFrom(...NAMED_RESOURCES.slice(0, 3)),
  segment,
  isPrefix: fc.boolean(),
  access: fc.constantFrom(...ACCESSES),
});

/** All accesses that the best-matching rules name; the strictest reading of them. */
function modelAccess(rules: readonly Rule[], resource: string, name: string): Access | undefined {
  const own = rules.filter((one) => one.resource === resource);
  const exact = own.filter((one) => !one.isPrefix && one.segment === name);
  const prefixes = own.filter((one) => one.isPrefix && name.startsWith(one.segment));
  const longest = Math.max(...prefixes.map((one) => one.segment.length));
  const best = exact.length > 0 ? exact : prefixes.filter((one) => one.segment.length === longest);
  const named = new Set(best.map(({ access }) => access));
  return (['deny', 'write', 'list', 'read'] as const).find((access) => named.has(access));
}

const GRANTED: Record<Access, readonly Wanted[]> = {
  deny: [],
  read: ['read'],
  list: ['read', 'list'],
  write: ['read', 'list', 'write'],
};

test('compiled rules say what the model says', () => {
  fc.assert(
    fc.property(fc.array(rule), segment, fc.constantFrom('allow', 'deny'), (rules, name, otherwise) => {
      const may = compile(rules, otherwise);
      for (const resource of NAMED_RESOURCES.slice(0, 3)) {
        const access = modelAccess(rules, resource, name);
        for (const wanted of ['read', 'list', 'write'] as const) {
          const expected = access === undefined ? otherwise === 'allow' : GRANTED[access].includes(wanted);
          expect(may.allows(resource, wanted, name)).toBe(expected);
        }
      }
    }),
  );
});

test('what may be written below a prefix may be written key by key', () => {
  fc.assert(
    fc.property(
      fc.array(rule),
      segment,
      segment,
      fc.constantFrom('allow', 'deny'),
      (rules, prefix, rest, otherwise) => {
        const may = compile(rules, otherwise);
        if (may.allowsBelow('key', 'write', prefix))
          expect(may.allows('key', 'write', prefix + rest)).toBe(true);
      },
    ),
  );
});
