import type { AclToken } from '../../catalog/rows.ts';
import { secretDigest } from '../../catalog/tables.ts';
import type { Transaction } from '../../catalog/transaction.ts';
import { MANAGEMENT_POLICY } from '../builtin.ts';
import { refusal } from './links.ts';
import { ensureManagementPolicy } from './policy.ts';
import { createToken, ensureAnonymousToken, NO_GRANTS } from './token.ts';

/** Name of the row that says that there was a bootstrap; its modify index is the reset index. */
export const BOOTSTRAP_SETTING = 'acl-bootstrap';

export interface NewToken {
  accessorId: string;
  secretId: string;
}

/** The index that allows another bootstrap, or 0 as long as there was none. */
export function bootstrapIndex(tx: Pick<Transaction, 'get'>): number {
  return tx.get('settings', BOOTSTRAP_SETTING)?.modifyIndex ?? 0;
}

/**
 * Makes the first token that may do everything. Once only, unless `resetIndex` proves that somebody has access to
 * the data directory. Throws `request.rejected` in Consul's words.
 */
export function bootstrap(tx: Transaction, ids: NewToken, resetIndex: number): AclToken {
  const index = bootstrapIndex(tx);
  if (index !== 0 && resetIndex === 0)
    throw refusal(`ACL bootstrap no longer allowed (reset index: ${index})`);
  if (index !== 0 && resetIndex !== index)
    throw refusal(`Invalid bootstrap reset index (specified ${resetIndex}, reset index: ${index})`);
  tx.put('settings', { name: BOOTSTRAP_SETTING, value: {} });
  return managementToken(tx, ids, 'Bootstrap Token (Global Management)');
}

/**
 * What has to be there when access control begins: the builtin policy, the anonymous token and, when the
 * configuration names one, the first token that may do everything.
 */
export function beginAcl(tx: Transaction, initial: NewToken | undefined): void {
  ensureManagementPolicy(tx);
  ensureAnonymousToken(tx);
  if (initial === undefined) return;
  if (tx.list('aclTokens', 'secret', secretDigest(initial.secretId)).length > 0) return;
  managementToken(tx, initial, 'Initial Management Token');
  if (bootstrapIndex(tx) === 0) tx.put('settings', { name: BOOTSTRAP_SETTING, value: {} });
}

function managementToken(tx: Transaction, ids: NewToken, description: string): AclToken {
  ensureManagementPolicy(tx);
  const policies = [{ id: MANAGEMENT_POLICY.id, name: '' }];
  const given = { ...ids, isAccessorGiven: false, isSecretGiven: false };
  const token = createToken(tx, given, { ...NO_GRANTS, description, policies });
  // So that the endpoints of before Consul 1.4 show it too.
  return tx.put('aclTokens', { ...token, legacy: { type: 'management', rules: '' } });
}
