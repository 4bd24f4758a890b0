import { destroySession } from '../catalog/commands/session.ts';
import type { Session } from '../catalog/rows.ts';
import { messageOf } from '../errors.ts';
import type { Clock } from '../lib/clock.ts';
import { parseDuration } from '../lib/duration.ts';
import type { Logger } from '../lib/log.ts';
import type { Store } from '../store/store.ts';

/** A session outlives its TTL by this factor without renewal: a late renewal must not lose a lock (Consul's). */
const TTL_FACTOR = 2;

/** After a failed write the end of a session is tried again. */
const RETRY = 1000;
/** A timer that is so late, in ms, tells that this program stood still: renewals that came meanwhile are not read yet. */
const STOOD_STILL = 500;

export interface SessionExpiryOptions {
  store: Store;
  clock: Clock;
  logger: Logger;
}

export interface SessionExpiry {
  /**
   * Starts the time of a session anew. Nothing happens when it has no TTL or is not there. Rejects with `store.no_leader` when who ends
   * sessions could not be told.
   */
  renew(id: string): Promise<void>;
  /** Idempotent. Sessions then live on until somebody starts this again. */
  stop(): Promise<void>;
}

/**
 * Ends sessions that were not renewed in time. One server does this for all; after a restart every session has
 * its whole time again, since nobody knows when it was renewed.
 */
export function startSessionExpiry({ store, clock, logger }: SessionExpiryOptions): SessionExpiry {
  /** By session, what cancels its timer. */
  const timers = new Map<string, () => void>();
  let stopped = false;

  const forget = (id: string) => {
    timers.get(id)?.();
    timers.delete(id);
  };
  const arm = (id: string, ms: number) => {
    forget(id);
    if (stopped) return;
    const due = clock.now() + ms;
    timers.set(
      id,
      clock.after(ms, () => (clock.now() - due > STOOD_STILL ? arm(id, RETRY) : end(id))),
    );
  };
  const end = (id: string) => {
    timers.delete(id);
    store
      // Until it is its turn another server may have the say, or it was renewed.
      .write((tx) => !stopped && !timers.has(id) && destroySession(tx, id))
      .then(
        ({ answer }) => answer && logger.debug('a session was not renewed in time', { session: id }),
        (error: unknown) => {
          logger.warn('a session could not be ended', { session: id, error: messageOf(error) });
          arm(id, RETRY);
        },
      );
  };
  const begin = (session: Session) => {
    const ms = lifetime(session);
    if (ms !== undefined) arm(session.id, ms);
  };

  for (const session of store.catalog.all('sessions')) begin(session);
  const unsubscribe = store.catalog.feed.subscribe(({ changes }) => {
    for (const { table, key, after } of changes) {
      if (table !== 'sessions') continue;
      if (after === undefined) forget(key);
      else begin(after as Session);
    }
  });

  return {
    async renew(id) {
      const session = store.catalog.get('sessions', id);
      if (session !== undefined) begin(session);
    },
    async stop() {
      stopped = true;
      unsubscribe();
      for (const id of [...timers.keys()]) forget(id);
    },
  };
}

/** How long a session lives without renewal in ms; undefined: for ever. */
function lifetime({ ttl }: Session): number | undefined {
  const ms = ttl === '' ? 0 : (parseDuration(ttl) ?? 0);
  return ms > 0 ? ms * TTL_FACTOR : undefined;
}
