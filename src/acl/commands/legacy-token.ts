import type { AclToken, LegacyGrant } from '../../catalog/rows.ts';
import { secretDigest } from '../../catalog/tables.ts';
import type { Transaction } from '../../catalog/transaction.ts';
import { isMusterError } from '../../errors.ts';
import { ANONYMOUS_TOKEN, MANAGEMENT_POLICY } from '../builtin.ts';
import { parseLegacyRules } from '../rules.ts';
import { hashOf, refusal } from './links.ts';
import { contentOf, NO_GRANTS } from './token.ts';

/**
 * Tokens as they were before Consul 1.4: a secret, called their ID, with rules of their own. They live beside the others,
 * and have an accessor ID like them.
 */
export interface LegacyTokenInput {
  readonly secretId: string;
  readonly name: string;
  readonly type: string;
  readonly rules: string;
}

/** Makes such a token, or replaces the one with that secret. Throws `request.rejected` in Consul's words. */
export function putLegacyToken(tx: Transaction, accessorId: string, input: LegacyTokenInput): AclToken {
  const { secretId, name, type, rules } = input;
  if (type !== 'client' && type !== 'management') throw refusal('Invalid ACL Type');
  const known = bySecret(tx, secretId);
  if (known !== undefined && !isLegacyOnly(known))
    throw refusal('Cannot use legacy endpoint to modify a non-legacy token');
  checkRules(rules);
  const legacy: LegacyGrant = { type, rules };
  const token = {
    accessorId: known?.accessorId ?? accessorId,
    secretId,
    description: name,
    ...grantsOf(legacy),
    roles: [],
    local: false,
  };
  const createdAt = known?.createdAt ?? tx.now;
  return tx.put('aclTokens', {
    ...token,
    createdAt,
    expiresAt: null,
    legacy,
    hash: hashOf({ ...contentOf(token), legacy }),
  });
}

/** Makes another one with the same rights, or undefined when the secret is not one of these tokens. */
export function cloneLegacyToken(
  tx: Transaction,
  of: string,
  ids: { accessorId: string; secretId: string },
): AclToken | undefined {
  const known = bySecret(tx, of);
  if (known?.legacy === undefined) return undefined;
  const { description: name, legacy } = known;
  return putLegacyToken(tx, ids.accessorId, { secretId: ids.secretId, name, ...legacy });
}

/** Takes away whatever token has this secret. Throws `request.rejected` for the anonymous one. */
export function deleteBySecret(tx: Transaction, secretId: string): void {
  const known = bySecret(tx, secretId);
  if (known !== undefined) tx.delete('aclTokens', known.accessorId.toLowerCase());
}

/** The secret of those who send none; it cannot be taken away. */
export function isAnonymous(secretId: string): boolean {
  return secretId === ANONYMOUS_TOKEN.secretId;
}

function bySecret(tx: Transaction, secretId: string): AclToken | undefined {
  return tx.list('aclTokens', 'secret', secretDigest(secretId))[0];
}

/** Whether nothing of it is of today's kind. */
function isLegacyOnly({ legacy, policies, roles, serviceIdentities, nodeIdentities }: AclToken): boolean {
  return (
    legacy !== undefined &&
    [policies, roles, serviceIdentities, nodeIdentities].every((one) => one.length === 0)
  );
}

function grantsOf({ type }: LegacyGrant) {
  const { serviceIdentities, nodeIdentities } = NO_GRANTS;
  const policies = type === 'management' ? [MANAGEMENT_POLICY.id] : [];
  return { policies, serviceIdentities, nodeIdentities };
}

function checkRules(rules: string): void {
  try {
    parseLegacyRules(rules);
  } catch (error) {
    if (isMusterError(error, 'request.rejected'))
      throw refusal(`ACL rule compilation failed: ${error.message}`);
    throw error;
  }
}
