/** Which of several nodes looks after a group: who holds a lock whose session ends with the node's sign of life. */
import { randomUUID } from 'node:crypto';
import { kvAcquire } from '../../catalog/commands/kv.ts';
import { createSession, destroySession } from '../../catalog/commands/session.ts';
import { MEMBER_CHECK } from '../../catalog/rows.ts';
import type { Transaction } from '../../catalog/transaction.ts';

import { isMusterError, MusterError, messageOf } from '../../errors.ts';
import type { Clock } from '../../lib/clock.ts';
import type { Logger } from '../../lib/log.ts';
import type { Command, Store } from '../../store/store.ts';

/** How often it is tried, and looked whether the lock is still held, ms. */
const LOOK = 500;
/** Who has not heard of the servers for so long does not act any more: another may have been elected; ms. */
const SILENT = 3_000;

export interface Election {
  /** Carries a command out if this node is the elected one in that very commit. Rejects with `request.rejected` else. */
  write(command: Command<void>): Promise<void>;
  /** Gives the office back. Idempotent. */
  stop(): Promise<void>;
}

/** `elected` is called whenever this node is, and the answer of that when it is no more. */
export function startElection({
  store,
  node,
  key,
  elected,
  clock,
  logger,
}: {
  store: Store;
  node: string;
  /** In the key/value store. */
  key: string;
  elected: (election: Election) => () => Promise<void>;
  clock: Clock;
  logger: Logger;
}): Election {
  const { catalog } = store;
  const session = randomUUID();
  let resign: (() => Promise<void>) | undefined;
  let isBusy = false;
  let stopped = false;
  let cancel = () => {};

  const holds = (reader: Pick<Transaction, 'get'>) => reader.get('kv', key)?.session === session;
  const isHeard = () => (store.remote?.contact().silence ?? 0) < SILENT;

  const run = async (): Promise<void> => {
    if (holds(catalog) || !isHeard()) return;
    const holder = catalog.get('sessions', catalog.get('kv', key)?.session ?? '');
    if (holder !== undefined && holder.node !== node) return;
    await store.write((tx) => {
      // Of an earlier run of this node's agent.
      if (holder !== undefined) destroySession(tx, holder.id);
      if (tx.get('sessions', session) === undefined)
        createSession(tx, {
          id: session,
          name: key,
          node,
          checks: [],
          nodeChecks: [MEMBER_CHECK],
          serviceChecks: [],
          behavior: 'release',
          ttl: '',
          // What the one before decided is guarded by its lock, so nothing has to be waited for.
          lockDelay: 0,
        });
      kvAcquire(tx, { key, value: Buffer.from(node), flags: 0n }, session);
    });
  };

  const settle = async (): Promise<void> => {
    const isElected = !stopped && holds(catalog) && isHeard();
    if (isElected && resign === undefined) {
      logger.info('this node looks after it now');
      resign = elected(election);
    } else if (!isElected && resign !== undefined) {
      if (!stopped) logger.info('another node looks after it');
      const last = resign;
      resign = undefined;
      await last();
    }
  };

  const turn = async (): Promise<void> => {
    if (isBusy) return;
    isBusy = true;
    cancel();
    try {
      if (!stopped) await run();
      await settle();
    } catch (error) {
      if (!isMusterError(error, 'store.no_leader'))
        logger.debug(`no vote could be cast: ${messageOf(error)}`);
    }
    isBusy = false;
    if (!stopped) cancel = clock.after(LOOK, () => void turn());
  };

  const unsubscribe = catalog.feed.subscribe(({ changes }) => {
    if (changes.some((change) => change.table === 'kv' && change.key === key)) void turn();
  });

  const election: Election = {
    async write(command) {
      await store.write((tx) => {
        if (!holds(tx)) throw new MusterError('request.rejected', 'another node looks after the group');
        command(tx);
      });
    },
    async stop() {
      if (stopped) return;
      stopped = true;
      cancel();
      unsubscribe();
      await settle();
      await store
        .write((tx) => void destroySession(tx, session))
        .catch(() => {
          // Nobody to tell: the session ends when the node is missed.
        });
    },
  };
  void turn();
  return election;
}
