import { messageOf } from '../errors.ts';
import type { Clock } from '../lib/clock.ts';
import type { Logger } from '../lib/log.ts';
import type { EtcdStore } from '../store/etcd/store.ts';
import type { Leadership } from './leadership.ts';
import { type SessionExpiry, startSessionExpiry } from './session-expiry.ts';

/** Renewals are gathered for so long, in ms: a session has ten seconds at least. */
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
  store: EtcdStore;
  leadership: Leadership;
  self: string;
  clock: Clock;
  logger: Logger;
}): SessionExpiry {
  let expiry: SessionExpiry | undefined;
  let renewed = new Set<string>();
  let cancel: (() => void) | undefined;
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
    for (const id of JSON.parse(value) as string[]) expiry.renew(id);
  });
  const tell = () => {
    cancel = undefined;
    const ids = [...renewed];
    renewed = new Set();
    store.signals.put(SIGNAL + self, JSON.stringify(ids), 0n).catch((error: unknown) => {
      logger.debug('renewals of sessions could not be told', { error: messageOf(error) });
    });
  };
  return {
    renew(id) {
      if (expiry !== undefined) {
        expiry.renew(id);
        return;
      }
      renewed.add(id);
      cancel ??= clock.after(GATHER, tell);
    },
    async stop() {
      cancel?.();
      unsubscribe();
      endLeading();
    },
  };
}
