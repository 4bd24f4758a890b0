import type { AclPolicy } from '../../catalog/rows.ts';
import { fold } from '../../catalog/tables.ts';
import type { Transaction } from '../../catalog/transaction.ts';
import { MANAGEMENT_POLICY } from '../builtin.ts';
import { parseRules } from '../rules.ts';
import { hashOf, isName, isUuid, refusal } from './links.ts';

export interface PolicyInput {
  name: string;
  description: string;
  rules: string;
  datacenters: readonly string[];
}

const MAX_NAME = 128;

/** Makes a policy. Throws `request.rejected` in Consul's words. */
export function createPolicy(tx: Transaction, id: string, input: PolicyInput): AclPolicy {
  checkName(input.name);
  if (byName(tx, input.name) !== undefined)
    throw refusal(`Invalid Policy: A Policy with Name ${JSON.stringify(input.name)} already exists`);
  parseRules(input.rules);
  return put(tx, id, input);
}

/** Replaces a policy. Throws `request.rejected` in Consul's words. */
export function updatePolicy(tx: Transaction, id: string, input: PolicyInput): AclPolicy {
  checkName(input.name);
  if (!isUuid(id)) throw refusal('Policy ID invalid UUID');
  const known = tx.get('aclPolicies', id.toLowerCase());
  if (known === undefined) throw refusal(`cannot find policy ${id}`);
  const other = byName(tx, input.name);
  if (other !== undefined && other.id !== known.id)
    throw refusal(`Invalid Policy: A policy with name ${JSON.stringify(input.name)} already exists`);
  if (known.id === MANAGEMENT_POLICY.id) {
    if (input.datacenters.length > 0)
      throw refusal('Changing the Datacenters of the builtin global-management policy is not permitted');
    if (input.rules !== known.rules)
      throw refusal('Changing the Rules for the builtin global-management policy is not permitted');
  }
  parseRules(input.rules);
  return put(tx, known.id, input);
}

/** Takes a policy away; tokens and roles lose it. False when it is not there. */
export function deletePolicy(tx: Transaction, id: string): boolean {
  const policy = tx.get('aclPolicies', id.toLowerCase());
  if (policy === undefined) return false;
  if (policy.id === MANAGEMENT_POLICY.id)
    throw refusal('Delete operation not permitted on the builtin global-management policy');
  return tx.delete('aclPolicies', policy.id);
}

/** Makes sure that the builtin policy is there as this version has it; a name that it was given stays. */
export function ensureManagementPolicy(tx: Transaction): void {
  const { id, name, description, rules } = MANAGEMENT_POLICY;
  const known = tx.get('aclPolicies', id);
  if (known?.rules === rules) return;
  const taken = byName(tx, name);
  const free = taken === undefined || taken.id === id ? name : `${name}-builtin`;
  put(tx, id, {
    name: known?.name ?? free,
    description: known?.description ?? description,
    rules,
    datacenters: [],
  });
}

function checkName(name: string): void {
  if (name === '') throw refusal('Invalid Policy: no Name is set');
  if (!isName(name, MAX_NAME))
    throw refusal("Invalid Policy: invalid Name. Only alphanumeric characters, '-' and '_' are allowed");
}

function byName(tx: Transaction, name: string): AclPolicy | undefined {
  return tx.list('aclPolicies', 'name', fold(name))[0];
}

function put(tx: Transaction, id: string, input: PolicyInput): AclPolicy {
  const { name, description, rules, datacenters } = input;
  const content = { name, description, rules, datacenters };
  return tx.put('aclPolicies', { id, ...content, hash: hashOf(content) });
}
