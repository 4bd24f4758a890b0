import type { NodeIdentityRule, ServiceIdentity } from '../catalog/rows.ts';
import type { Rule } from './rules.ts';

/** IDs that begin so belong to what is always there; nobody may make others. */
export const RESERVED_PREFIX = '00000000-0000-0000-0000-0000000000';

/** The policy that allows everything. It can be renamed, but neither changed nor deleted. */
export const MANAGEMENT_POLICY = {
  id: `${RESERVED_PREFIX}01`,
  name: 'global-management',
  description: 'Builtin Policy that grants unlimited access',
  rules: [
    'acl = "write"',
    ...['agent', 'event', 'key', 'node', 'query', 'service', 'session'].flatMap((resource) => [
      `${resource}_prefix "" {`,
      '  policy = "write"',
      ...(resource === 'service' ? ['  intentions = "write"'] : []),
      '}',
    ]),
    'keyring = "write"',
    'operator = "write"',
    '',
  ].join('\n'),
} as const;

/** The token of those who send none. */
export const ANONYMOUS_TOKEN = {
  accessorId: `${RESERVED_PREFIX}02`,
  secretId: 'anonymous',
  description: 'Anonymous Token',
} as const;

/** A service may write itself (and its companion of the mesh) and find all others. */
export function serviceIdentityRules({ serviceName }: ServiceIdentity): Rule[] {
  return [
    { resource: 'service', segment: serviceName, isPrefix: false, access: 'write' },
    { resource: 'service', segment: `${serviceName}-sidecar-proxy`, isPrefix: false, access: 'write' },
    { resource: 'service', segment: '', isPrefix: true, access: 'read' },
    { resource: 'node', segment: '', isPrefix: true, access: 'read' },
  ];
}

/** A node may write itself and find all services. */
export function nodeIdentityRules({ nodeName }: NodeIdentityRule): Rule[] {
  return [
    { resource: 'node', segment: nodeName, isPrefix: false, access: 'write' },
    { resource: 'service', segment: '', isPrefix: true, access: 'read' },
  ];
}
