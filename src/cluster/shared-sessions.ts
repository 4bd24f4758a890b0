import { type Clock, pause } from '../lib/clock.ts';
import type { Logger } from '../lib/log.ts';
import { noLeader } from '../store/etcd/commits.ts';
import type { Signals } from '../store/etcd/signals.ts';
import type { Store } from '../store/store.ts';
import type { Leadership } from './leadership.ts';
import { type SessionExpiry, startSessionExpiry } from './session-expiry.ts';

/** The leader is told of renewals no more often than this, in ms: of thousands of them together. */
const GATHER = 200;
/** Before the name of the server that tells them. */
const SIGNAL = 'renewed/';

/**
 * Ends sessions that were not renewed in time, on the leader; the renewals that reach other servers are told to
 * it.
 */
export function startSharedSessions({
  store,
  leadership,
  self,
  clock,
  logger,
}: {
  store: Store & { readonly signals: Pick<Signals, 'subscribe' | 'put'> };
  leadership: Leadership;
  self: string;
  clock: Clock;
  logger: Logger;
}): SessionExpiry {
  let expiry: SessionExpiry | undefined;
  let renewed = new Set<string>();
  let toldAt = Number.NEGATIVE_INFINITY;
  let telling: Promise<void> | undefined;
  const endLeading = leadership.whileLeading(() => {
    const own = startSessionExpiry({ store, clock, logger });
    expiry = own;
    return () => {
      expiry = undefined;
      void own.stop();
    };
  });
  const unsubscribe = store.signals.subscribe((name, value) => {
    if (expiry === undefined || value === undefined || !name.startsWith(SIGNAL)) return;
    for (const id of JSON.parse(value) as string[]) void expiry.renew(id);
  });
  /** The first at once, those that follow together. */
  const tell = async (): Promise<void> => {
    await pause(clock, Math.min(GATHER, Math.max(0, toldAt + GATHER - clock.now())));
    const ids = [...renewed];
    renewed = new Set();
    telling = undefined;
    toldAt = clock.now();
    try {
      await store.signals.put(SIGNAL + self, JSON.stringify(ids), 0n);
    } catch (error) {
      throw noLeader(error);
    }
  };
  return {
    renew(id) {
      // Who stood still learns only after a while that another one leads.
      if (expiry !== undefined && leadership.leads()) return expiry.renew(id);
      renewed.add(id);
      telling ??= tell();
      return telling;
    },
    async stop() {
      unsubscribe();
      endLeading();
    },
  };
}
