import { sleep, wakefulClock } from '../lib/clock.ts';
import type { Client } from './client.ts';
import { RefusedError } from './connection.ts';
import type { SessionRequest } from './types.ts';

export interface LockOptions {
  /** Shown to who asks for the session. */
  name?: string;
  /** What others see as the value of the key while it is held. */
  value?: string;
  /** A lock whose holder is gone for so long is taken from it. Default 15 s, as Consul's. */
  ttl?: number;
  /** Give up waiting for the lock after so many ms; 0: at once. Default: never. */
  patience?: number;
  signal?: AbortSignal;
}

/** A lock that is held: a key that belongs to a session, which is kept alive. */
export interface Lock {
  readonly key: string;
  readonly session: string;
  /** Aborted when the lock is lost: its session ended, or somebody took the key away. */
  readonly lost: AbortSignal;
  /** Gives the lock back and forgets its key. Idempotent. */
  release(): Promise<void>;
}

/** What is held by a session, and how. */
export interface Claim {
  readonly key: string;
  readonly behavior: NonNullable<SessionRequest['Behavior']>;
  /** Waits for it and takes it; false once `waiting` is aborted. The first attempt is made whatever that says. */
  take(session: string, waiting: AbortSignal): Promise<boolean>;
  /** Resolves when the session does not hold it any more, or `ending` is aborted. */
  untilLost(session: string, ending: AbortSignal): Promise<void>;
  /** Also after an attempt that failed. */
  giveBack(session: string): Promise<void>;
}

/** Between attempts to renew a session whose agent is away; ms. */
const RETRY = 500;

/** Claims something with a session that is kept alive; undefined when the patience ended first. */
export async function holdBySession(
  client: Client,
  { name = 'Muster lock', ttl = 15_000, patience, signal }: LockOptions,
  claim: Claim,
): Promise<Lock | undefined> {
  const session = await client.session.create({ Name: name, Behavior: claim.behavior, TTL: `${ttl}ms` });
  const ending = new AbortController();
  const lost = new AbortController();
  const keeping = keepAlive(client, session, ttl, ending.signal, lost);
  let released: Promise<void> | undefined;
  const release = () => {
    released ??= (async () => {
      ending.abort();
      await keeping;
      // Without an agent there is nobody to give it back to: it ends with the session's TTL.
      await claim.giveBack(session).catch(() => {});
      await client.session.destroy(session).catch(() => {});
    })();
    return released;
  };
  const waiting = new AbortController();
  const stop = () => waiting.abort();
  signal?.addEventListener('abort', stop, { once: true });
  const giveUp = patience === undefined ? undefined : setTimeout(stop, patience);
  try {
    if (await claim.take(session, waiting.signal)) {
      const end = () => {
        if (!ending.signal.aborted) lost.abort();
      };
      void claim.untilLost(session, ending.signal).then(end, end);
      return { key: claim.key, session, lost: lost.signal, release };
    }
  } catch (error) {
    await release();
    throw error;
  } finally {
    clearTimeout(giveUp);
    signal?.removeEventListener('abort', stop);
  }
  await release();
  return undefined;
}

/** Renews the session at half of its TTL until `ending`. */
async function keepAlive(
  client: Client,
  session: string,
  ttl: number,
  ending: AbortSignal,
  lost: AbortController,
): Promise<void> {
  let renewed = Date.now();
  while (!ending.aborted) {
    await sleep(wakefulClock, Date.now() - renewed > ttl / 2 ? RETRY : ttl / 2, ending);
    if (ending.aborted) return;
    try {
      await client.session.renew(session, { signal: ending });
      renewed = Date.now();
    } catch (error) {
      // The servers keep a session for up to twice its TTL; this one counts on less.
      const isGone = error instanceof RefusedError && error.status === 404;
      if (isGone || Date.now() - renewed > ttl) lost.abort();
    }
  }
}
