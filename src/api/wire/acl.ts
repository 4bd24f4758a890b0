import type { AclGrants, AclPolicy, AclRole, AclToken } from '../../catalog/rows.ts';
import type { Reader } from '../../catalog/tables.ts';

/** Secrets are shown to those who may write ACLs. */
const HIDDEN = '<hidden>';

/** Consul's JSON of a token, alone and in a list. */
export function tokenWire(reader: Reader, token: AclToken, showSecret = true) {
  return {
    AccessorID: token.accessorId,
    SecretID: showSecret ? token.secretId : HIDDEN,
    Description: token.description,
    ...grantsWire(reader, token),
    ...some('Roles', links(reader, 'aclRoles', token.roles)),
    ...(token.legacy?.rules ? { Rules: token.legacy.rules } : {}),
    Local: token.local,
    ...(token.expiresAt === null ? {} : { ExpirationTime: timeWire(token.expiresAt) }),
    CreateTime: timeWire(token.createdAt),
    Hash: token.hash,
    CreateIndex: token.createIndex,
    ModifyIndex: token.modifyIndex,
  };
}

/** The same in a list: without the rules that a token of before Consul 1.4 has itself. */
export function tokenStubWire(reader: Reader, token: AclToken, showSecret: boolean) {
  const { Rules, ...rest } = tokenWire(reader, token, showSecret);
  return Rules === undefined ? rest : { ...rest, Legacy: true };
}

/** Consul's JSON of a token of before 1.4, alone in a list; an empty one for others. */
export function legacyTokenWire({ secretId, description, legacy, createIndex, modifyIndex }: AclToken) {
  if (legacy === undefined) return [];
  return [
    {
      ID: secretId,
      Name: description,
      Type: legacy.type,
      Rules: legacy.rules,
      CreateIndex: createIndex,
      ModifyIndex: modifyIndex,
    },
  ];
}

/** Consul's JSON of a policy. */
export function policyWire(policy: AclPolicy) {
  return {
    ID: policy.id,
    Name: policy.name,
    Description: policy.description,
    Rules: policy.rules,
    ...some('Datacenters', policy.datacenters),
    Hash: policy.hash,
    CreateIndex: policy.createIndex,
    ModifyIndex: policy.modifyIndex,
  };
}

/** Consul's JSON of a policy in a list: without its rules. */
export function policyStubWire(policy: AclPolicy) {
  return {
    ID: policy.id,
    Name: policy.name,
    Description: policy.description,
    Datacenters: policy.datacenters.length === 0 ? null : policy.datacenters,
    Hash: policy.hash,
    CreateIndex: policy.createIndex,
    ModifyIndex: policy.modifyIndex,
  };
}

/** Consul's JSON of a role. */
export function roleWire(reader: Reader, role: AclRole) {
  return {
    ID: role.id,
    Name: role.name,
    Description: role.description,
    ...grantsWire(reader, role),
    Hash: role.hash,
    CreateIndex: role.createIndex,
    ModifyIndex: role.modifyIndex,
  };
}

function grantsWire(reader: Reader, { policies, serviceIdentities, nodeIdentities }: AclGrants) {
  return {
    ...some('Policies', links(reader, 'aclPolicies', policies)),
    ...some(
      'ServiceIdentities',
      serviceIdentities.map(({ serviceName, datacenters }) => ({
        ServiceName: serviceName,
        ...some('Datacenters', datacenters),
      })),
    ),
    ...some(
      'NodeIdentities',
      nodeIdentities.map(({ nodeName, datacenter }) => ({ NodeName: nodeName, Datacenter: datacenter })),
    ),
  };
}

/** With the names as they are now; what is gone is left out. */
function links(reader: Reader, table: 'aclPolicies' | 'aclRoles', ids: readonly string[]) {
  return ids.flatMap((id) => {
    const row = reader.get(table, id);
    return row === undefined ? [] : [{ ID: id, Name: row.name }];
  });
}

/** Consul leaves empty lists out here. */
function some<Name extends string, T>(name: Name, items: readonly T[]): { [N in Name]?: readonly T[] } {
  return (items.length === 0 ? {} : { [name]: items }) as { [N in Name]?: readonly T[] };
}

function timeWire(ms: number): string {
  return new Date(ms).toISOString();
}
