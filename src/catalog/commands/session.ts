import { MusterError } from '../../errors.ts';
import type { KvEntry, Session } from '../rows.ts';
import { checkKey, fold, nodeKey } from '../tables.ts';
import { type Draft, type Transaction, withoutIndexes } from '../transaction.ts';
import { kvDelete, MAX_LOCK_DELAY } from './kv.ts';
import { endQueriesOfSession } from './query.ts';

/**
 * Makes a session. Throws `request.rejected` in Consul's words when its node or one of its checks is not there,
 * or a check is critical.
 */
export function createSession(tx: Transaction, draft: Draft<Session>): Session {
  const node = tx.get('nodes', nodeKey(draft.node));
  if (node === undefined) throw new MusterError('request.rejected', 'Missing node registration');
  const ids = [...draft.checks, ...draft.nodeChecks, ...draft.serviceChecks.map(({ id }) => id)];
  for (const id of ids) {
    const check = tx.get('checks', checkKey(node.name, id));
    if (check === undefined) throw new MusterError('request.rejected', `Missing check '${id}' registration`);
    if (check.status === 'critical')
      throw new MusterError('request.rejected', `Check '${id}' is in critical state`);
  }
  return tx.put('sessions', { ...draft, node: node.name });
}

/**
 * Ends a session: frees its locks, or deletes their keys, as its behaviour says, and deletes its prepared queries. False
 * when it is not there.
 */
export function destroySession(tx: Transaction, id: string): boolean {
  const session = tx.get('sessions', id);
  if (session === undefined) return false;
  tx.delete('sessions', id);
  for (const entry of tx.list('kv', 'session', id)) loseLock(tx, entry, session);
  endQueriesOfSession(tx, id);
  return true;
}

function loseLock(tx: Transaction, entry: KvEntry, { behavior, lockDelay }: Session): void {
  if (behavior === 'delete') kvDelete(tx, entry.key);
  else tx.put('kv', { ...withoutIndexes(entry), session: '' });
  // Time for the former holder to notice that it is none any more.
  const delay = Math.min(lockDelay, MAX_LOCK_DELAY);
  if (delay > 0) tx.put('lockDelays', { key: entry.key, until: tx.now + delay });
}

/** Ends the sessions that hang on a check, when it turned critical or went away. */
export function endSessionsOfCheck(tx: Transaction, node: string, check: string): void {
  for (const { id } of tx.list('sessions', 'check', checkKey(node, check))) destroySession(tx, id);
}

/** Ends the sessions of a node that went away. */
export function endSessionsOfNode(tx: Transaction, node: string): void {
  for (const { id } of tx.list('sessions', 'node', fold(node))) destroySession(tx, id);
}
