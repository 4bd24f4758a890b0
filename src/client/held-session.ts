import { sleep, wakefulClock } from '../lib/clock.ts';
import type { Client } from './client.ts';
import { RefusedError } from './connection.ts';
import type { SessionRequest } from './types.ts';

/** A session that is kept alive for as long as something is held with it. */
export interface HeldSession {
  readonly id: string;
  /** Aborted once the session has ended, or may have; by others too, who see that what it holds is lost. */
  readonly lost: AbortController;
  /** Aborted when `end` is called: for what goes on as long as the session is held. */
  readonly ending: AbortSignal;
  /** No more is kept alive; resolves when nothing is under way any more. */
  stop(): Promise<void>;
}

/** Between attempts to renew a session whose agent is away; ms. */
const RETRY = 500;

/** Makes a session that ends `ttl` ms after its last renewal, and renews it. */
export async function holdSession(
  client: Client,
  request: SessionRequest,
  ttl: number,
): Promise<HeldSession> {
  const id = await client.session.create({ ...request, TTL: `${ttl}ms` });
  const ending = new AbortController();
  const lost = new AbortController();
  const keeping = keepAlive(client, id, ttl, ending.signal, lost);
  return {
    id,
    lost,
    ending: ending.signal,
    stop() {
      ending.abort();
      return keeping;
    },
  };
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
