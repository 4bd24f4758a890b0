import { MusterError } from '../../errors.ts';
import type { KvEntry } from '../rows.ts';
import type { Transaction } from '../transaction.ts';

export interface KvWrite {
  key: string;
  value: Uint8Array;
  flags: bigint;
}

/** Writes a key. A lock on it stays, but its holder's fencing count starts again (Consul's rule). */
export function kvSet(tx: Transaction, { key, value, flags }: KvWrite): KvEntry {
  const known = tx.get('kv', key);
  tx.delete('tombstones', key);
  return tx.put('kv', { key, value, flags, lockIndex: 0, session: known?.session ?? '' });
}

/** Writes a key if its modify index is `cas`; 0 means that it must not exist. */
export function kvSetIfIndex(tx: Transaction, write: KvWrite, cas: number): boolean {
  const known = tx.get('kv', write.key);
  if ((known?.modifyIndex ?? 0) !== cas) return false;
  kvSet(tx, write);
  return true;
}

/** `now` in ms since the epoch. Deleting what is not there succeeds. */
export function kvDelete(tx: Transaction, key: string, now: number): void {
  if (tx.delete('kv', key)) tx.put('tombstones', { key, deletedAt: now });
}

export function kvDeleteIfIndex(tx: Transaction, key: string, cas: number, now: number): boolean {
  const known = tx.get('kv', key);
  if ((known?.modifyIndex ?? 0) !== cas) return known === undefined && cas === 0;
  kvDelete(tx, key, now);
  return true;
}

export function kvDeletePrefix(tx: Transaction, prefix: string, now: number): void {
  for (const { key } of tx.prefix('kv', prefix)) kvDelete(tx, key, now);
}

/** Takes the lock of a key for `session`. False while another holds it or a lock-delay runs. */
export function kvAcquire(tx: Transaction, write: KvWrite, session: string, now: number): boolean {
  if (tx.get('sessions', session) === undefined)
    throw new MusterError('request.rejected', `invalid session ${JSON.stringify(session)}`);
  const known = tx.get('kv', write.key);
  if (known !== undefined && known.session !== '' && known.session !== session) return false;
  const delay = tx.get('lockDelays', write.key);
  if (delay !== undefined) {
    if (delay.until > now) return false;
    tx.delete('lockDelays', write.key);
  }
  const held = known?.session === session;
  tx.delete('tombstones', write.key);
  tx.put('kv', { ...write, session, lockIndex: (known?.lockIndex ?? 0) + (held ? 0 : 1) });
  return true;
}

/** Gives the lock of a key back. False when `session` does not hold it. */
export function kvRelease(tx: Transaction, write: KvWrite, session: string): boolean {
  const known = tx.get('kv', write.key);
  if (known === undefined || known.session !== session) return false;
  tx.put('kv', { ...write, session: '', lockIndex: known.lockIndex });
  return true;
}

/** Forgets deletions older than `before` (ms since the epoch). Answers how many. */
export function kvReap(tx: Transaction, before: number): number {
  const old = tx.all('tombstones').filter(({ deletedAt }) => deletedAt < before);
  for (const { key } of old) tx.delete('tombstones', key);
  return old.length;
}
