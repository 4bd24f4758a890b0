import { MusterError } from '../errors.ts';
import { HclError, type HclItem, type HclValue, isHclBody, parseHcl } from '../lib/hcl.ts';
import { layOutHcl } from '../lib/hcl-layout.ts';

/** What a rule grants. "list" is for keys only: more than reading one, less than writing. */
export type Access = 'deny' | 'read' | 'list' | 'write';

/** What rules are about. The first ones are named by a segment, the others are one thing each. */
export const NAMED_RESOURCES = ['agent', 'event', 'key', 'node', 'query', 'service', 'session'] as const;
const SINGLE_RESOURCES = ['acl', 'keyring', 'operator'] as const;

export type NamedResource = (typeof NAMED_RESOURCES)[number];
export type SingleResource = (typeof SINGLE_RESOURCES)[number];
export type Resource = NamedResource | SingleResource;

/** One rule of a policy. */
export interface Rule {
  readonly resource: Resource;
  /** Name, or beginning of a name; "" for those of which there is one. */
  readonly segment: string;
  readonly isPrefix: boolean;
  readonly access: Access;
}

/** Consul's names of the rules' kinds and of the fields with the segment, for its words about a bad one. */
const STRUCTS: Readonly<Record<NamedResource, { name: string; field: string; more: string }>> = {
  agent: { name: 'AgentRule', field: 'Node', more: '' },
  event: { name: 'EventRule', field: 'Event', more: '' },
  key: { name: 'KeyRule', field: 'Prefix', more: ', EnterpriseRule:acl.EnterpriseRule{}' },
  node: { name: 'NodeRule', field: 'Name', more: ', EnterpriseRule:acl.EnterpriseRule{}' },
  query: { name: 'PreparedQueryRule', field: 'Prefix', more: '' },
  service: {
    name: 'ServiceRule',
    field: 'Name',
    more: ', Intentions:"", EnterpriseRule:acl.EnterpriseRule{}',
  },
  session: { name: 'SessionRule', field: 'Node', more: '' },
};

const PREFIX = '_prefix';

/** Rules of one policy; a policy with more is a mistake, and compiling takes time. */
const MAX_RULES = 10_000;

/**
 * Reads the rules of a policy, HCL or JSON. Throws `request.rejected` in Consul's words, with the place. What is no
 * rule is passed over, as in Consul; kinds, fields and accesses are read in any case, as there: a rule that denies
 * would be passed over otherwise.
 */
export function parseRules(text: string): Rule[] {
  const rules: Rule[] = [];
  for (const item of itemsOf(text)) {
    rules.push(...rulesOf(item));
    if (rules.length > MAX_RULES)
      throw refusal(`Failed to parse ACL rules: more than ${MAX_RULES} rules in one policy`);
  }
  return rules.filter(isInForce);
}

/** Of several rules for one thing the last counts. Of those with names all do: the strictest decides. */
function isInForce({ resource }: Rule, index: number, rules: readonly Rule[]): boolean {
  return !isSingle(resource) || index === rules.findLastIndex((rule) => rule.resource === resource);
}

/** The same for rules of before Consul 1.4: every name in them is the beginning of one. */
export function parseLegacyRules(text: string): Rule[] {
  return parseRules(text).flatMap((rule) => {
    if (isSingle(rule.resource)) return [rule];
    return rule.isPrefix ? [] : [{ ...rule, isPrefix: true }];
  });
}

function isSingle(kind: string): kind is SingleResource {
  return SINGLE_RESOURCES.some((resource) => resource === kind);
}

function refusal(message: string): MusterError {
  return new MusterError('request.rejected', message);
}

function itemsOf(text: string): readonly HclItem[] {
  try {
    return parseHcl(text).items;
  } catch (error) {
    if (error instanceof HclError) throw refusal(`Failed to parse ACL rules: ${error.message}`);
    throw error;
  }
}

function rulesOf({ keys, value }: HclItem): Rule[] {
  const [name, ...labels] = keys.map(({ text }) => text) as [string, ...string[]];
  const kind = name.toLowerCase();
  if (isSingle(kind)) return singleRule(kind, value);
  const isPrefix = kind.endsWith(PREFIX);
  const base = isPrefix ? kind.slice(0, -PREFIX.length) : kind;
  const resource = NAMED_RESOURCES.find((name) => name === base);
  if (resource === undefined) return [];
  return labelled(labels, value).map(([segment, body]) => {
    // What stands behind a second label would have to be a field.
    const policy = labels.length > 1 ? '' : textOf(body, 'policy');
    checkIntentions(resource, kind, segment, body);
    const access = policy.toLowerCase();
    if (!isAccess(access, resource)) throw badRule(resource, kind, segment, policy);
    return { resource, segment, isPrefix, access };
  });
}

function singleRule(resource: SingleResource, value: HclValue): Rule[] {
  if (value === '') return [];
  const access = typeof value === 'string' ? value.toLowerCase() : '';
  if (!isAccess(access, resource)) throw refusal(`Invalid ${resource} policy: ${JSON.stringify(value)}`);
  return [{ resource, segment: '', isPrefix: false, access }];
}

/** The bodies of rules with their labels, whether these stand in front of them or, as in JSON, as a level of their own. */
function labelled(labels: readonly string[], value: HclValue): [segment: string, body: HclValue][] {
  if (Array.isArray(value)) return value.flatMap((one) => labelled(labels, one));
  const label = labels[0];
  if (label !== undefined) return [[label, value]];
  if (!isHclBody(value))
    throw refusal('Failed to parse ACL rules: a rule needs a label and a body in braces');
  return value.items.flatMap(({ keys, value: inner }) =>
    labelled(
      keys.map(({ text }) => text),
      inner,
    ),
  );
}

function textOf(body: HclValue, field: string): string {
  if (!isHclBody(body)) return '';
  const value = body.items.findLast(({ keys }) => keys[0]?.text.toLowerCase() === field)?.value;
  return typeof value === 'string' ? value : '';
}

function isAccess(text: string, resource: Resource): text is Access {
  return text === 'deny' || text === 'read' || text === 'write' || (text === 'list' && resource === 'key');
}

/** Intentions belong to the mesh; what stands there has to be right all the same. */
function checkIntentions(resource: Resource, kind: string, segment: string, body: HclValue): void {
  const intentions = resource === 'service' ? textOf(body, 'intentions') : '';
  if (intentions === '' || isAccess(intentions.toLowerCase(), resource)) return;
  throw refusal(
    `Invalid ${kind} intentions policy: &acl.ServiceRule{Name:${JSON.stringify(segment)}, Policy:${JSON.stringify(textOf(body, 'policy'))}, Intentions:${JSON.stringify(intentions)}, EnterpriseRule:acl.EnterpriseRule{}}`,
  );
}

function badRule(resource: NamedResource, kind: string, segment: string, access: string): MusterError {
  const { name, field, more } = STRUCTS[resource];
  return refusal(
    `Invalid ${kind} policy: &acl.${name}{${field}:${JSON.stringify(segment)}, Policy:${JSON.stringify(access)}${more}}`,
  );
}

/**
 * Rules of before Consul 1.4 in today's language: there every name was the beginning of one. Laid out as HCL's formatter
 * does it, comments kept; JSON becomes HCL. Throws `request.rejected` as `parseRules`.
 */
export function translateLegacyRules(text: string): string {
  const found = itemsOf(text)
    .map(({ keys }) => keys[0])
    .filter((key) => key !== undefined && isNamed(key.text));
  if (found.some((key) => key !== undefined && key.offset < 0)) return layOutHcl(hclOfJson(text));
  let translated = '';
  let at = 0;
  for (const key of found) {
    if (key === undefined) continue;
    translated += `${text.slice(at, key.offset)}${key.text}${PREFIX}`;
    at = key.offset + key.length;
  }
  return layOutHcl(translated + text.slice(at));
}

function isNamed(kind: string): boolean {
  return NAMED_RESOURCES.some((name) => name === kind);
}

/** `{"key": {"a": {"policy": "read"}}}` is a block with a label for each name. */
function hclOfJson(text: string): string {
  return Object.entries(JSON.parse(text) as Record<string, unknown>)
    .flatMap(([kind, rules]) => {
      if (typeof rules !== 'object' || rules === null)
        return [`${JSON.stringify(kind)} = ${JSON.stringify(rules)}`];
      const name = isNamed(kind) ? `${kind}${PREFIX}` : JSON.stringify(kind);
      return Object.entries(rules).map(([label, body]) => {
        const fields = Object.entries((body ?? {}) as Record<string, unknown>);
        const lines = fields.map(([field, value]) => `${field} = ${JSON.stringify(value)}\n`);
        return `${name} ${JSON.stringify(label)} {\n${lines.join('')}}`;
      });
    })
    .join('\n\n');
}
