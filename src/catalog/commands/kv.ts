import { MusterError } from '../../errors.ts';
import { uuidLookupError } from '../../lib/uuid.ts';
import type { KvEntry } from '../rows.ts';
import type { Draft, Transaction } from '../transaction.ts';

/** Longest time in ms that a lost lock is held back, whatever its session asked for (Consul's bound). */
export const MAX_LOCK_DELAY = 60_000;

export interface KvWrite {
  key: string;
  value: Uint8Array;
  flags: bigint;
}

/** Writes a key. A lock on it stays, but its holder's fencing count starts again (Consul's rule). */
export function kvSet(tx: Transaction, write: KvWrite): KvEntry {
  const { key, value, flags } = write;
  return put(tx, { key, value, flags, lockIndex: 0, session: tx.get('kv', key)?.session ?? '' });
}

/** Writes a key if its modify index is `cas`; 0 means that it must not exist. */
export function kvSetIfIndex(tx: Transaction, write: KvWrite, cas: number): boolean {
  const known = tx.get('kv', write.key);
  if ((known?.modifyIndex ?? 0) !== cas) return false;
  kvSet(tx, write);
  return true;
}

/** Deleting what is not there succeeds. */
export function kvDelete(tx: Transaction, key: string): void {
  if (tx.delete('kv', key)) tx.put('tombstones', { key, deletedAt: tx.now });
}

/** Deletes a key if its modify index is `cas`. True also when there is no such key. */
export function kvDeleteIfIndex(tx: Transaction, key: string, cas: number): boolean {
  const known = tx.get('kv', key);
  if (known === undefined) return true;
  if (known.modifyIndex !== cas) return false;
  kvDelete(tx, key);
  return true;
}

export function kvDeletePrefix(tx: Transaction, prefix: string): void {
  for (const { key } of tx.prefix('kv', prefix)) kvDelete(tx, key);
}

/**
 * Takes the lock of a key for `session`. False while another holds it or a lock-delay runs, whoever asks then. Throws
 * `request.rejected` when there is no such session.
 */
export function kvAcquire(tx: Transaction, write: KvWrite, session: string): boolean {
  requireSession(session);
  if (isHeldBack(tx, write.key)) return false;
  const invalid = uuidLookupError(session);
  if (invalid !== undefined)
    throw new MusterError('request.rejected', `failed session lookup: index error: ${invalid}`);
  if (tx.get('sessions', session) === undefined)
    throw new MusterError('request.rejected', `invalid session ${JSON.stringify(session)}`);
  const known = tx.get('kv', write.key);
  if (known !== undefined && known.session !== '' && known.session !== session) return false;
  tx.delete('lockDelays', write.key);
  const held = known?.session === session;
  put(tx, { ...write, session, lockIndex: (known?.lockIndex ?? 0) + (held ? 0 : 1) });
  return true;
}

/** Whether a lock-delay runs. One that would take longer than any may was set by a clock that was wrong. */
export function isHeldBack(tx: Transaction, key: string): boolean {
  const left = (tx.get('lockDelays', key)?.until ?? 0) - tx.now;
  return left > 0 && left <= MAX_LOCK_DELAY;
}

/** Gives the lock of a key back. False when `session` does not hold it; "" is refused. */
export function kvRelease(tx: Transaction, write: KvWrite, session: string): boolean {
  requireSession(session);
  const known = tx.get('kv', write.key);
  if (known === undefined || known.session !== session) return false;
  put(tx, { ...write, session: '', lockIndex: known.lockIndex });
  return true;
}

function requireSession(session: string): void {
  if (session === '') throw new MusterError('request.rejected', 'missing session');
}

/** Forgets deletions and lock-delays of before `time` (ms since the epoch). Answers how many. */
export function kvReap(tx: Transaction, time: number): number {
  const tombstones = tx.all('tombstones').filter(({ deletedAt }) => deletedAt < time);
  for (const { key } of tombstones) tx.delete('tombstones', key);
  const delays = tx.all('lockDelays').filter(({ until }) => until < time);
  for (const { key } of delays) tx.delete('lockDelays', key);
  return tombstones.length + delays.length;
}

/** A write that changes nothing keeps its index and wakes nobody. */
function put(tx: Transaction, draft: Draft<KvEntry>): KvEntry {
  const known = tx.get('kv', draft.key);
  if (known !== undefined && isSame(known, draft)) return known;
  tx.delete('tombstones', draft.key);
  // A copy of its own: bytes from the wire are a window into a buffer of 64 KiB, which would stay alive with them.
  const { key, flags, lockIndex, session } = draft;
  return tx.put('kv', { key, value: new Uint8Array(draft.value), flags, lockIndex, session });
}

/** Values are compared byte by byte: one from the disk and one from the wire are different kinds of arrays. */
function isSame(known: KvEntry, draft: Draft<KvEntry>): boolean {
  return (
    known.flags === draft.flags &&
    known.lockIndex === draft.lockIndex &&
    known.session === draft.session &&
    Buffer.compare(known.value, draft.value) === 0
  );
}
