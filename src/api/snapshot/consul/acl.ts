import { randomUUID } from 'node:crypto';
import { MANAGEMENT_POLICY } from '../../../acl/builtin.ts';
import { parseLegacyRules, parseRules } from '../../../acl/rules.ts';
import type { AclGrants, AclPolicy, AclRole, AclToken, LegacyGrant } from '../../../catalog/rows.ts';
import { isMusterError } from '../../../errors.ts';
import type { Packable } from '../../../lib/msgpack-write.ts';
import { policyWire } from '../../wire/acl.ts';
import { FieldError, Fields, goTime } from './fields.ts';
import type { Gathered } from './gathered.ts';
import { indexes, type RecordKind } from './kind.ts';
import { templated } from './templated-policies.ts';

export const aclToken: RecordKind = {
  name: 'ACLToken',
  take(value, into) {
    const record = new Fields(value);
    if (into.isElsewhere(record)) return;
    const legacy = legacyOf(record);
    const grants = grantsOf(record, into);
    const isManagement = legacy?.type === 'management' && grants.policies.length === 0;
    into.put('aclTokens', {
      // Tokens of before Consul 1.4 may have none yet.
      accessorId: record.text('AccessorID') || randomUUID(),
      secretId: record.needed('SecretID'),
      description: record.text('Description'),
      ...grants,
      policies: isManagement ? [MANAGEMENT_POLICY.id] : grants.policies,
      roles: linksOf(record, 'Roles'),
      local: record.flag('Local'),
      createdAt: record.time('CreateTime') ?? 0,
      expiresAt: record.time('ExpirationTime') ?? null,
      ...(legacy === undefined ? {} : { legacy }),
      hash: hashOf(record),
    });
  },
};

export const aclPolicy: RecordKind = {
  name: 'ACLPolicy',
  take(value, into) {
    const record = new Fields(value);
    if (into.isElsewhere(record)) return;
    into.put('aclPolicies', {
      id: record.needed('ID').toLowerCase(),
      name: record.needed('Name'),
      description: record.text('Description'),
      rules: rulesOf(record, parseRules),
      datacenters: record.texts('Datacenters') ?? [],
      hash: hashOf(record),
    });
  },
};

export const aclRole: RecordKind = {
  name: 'ACLRole',
  take(value, into) {
    const record = new Fields(value);
    if (into.isElsewhere(record)) return;
    into.put('aclRoles', {
      id: record.needed('ID').toLowerCase(),
      name: record.needed('Name'),
      description: record.text('Description'),
      ...grantsOf(record, into),
      hash: hashOf(record),
    });
  },
};

/** What Consul before 1.11 may say of a token beside its policies. */
function legacyOf(record: Fields): LegacyGrant | undefined {
  const type = record.text('Type');
  return type === 'client' || type === 'management'
    ? { type, rules: rulesOf(record, parseLegacyRules) }
    : undefined;
}

/** Rules that nobody here could read would refuse everything, or without them a rule that denies would be gone. */
function rulesOf(record: Fields, parse: (text: string) => unknown): string {
  const rules = record.text('Rules');
  try {
    parse(rules);
  } catch (error) {
    if (!isMusterError(error, 'request.rejected')) throw error;
    throw new FieldError(`the rules of ${record.text('Name') || 'it'}: ${error.message}`);
  }
  return rules;
}

function grantsOf(record: Fields, into: Gathered): AclGrants {
  const more = record.structs('TemplatedPolicies').map((one) => templated(one, into));
  const services = record.structs('ServiceIdentities').map((one) => ({
    serviceName: one.needed('ServiceName'),
    datacenters: one.texts('Datacenters') ?? [],
  }));
  const nodes = record.structs('NodeIdentities').map((one) => ({
    nodeName: one.needed('NodeName'),
    datacenter: one.text('Datacenter'),
  }));
  return {
    policies: [...linksOf(record, 'Policies'), ...more.flatMap(({ policies }) => policies)],
    serviceIdentities: [...services, ...more.flatMap(({ serviceIdentities }) => serviceIdentities)],
    nodeIdentities: nodes,
  };
}

function linksOf(record: Fields, name: 'Policies' | 'Roles'): string[] {
  return record.structs(name).map((link) => link.needed('ID').toLowerCase());
}

/** As it is shown. */
function hashOf(record: Fields): string {
  return record.bytes('Hash').toString('base64');
}

export function aclTokenRecord(token: AclToken): Packable {
  return {
    AccessorID: token.accessorId,
    SecretID: token.secretId,
    Description: token.description,
    ...grantsRecord(token),
    Roles: token.roles.map((id) => ({ ID: id })),
    // Consul of before 1.11 knows these two.
    ...(token.legacy === undefined ? {} : { Type: token.legacy.type, Rules: token.legacy.rules }),
    Local: token.local,
    CreateTime: goTime(token.createdAt),
    ExpirationTime: token.expiresAt === null ? null : goTime(token.expiresAt),
    Hash: hashRecord(token),
    ...indexes(token),
  };
}

export function aclPolicyRecord(policy: AclPolicy): Packable {
  return { ...policyWire(policy), Hash: hashRecord(policy) };
}

export function aclRoleRecord(role: AclRole): Packable {
  return {
    ID: role.id,
    Name: role.name,
    Description: role.description,
    ...grantsRecord(role),
    Hash: hashRecord(role),
    ...indexes(role),
  };
}

function grantsRecord({ policies, serviceIdentities, nodeIdentities }: AclGrants): Record<string, Packable> {
  return {
    Policies: policies.map((id) => ({ ID: id })),
    ServiceIdentities: serviceIdentities.map(({ serviceName, datacenters }) => ({
      ServiceName: serviceName,
      Datacenters: datacenters,
    })),
    NodeIdentities: nodeIdentities.map(({ nodeName, datacenter }) => ({
      NodeName: nodeName,
      Datacenter: datacenter,
    })),
  };
}

/** nil where there is none: Consul makes its own. */
function hashRecord({ hash }: { readonly hash: string }): Packable {
  return hash === '' ? null : Buffer.from(hash, 'base64');
}
