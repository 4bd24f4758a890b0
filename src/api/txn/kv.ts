import {
  isHeldBack,
  kvAcquire,
  kvDelete,
  kvDeleteIfIndex,
  kvDeletePrefix,
  kvRelease,
  kvSet,
  kvSetIfIndex,
} from '../../catalog/commands/kv.ts';
import type { KvEntry } from '../../catalog/rows.ts';
import type { Transaction } from '../../catalog/transaction.ts';
import { kvWire } from '../wire/kv.ts';
import type { KvOperation } from './body.ts';
import { OperationError, type Outcome } from './outcome.ts';

const quote = (text: string): string => JSON.stringify(text);

type Verb = (tx: Transaction, operation: KvOperation) => Outcome[];

/** The verbs over keys. Writes answer the entry without its value. */
const VERBS: Record<string, Verb> = {
  set(tx, operation) {
    kvSet(tx, write(operation));
    return written(tx, operation);
  },
  cas(tx, operation) {
    if (!kvSetIfIndex(tx, write(operation), Number(operation.Index)))
      throw new OperationError(`failed to set key ${quote(operation.Key)}, index is stale`);
    return written(tx, operation);
  },
  lock(tx, operation) {
    if (isHeldBack(tx, operation.Key))
      throw new OperationError(`failed to lock key ${quote(operation.Key)} due to lock delay`);
    if (!kvAcquire(tx, write(operation), operation.Session))
      throw new OperationError(`failed to lock key ${quote(operation.Key)}, lock is already held`);
    return written(tx, operation);
  },
  unlock(tx, operation) {
    if (!kvRelease(tx, write(operation), operation.Session))
      throw new OperationError(
        `failed to unlock key ${quote(operation.Key)}, lock isn't held, or is held by another session`,
      );
    return written(tx, operation);
  },
  get(tx, { Key }) {
    const entry = tx.get('kv', Key);
    if (entry === undefined) throw new OperationError(`key ${quote(Key)} doesn't exist`);
    return [{ KV: kvWire(entry) }];
  },
  'get-tree': (tx, { Key }) => tx.prefix('kv', Key).map((entry) => ({ KV: kvWire(entry) })),
  delete(tx, { Key }) {
    kvDelete(tx, Key);
    return [];
  },
  'delete-tree'(tx, { Key }) {
    kvDeletePrefix(tx, Key);
    return [];
  },
  'delete-cas'(tx, { Key, Index }) {
    if (!kvDeleteIfIndex(tx, Key, Number(Index)))
      throw new OperationError(`failed to delete key ${quote(Key)}, index is stale`);
    return [];
  },
  'check-session'(tx, operation) {
    const { session } = existing(tx, operation, 'session');
    if (session !== operation.Session)
      throw new OperationError(
        `failed session check for key ${quote(operation.Key)}, current session ${quote(session)} != ${quote(operation.Session)}`,
      );
    return written(tx, operation);
  },
  'check-index'(tx, operation) {
    const { modifyIndex } = existing(tx, operation, 'index');
    if (modifyIndex !== Number(operation.Index))
      throw new OperationError(
        `failed index check for key ${quote(operation.Key)}, current modify index ${modifyIndex} != ${operation.Index}`,
      );
    return written(tx, operation);
  },
  'check-not-exists'(tx, { Key }) {
    if (tx.get('kv', Key) !== undefined) throw new OperationError(`key ${quote(Key)} exists`);
    return [];
  },
};

/** Verbs that change nothing: a transaction of them alone is a read. */
export const KV_READS: ReadonlySet<string> = new Set([
  'get',
  'get-tree',
  'check-session',
  'check-index',
  'check-not-exists',
]);

export function kvOperation(tx: Transaction, operation: KvOperation): Outcome[] {
  if (operation.Key === '' && operation.Verb !== 'delete-tree') throw new OperationError('Must provide key');
  const verb = Object.hasOwn(VERBS, operation.Verb) ? VERBS[operation.Verb] : undefined;
  if (verb === undefined) throw new OperationError(`unknown KV verb ${quote(operation.Verb)}`);
  return verb(tx, operation);
}

function write({ Key, Value, Flags }: KvOperation) {
  return { key: Key, value: Value, flags: Flags };
}

const NO_VALUE = new Uint8Array();

function written(tx: Transaction, { Key }: KvOperation): Outcome[] {
  const entry = tx.get('kv', Key);
  return entry === undefined ? [] : [{ KV: kvWire(entry, NO_VALUE) }];
}

function existing(tx: Transaction, { Key }: KvOperation, checked: string): KvEntry {
  const entry = tx.get('kv', Key);
  if (entry === undefined)
    throw new OperationError(`failed to check ${checked}, key ${quote(Key)} doesn't exist`);
  return entry;
}
