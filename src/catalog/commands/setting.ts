import type { Setting } from '../rows.ts';
import type { Draft, Transaction } from '../transaction.ts';
import { isUnchanged } from './equal.ts';

/** Sets something; with `cas` only if its modify index is that one (0: not set yet). False when it is another. */
export function putSetting(tx: Transaction, draft: Draft<Setting>, cas?: number): boolean {
  const known = tx.get('settings', draft.name);
  if (cas !== undefined && (known?.modifyIndex ?? 0) !== cas) return false;
  if (!isUnchanged(known, draft)) tx.put('settings', draft);
  return true;
}
