import { messageOf } from '../errors.ts';
import type { Clock } from '../lib/clock.ts';
import type { Logger } from '../lib/log.ts';
import type { EtcdStore } from '../store/etcd/store.ts';

/**
 * Seconds after which a leader that says nothing is none any more. The shortest that etcd gives by default is two.
 */
const LEASE = 3;
/** How often it says something, in ms. */
const RENEW = 400;
/** So much before the lease ends, on our clock, a leader stops acting as one. */
const MARGIN = 500;
/** How many turns others leave a vacant lead to the server that is to have it. */
const TURNS_LEFT = 3;
const SIGNAL = 'leader';

/** Who does what only one server may do. Not a matter of safety: every commit is checked, whoever makes it. */
export interface Leadership {
  /** What the leader said of itself when it became it; undefined: there is none, or nobody knows. */
  leader(): string | undefined;
  leads(): boolean;
  /**
   * Starts something whenever this server becomes the leader and stops it when it is none any more. The answer
   * ends it for good.
   */
  whileLeading(start: () => () => void): () => void;
  /** Idempotent. */
  stop(): Promise<void>;
}

/** Of a store for one machine: its server leads from the start to the end. */
export function soleLeadership(self: string): Leadership {
  return { leader: () => self, leads: () => true, whileLeading: (start) => start(), stop: async () => {} };
}

/**
 * Takes part in finding a leader among those who share a store in etcd. `self` is what the others are told of this
 * one. Where etcd's own leader is one of them, it is theirs too, so that there is one leader to speak of and one whose
 * end costs something.
 */
export async function startLeadership({
  store,
  self,
  isSilent = () => false,
  leadsEtcd,
  clock,
  logger,
}: {
  store: EtcdStore;
  self: string;
  /** Whether a leader is known to be gone before its lease ends. */
  isSilent?: (leader: string) => boolean;
  /** Whether this server's etcd leads the others'. Undefined: etcd is not ours. */
  leadsEtcd?: () => Promise<boolean>;
  clock: Clock;
  logger: Logger;
}): Promise<Leadership> {
  const { client, signals } = store;
  let lease = 0n;
  /** That with which this server claimed the lead. */
  let claimedWith = 0n;
  let validUntil = 0;
  let leader: string | undefined;
  let isLeading = false;
  let stopped = false;
  let vacantTurns = 0;
  let cancel = () => {};
  const tasks = new Map<() => () => void, () => void>();

  const settle = () => {
    const leads = !stopped && leader === self && clock.now() < validUntil;
    if (leads === isLeading) return;
    isLeading = leads;
    logger.info(leads ? 'this server leads now' : 'this server leads no more');
    for (const start of [...tasks.keys()]) {
      if (leads) tasks.set(start, start());
      else tasks.get(start)?.();
    }
  };
  const unsubscribe = signals.subscribe((name, value) => {
    if (name !== SIGNAL) return;
    leader = value;
    settle();
    if (value === undefined && !stopped) {
      cancel();
      void turn();
    }
  });

  const isToTake = async (holder: string | undefined): Promise<boolean> => {
    const isVacant = holder === undefined || isSilent(holder);
    if (leadsEtcd === undefined) return isVacant;
    vacantTurns = isVacant ? vacantTurns + 1 : 0;
    return vacantTurns > TURNS_LEFT || leadsEtcd();
  };
  const turn = async (): Promise<void> => {
    const began = clock.now();
    try {
      if (lease === 0n || !(await client.keepLease(lease))) lease = await client.grantLease(LEASE);
      const known = await signals.read(SIGNAL);
      leader = known?.value;
      // What this server claimed with another lease, before a gap or a start, would end with that.
      const isToClaim = leader === self ? claimedWith !== lease : await isToTake(leader);
      if (isToClaim && (await signals.claim(SIGNAL, self, { lease, revision: known?.revision ?? 0 }))) {
        leader = self;
        claimedWith = lease;
      }
      validUntil = began + LEASE * 1000 - MARGIN;
    } catch (error) {
      lease = 0n;
      logger.debug('no majority to lead', { error: messageOf(error) });
    }
    settle();
    cancel();
    if (!stopped) cancel = clock.after(RENEW, () => void turn());
  };
  await turn();

  return {
    leader: () => leader,
    leads: () => isLeading && clock.now() < validUntil,
    whileLeading(start) {
      tasks.set(start, isLeading ? start() : () => {});
      return () => {
        if (isLeading) tasks.get(start)?.();
        tasks.delete(start);
      };
    },
    async stop() {
      if (stopped) return;
      stopped = true;
      cancel();
      unsubscribe();
      settle();
      if (lease !== 0n) await client.revokeLease(lease).catch(() => {});
    },
  };
}
