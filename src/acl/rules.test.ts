import { describe, expect, test } from 'vitest';
import { MANAGEMENT_POLICY } from './builtin.ts';
import { parseRules, translateLegacyRules } from './rules.ts';

describe('rules of a policy', () => {
  test('names, prefixes and single things', () => {
    expect(
      parseRules('key "a" { policy = "list" } node_prefix "" { policy = "read" } operator = "deny"'),
    ).toEqual([
      { resource: 'key', segment: 'a', isPrefix: false, access: 'list' },
      { resource: 'node', segment: '', isPrefix: true, access: 'read' },
      { resource: 'operator', segment: '', isPrefix: false, access: 'deny' },
    ]);
  });

  test('the same as JSON, also with lists', () => {
    const json = {
      key_prefix: { 'a/': { policy: 'write' }, '': { policy: 'read' } },
      service: [{ web: { policy: 'write', intentions: 'read' } }],
      acl: 'read',
    };
    expect(parseRules(JSON.stringify(json))).toEqual([
      { resource: 'key', segment: 'a/', isPrefix: true, access: 'write' },
      { resource: 'key', segment: '', isPrefix: true, access: 'read' },
      { resource: 'service', segment: 'web', isPrefix: false, access: 'write' },
      { resource: 'acl', segment: '', isPrefix: false, access: 'read' },
    ]);
  });

  test('the builtin policy can be read, and unknown kinds are passed over', () => {
    expect(parseRules(MANAGEMENT_POLICY.rules)).toHaveLength(10);
    expect(parseRules('')).toEqual([]);
    expect(parseRules('mesh = "write" unknown "x" { policy = "what" }')).toEqual([]);
  });

  test('in any case, as HCL names fields', () => {
    expect(parseRules('KEY_Prefix "A/" { Policy = "Deny" } OPERATOR = "Read"')).toEqual([
      { resource: 'key', segment: 'A/', isPrefix: true, access: 'deny' },
      { resource: 'operator', segment: '', isPrefix: false, access: 'read' },
    ]);
    expect(parseRules('{"Key": {"b": {"POLICY": "LIST"}}}')).toEqual([
      { resource: 'key', segment: 'b', isPrefix: false, access: 'list' },
    ]);
    expect(parseRules('service "s" { policy = "read" Intentions = "Write" }')).toHaveLength(1);
  });

  test('of several rules for one thing the last counts', () => {
    expect(parseRules('operator = "write" acl = "read" operator = "read"')).toEqual([
      { resource: 'acl', segment: '', isPrefix: false, access: 'read' },
      { resource: 'operator', segment: '', isPrefix: false, access: 'read' },
    ]);
    expect(parseRules('key "a" { policy = "write" } key "a" { policy = "deny" }')).toHaveLength(2);
  });

  test.each([
    ['key "a" "b" { policy = "write" }', /^Invalid key policy: &acl\.KeyRule\{Prefix:"a", Policy:""/],
    ['nonsense {', 'Failed to parse ACL rules: At 1:11: object expected closing RBRACE got: EOF'],
    ['acl = "nope"', 'Invalid acl policy: "nope"'],
    ['node "n" { policy = "list" }', /^Invalid node policy: &acl\.NodeRule\{Name:"n", Policy:"list"/],
    ['key_prefix "" {}', /^Invalid key_prefix policy: &acl\.KeyRule\{Prefix:"", Policy:""/],
    [
      'query "q" { policy = "LIST" }',
      /^Invalid query policy: &acl\.PreparedQueryRule\{Prefix:"q", Policy:"LIST"/,
    ],
    ['service "s" { policy = "read" intentions = "x" }', /^Invalid service intentions policy/],
    ['{"key": "read"}', /^Failed to parse ACL rules/],
  ])('%s is refused', (rules, message) => {
    expect(() => parseRules(rules)).toThrow(message);
  });
});

test('legacy rules become prefixes, laid out as HCL’s formatter does it', () => {
  expect(translateLegacyRules('{"key":{"":{"policy":"read"},"a":{"policy":"write"}},"acl":"read"}')).toBe(
    'key_prefix "" {\n  policy = "read"\n}\n\nkey_prefix "a" {\n  policy = "write"\n}\n\n"acl" = "read"',
  );
  expect(translateLegacyRules('operator = "read"')).toBe('operator = "read"');
  expect(() => translateLegacyRules('key {')).toThrow(/At 1:6/);
});
