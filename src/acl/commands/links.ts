import { createHash } from 'node:crypto';
import type { AclGrants, NodeIdentityRule, ServiceIdentity } from '../../catalog/rows.ts';
import { fold, type Reader } from '../../catalog/tables.ts';
import { MusterError } from '../../errors.ts';

/** A policy or role as requests name it: by ID or else by name. */
export interface LinkInput {
  id: string;
  name: string;
}

export interface GrantsInput {
  policies: readonly LinkInput[];
  serviceIdentities: readonly ServiceIdentity[];
  nodeIdentities: readonly NodeIdentityRule[];
}

export function refusal(message: string): MusterError {
  return new MusterError('request.rejected', message);
}

const UUID = /^[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$/;

export function isUuid(text: string): boolean {
  return UUID.test(text);
}

const NAME = /^[A-Za-z0-9_-]+$/;

/** Letters, digits, "-" and "_". `most` is the longest name that Consul takes. */
export function isName(text: string, most: number): boolean {
  return text.length <= most && NAME.test(text);
}

const IDENTITY_NAME = /^[a-z0-9]([a-z0-9_-]*[a-z0-9])?$/;
const MAX_IDENTITY_NAME = 256;

function isIdentityName(text: string): boolean {
  return text.length <= MAX_IDENTITY_NAME && IDENTITY_NAME.test(text);
}

/** Links and identities as they are kept: IDs only, each once. Throws `request.rejected` in Consul's words. */
export function checkedGrants(reader: Reader, input: GrantsInput, owner: 'token' | 'role'): AclGrants {
  const policies = input.policies.map((link) => linkedId(reader, 'aclPolicies', 'policy', link));
  for (const { serviceName } of input.serviceIdentities) {
    if (serviceName === '')
      throw refusal(`Service identity is missing the service name field on this ${owner}`);
    if (!isIdentityName(serviceName))
      throw refusal(
        `Service identity ${JSON.stringify(serviceName)} has an invalid name. Only alphanumeric characters, '-' and '_' are allowed`,
      );
  }
  for (const { nodeName, datacenter } of input.nodeIdentities) {
    if (nodeName === '') throw refusal(`Node identity is missing the node name field on this ${owner}`);
    if (datacenter === '') throw refusal(`Node identity is missing the datacenter field on this ${owner}`);
    if (!isIdentityName(nodeName))
      throw refusal(
        "Node identity has an invalid name. Only alphanumeric characters, '-' and '_' are allowed",
      );
  }
  return {
    policies: [...new Set(policies)],
    serviceIdentities: mergedServices(input.serviceIdentities),
    nodeIdentities: mergedNodes(input.nodeIdentities),
  };
}

/** The ID behind a link. Throws `request.rejected` when there is no such policy or role. */
export function linkedId(
  reader: Reader,
  table: 'aclPolicies' | 'aclRoles',
  word: 'policy' | 'role',
  { id, name }: LinkInput,
): string {
  if (id === '') {
    const found = reader.list(table, 'name', fold(name))[0];
    if (found === undefined) throw refusal(`No such ACL ${word} with name ${JSON.stringify(name)}`);
    return found.id;
  }
  if (reader.get(table, id.toLowerCase()) === undefined)
    throw refusal(`No such ACL ${word} with ID ${JSON.stringify(id)}`);
  return id.toLowerCase();
}

/** One identity for each service: in all its datacenters, or everywhere if one of them is. */
function mergedServices(identities: readonly ServiceIdentity[]): ServiceIdentity[] {
  const byName = new Map<string, Set<string> | undefined>();
  for (const { serviceName, datacenters } of identities) {
    const known = byName.get(serviceName);
    if (datacenters.length === 0 || (byName.has(serviceName) && known === undefined))
      byName.set(serviceName, undefined);
    else byName.set(serviceName, new Set([...(known ?? []), ...datacenters]));
  }
  return [...byName].map(([serviceName, datacenters]) => ({
    serviceName,
    datacenters: [...(datacenters ?? [])].sort(),
  }));
}

function mergedNodes(identities: readonly NodeIdentityRule[]): NodeIdentityRule[] {
  const seen = new Map(identities.map((identity) => [JSON.stringify(identity), identity]));
  return [...seen.values()];
}

/** Of the content of a row, so that clients see whether it changed. */
export function hashOf(content: unknown): string {
  return createHash('sha256').update(JSON.stringify(content)).digest('base64');
}
