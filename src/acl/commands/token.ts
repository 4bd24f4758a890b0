import type { AclToken } from '../../catalog/rows.ts';
import { secretDigest } from '../../catalog/tables.ts';
import type { Draft, Transaction } from '../../catalog/transaction.ts';
import { formatDuration } from '../../lib/duration.ts';
import { ANONYMOUS_TOKEN, RESERVED_PREFIX } from '../builtin.ts';
import {
  checkedGrants,
  type GrantsInput,
  hashOf,
  isUuid,
  type LinkInput,
  linkedId,
  refusal,
} from './links.ts';

export interface TokenInput extends GrantsInput {
  description: string;
  roles: readonly LinkInput[];
  local: boolean;
  /** Milliseconds since the epoch, or null. */
  expiresAt: number | null;
  /** Milliseconds from now; 0: no such wish. */
  expirationTtl: number;
}

/** Bounds of the life of a token that ends by itself, in ms: Consul's. */
const MIN_TTL = 60_000;
const MAX_TTL = 24 * 3_600_000;

/** IDs made beforehand, since a command must do the same each time it runs; `isGiven` says who chose them. */
export interface TokenIds {
  accessorId: string;
  secretId: string;
  isAccessorGiven: boolean;
  isSecretGiven: boolean;
}

/** Makes a token. Throws `request.rejected` in Consul's words. */
export function createToken(tx: Transaction, ids: TokenIds, input: TokenInput): AclToken {
  if (ids.isAccessorGiven) checkNewId(tx, 'AccessorID', ids.accessorId);
  if (ids.isSecretGiven) checkNewId(tx, 'SecretID', ids.secretId);
  const identity = { accessorId: ids.accessorId, secretId: ids.secretId };
  return put(tx, { ...identity, createdAt: tx.now, expiresAt: expiryOf(tx.now, input) }, input);
}

function checkNewId(tx: Transaction, field: 'AccessorID' | 'SecretID', id: string): void {
  if (!isUuid(id)) throw refusal(`Invalid Token: ${field} is not a valid UUID`);
  const bySecret = tx.list('aclTokens', 'secret', secretDigest(id))[0];
  if (bySecret !== undefined || tx.get('aclTokens', id.toLowerCase()) !== undefined)
    throw refusal(`Invalid Token: ${field} is already in use`);
  if (id.startsWith(RESERVED_PREFIX))
    throw refusal(`Invalid Token: UUIDs with the prefix ${JSON.stringify(RESERVED_PREFIX)} are reserved`);
}

function expiryOf(now: number, { expiresAt, expirationTtl }: TokenInput): number | null {
  if (expirationTtl < 0)
    throw refusal(`Token Expiration TTL '${formatDuration(expirationTtl)}' should be > 0`);
  if (expirationTtl > 0 && expiresAt !== null)
    throw refusal('Token Expiration TTL and Expiration Time cannot both be set');
  const end = expirationTtl > 0 ? now + expirationTtl : expiresAt;
  if (end === null) return null;
  if (end < now) throw refusal('ExpirationTime cannot be before CreateTime');
  const bound = (word: string, limit: number) =>
    refusal(
      `ExpirationTime cannot be ${word} than ${formatDuration(limit)} in the future (was ${formatDuration(end - now)})`,
    );
  if (end - now > MAX_TTL) throw bound('more', MAX_TTL);
  if (end - now < MIN_TTL) throw bound('less', MIN_TTL);
  return end;
}

/** Replaces what a token grants. `secretId` may be "" for the one that it has. Throws `request.rejected`. */
export function updateToken(
  tx: Transaction,
  accessorId: string,
  secretId: string,
  input: TokenInput,
): AclToken {
  if (!isUuid(accessorId)) throw refusal('AccessorID is not a valid UUID');
  const known = tx.get('aclTokens', accessorId.toLowerCase());
  if (known === undefined || isOver(known, tx.now))
    throw refusal(`Cannot find token ${JSON.stringify(accessorId)}`);
  if (secretId !== '' && secretDigest(secretId) !== secretDigest(known.secretId))
    throw refusal('Changing a tokens SecretID is not permitted');
  if (input.local !== known.local) throw refusal(`cannot toggle local mode of ${accessorId}`);
  if (input.expirationTtl !== 0 || (input.expiresAt !== null && input.expiresAt !== known.expiresAt))
    throw refusal(`Cannot change expiration time of ${accessorId}`);
  return put(tx, known, input);
}

/** Makes another token that grants the same. Undefined when there is none to clone. */
export function cloneToken(
  tx: Transaction,
  of: string,
  ids: Pick<TokenIds, 'accessorId' | 'secretId'>,
  description: string,
): AclToken | undefined {
  const known = tx.get('aclTokens', of.toLowerCase());
  if (known === undefined || isOver(known, tx.now)) return undefined;
  if (known.legacy !== undefined && known.legacy.rules !== '')
    throw refusal('Cannot clone a legacy ACL with this endpoint');
  const { createIndex: _created, modifyIndex: _modified, hash: _hash, legacy: _legacy, ...rest } = known;
  const content = { ...rest, description: description === '' ? known.description : description };
  const clone = { ...content, ...ids, createdAt: tx.now };
  return tx.put('aclTokens', { ...clone, hash: hashOf(contentOf(clone)) });
}

/** Takes a token away. False when it is not there. Throws `request.rejected` for the anonymous one. */
export function deleteToken(tx: Transaction, accessorId: string): boolean {
  if (!isUuid(accessorId)) throw refusal('Accessor ID is missing or an invalid UUID');
  if (accessorId === ANONYMOUS_TOKEN.accessorId)
    throw refusal('Delete operation not permitted on the anonymous token');
  return tx.delete('aclTokens', accessorId.toLowerCase());
}

/** Makes sure that the token of those who send none is there. */
export function ensureAnonymousToken(tx: Transaction): void {
  const { accessorId, secretId, description } = ANONYMOUS_TOKEN;
  if (tx.get('aclTokens', accessorId) !== undefined) return;
  put(tx, { accessorId, secretId, createdAt: tx.now, expiresAt: null }, { ...NO_GRANTS, description });
}

export const NO_GRANTS: Omit<TokenInput, 'description'> = {
  policies: [],
  roles: [],
  serviceIdentities: [],
  nodeIdentities: [],
  local: false,
  expiresAt: null,
  expirationTtl: 0,
};

/** Forgets tokens that expired before `time` (ms since the epoch). Answers how many. */
export function reapTokens(tx: Transaction, time: number): number {
  const over = tx.all('aclTokens').filter((token) => isOver(token, time));
  for (const { accessorId } of over) tx.delete('aclTokens', accessorId.toLowerCase());
  return over.length;
}

function isOver({ expiresAt }: AclToken, now: number): boolean {
  return expiresAt !== null && expiresAt <= now;
}

function put(
  tx: Transaction,
  identity: Pick<AclToken, 'accessorId' | 'secretId' | 'createdAt' | 'expiresAt'>,
  input: TokenInput,
): AclToken {
  const { accessorId, secretId, createdAt, expiresAt } = identity;
  const grants = checkedGrants(tx, input, 'token');
  const restricted = input.serviceIdentities.find(({ datacenters }) => datacenters.length > 0);
  if (input.local && restricted !== undefined)
    throw refusal(
      `Service identity ${JSON.stringify(restricted.serviceName)} cannot specify a list of datacenters on a local token`,
    );
  const roles = input.roles.map((link) => linkedId(tx, 'aclRoles', 'role', link));
  const { description, local } = input;
  const token = { accessorId, secretId, description, ...grants, roles: [...new Set(roles)], local };
  return tx.put('aclTokens', { ...token, createdAt, expiresAt, hash: hashOf(contentOf(token)) });
}

/** What the hash is of: everything but the IDs and the times. */
export function contentOf(
  token: Pick<
    Draft<AclToken>,
    'description' | 'policies' | 'roles' | 'serviceIdentities' | 'nodeIdentities' | 'local'
  >,
) {
  const { description, policies, roles, serviceIdentities, nodeIdentities, local } = token;
  return { description, policies, roles, serviceIdentities, nodeIdentities, local };
}
