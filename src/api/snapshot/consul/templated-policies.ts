import { createHash } from 'node:crypto';
import { RESERVED_PREFIX } from '../../../acl/builtin.ts';
import type { AclGrants } from '../../../catalog/rows.ts';
import type { Fields } from './fields.ts';
import type { Gathered } from './gathered.ts';

type Granted = Pick<AclGrants, 'policies' | 'serviceIdentities'>;

const NOTHING: Granted = { policies: [], serviceIdentities: [] };

const rule = (kind: string, segment: string, policy: string) =>
  `${kind} ${JSON.stringify(segment)} {\n  policy = "${policy}"\n}\n`;

/** A template of Consul's (1.17 and later) as a policy of its own: its name, and its rules for a variable. */
interface Template {
  readonly name: string;
  rules(variable: string): string;
}

/** By the end of the ID: Consul shows names and goes by IDs. */
const TEMPLATES: Readonly<Record<string, Template>> = {
  '04': {
    name: 'node',
    rules: (node) => rule('node', node, 'write') + rule('service_prefix', '', 'read'),
  },
  '05': {
    name: 'dns',
    rules: () => ['node', 'service', 'query'].map((kind) => rule(`${kind}_prefix`, '', 'read')).join(''),
  },
  '06': {
    name: 'nomad-server',
    rules: () =>
      `acl = "write"\n${rule('agent_prefix', '', 'read')}${rule('node_prefix', '', 'read')}${rule('service_prefix', '', 'write')}`,
  },
  '08': {
    name: 'api-gateway',
    rules: (service) =>
      rule('node_prefix', '', 'read') +
      rule('service_prefix', '', 'read') +
      rule('service', service, 'write'),
  },
  '09': {
    name: 'nomad-client',
    rules: () =>
      ['agent', 'node', 'key'].map((kind) => rule(`${kind}_prefix`, '', 'read')).join('') +
      rule('service_prefix', '', 'write'),
  },
};
/** The template that says what a service identity does. */
const SERVICE = `${RESERVED_PREFIX}03`;

/** What a templated policy of a token or role grants, in what there is here: an identity, or a policy that is made for it. */
export function templated(fields: Fields, into: Gathered): Granted {
  const id = fields.text('TemplateID').toLowerCase();
  const variable = fields.struct('TemplateVariables').text('Name');
  const datacenters = fields.texts('Datacenters') ?? [];
  if (id === SERVICE) return { policies: [], serviceIdentities: [{ serviceName: variable, datacenters }] };
  const template = id.startsWith(RESERVED_PREFIX) ? TEMPLATES[id.slice(RESERVED_PREFIX.length)] : undefined;
  if (template === undefined) {
    into.leaveOut('templated policies of tokens and roles');
    return NOTHING;
  }
  return { policies: [policyOf(template, variable, datacenters, into)], serviceIdentities: [] };
}

/** Puts the policy; the same one for everybody who is granted the same. Answers its ID. */
function policyOf(
  template: Template,
  variable: string,
  datacenters: readonly string[],
  into: Gathered,
): string {
  const rules = template.rules(variable);
  const digest = createHash('sha256')
    .update(JSON.stringify([rules, datacenters]))
    .digest('hex');
  const id = digest.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12}).*$/, '$1-$2-$3-$4-$5');
  into.put('aclPolicies', {
    id,
    name: `builtin-${template.name}-${digest.slice(0, 8)}`,
    description: `What Consul's template builtin/${template.name} grants${variable === '' ? '' : ` to ${variable}`}`,
    rules,
    datacenters,
    hash: Buffer.from(digest, 'hex').toString('base64'),
  });
  return id;
}
