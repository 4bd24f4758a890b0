import type { ConfigEntry } from '../rows.ts';
import { configKey } from '../tables.ts';
import type { Draft, Transaction } from '../transaction.ts';
import { isUnchanged } from './equal.ts';

/** Writes a config entry; with `cas` only if its modify index is that one (0: it must not exist). */
export function putConfig(tx: Transaction, draft: Draft<ConfigEntry>, cas?: number): boolean {
  const known = tx.get('configEntries', configKey(draft.kind, draft.name));
  if (cas !== undefined && (known?.modifyIndex ?? 0) !== cas) return false;
  if (!isUnchanged(known, draft)) tx.put('configEntries', draft);
  return true;
}

/**
 * Deletes a config entry; with `cas` only if it is there and its modify index is that one. Without, deleting what is
 * not there succeeds.
 */
export function deleteConfig(tx: Transaction, kind: string, name: string, cas?: number): boolean {
  const key = configKey(kind, name);
  if (cas !== undefined && tx.get('configEntries', key)?.modifyIndex !== cas) return false;
  tx.delete('configEntries', key);
  return true;
}
