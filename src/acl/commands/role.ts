import type { AclRole } from '../../catalog/rows.ts';
import { fold } from '../../catalog/tables.ts';
import type { Transaction } from '../../catalog/transaction.ts';
import { checkedGrants, type GrantsInput, hashOf, isName, isUuid, refusal } from './links.ts';

export interface RoleInput extends GrantsInput {
  name: string;
  description: string;
}

const MAX_NAME = 256;

/** Makes a role. Throws `request.rejected` in Consul's words. */
export function createRole(tx: Transaction, id: string, input: RoleInput): AclRole {
  checkName(input.name);
  if (byName(tx, input.name) !== undefined)
    throw refusal(`Invalid Role: A Role with Name ${JSON.stringify(input.name)} already exists`);
  return put(tx, id, input);
}

/** Replaces a role. Throws `request.rejected` in Consul's words. */
export function updateRole(tx: Transaction, id: string, input: RoleInput): AclRole {
  checkName(input.name);
  if (!isUuid(id)) throw refusal('Role ID invalid UUID');
  const known = tx.get('aclRoles', id.toLowerCase());
  if (known === undefined) throw refusal(`cannot find role ${id}`);
  const other = byName(tx, input.name);
  if (other !== undefined && other.id !== known.id)
    throw refusal(`Invalid Role: A role with name ${JSON.stringify(input.name)} already exists`);
  return put(tx, known.id, input);
}

/** Takes a role away; tokens lose it. False when it is not there. */
export function deleteRole(tx: Transaction, id: string): boolean {
  return tx.delete('aclRoles', id.toLowerCase());
}

function checkName(name: string): void {
  if (name === '') throw refusal('Invalid Role: no Name is set');
  if (!isName(name, MAX_NAME))
    throw refusal("Invalid Role: invalid Name. Only alphanumeric characters, '-' and '_' are allowed");
}

function byName(tx: Transaction, name: string): AclRole | undefined {
  return tx.list('aclRoles', 'name', fold(name))[0];
}

function put(tx: Transaction, id: string, input: RoleInput): AclRole {
  const { name, description } = input;
  const content = { name, description, ...checkedGrants(tx, input, 'role') };
  return tx.put('aclRoles', { id, ...content, hash: hashOf(content) });
}
