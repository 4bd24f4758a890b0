import { MACHINE_SETTINGS } from '../machine-settings.ts';
import { MEMBER_CHECK, SERVER_SERVICE } from '../rows.ts';
import { checkKey, fold, nodeKey, type Reader, serviceKey } from '../tables.ts';
import type { Transaction } from '../transaction.ts';
import { putSetting } from './setting.ts';

/** A node whose agent left. Its registrations are gone; that it was there is shown until it is reaped. */
export interface LeftMember {
  readonly id: string;
  readonly name: string;
  readonly address: string;
  readonly isServer: boolean;
  /** Milliseconds since the epoch. */
  readonly at: number;
}

/** Below this in the settings, by the folded name. */
const PREFIX = MACHINE_SETTINGS.leftMembers;

/** Notes that a node with an agent leaves; to be called before it is deregistered. */
export function noteLeft(tx: Transaction, name: string): void {
  const node = tx.get('nodes', nodeKey(name));
  if (node === undefined || tx.get('checks', checkKey(name, MEMBER_CHECK)) === undefined) return;
  const isServer = tx.get('services', serviceKey(name, SERVER_SERVICE)) !== undefined;
  putSetting(tx, {
    name: PREFIX + fold(node.name),
    value: { id: node.id, name: node.name, address: node.address, isServer, at: tx.now },
  });
}

/** False: there was none of this name. */
export function forgetLeft(tx: Transaction, name: string): boolean {
  return tx.delete('settings', PREFIX + fold(name));
}

/** Those who left and did not come back, under their name or another. */
export function leftMembers(catalog: Reader): LeftMember[] {
  return allLeft(catalog).filter((left) => !isBack(catalog, left));
}

/** Names of those who left before `time` (ms since the epoch) or are there again: nobody asks for them any more. */
export function outlivedLeft(catalog: Reader, time: number): string[] {
  return allLeft(catalog)
    .filter((left) => left.at < time || isBack(catalog, left))
    .map(({ name }) => name);
}

function allLeft(catalog: Reader): LeftMember[] {
  return catalog.prefix('settings', PREFIX).map(({ value }) => ({
    id: String(value.id),
    name: String(value.name),
    address: String(value.address),
    isServer: value.isServer === true,
    at: Number(value.at),
  }));
}

function isBack(catalog: Reader, { id, name }: LeftMember): boolean {
  return (
    catalog.get('nodes', nodeKey(name)) !== undefined ||
    (id !== '' && catalog.list('nodes', 'id', id).length > 0)
  );
}
