import { MusterError } from '../errors.ts';
import { sleep, wakefulClock } from '../lib/clock.ts';
import type { Client } from './client.ts';
import { type HeldSession, holdSession } from './held-session.ts';
import type { KvPair } from './types.ts';

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

/** Says to other programs of Consul's kind that the key is a lock. */
const LOCK_FLAGS = 0x2ddccbc058a50c18n;
/** A key whose holder died cannot be taken for a while: until then it is tried this often; ms. Consul's. */
const RETRY = 5_000;

/**
 * Waits for a lock and takes it; undefined when the patience ended first. Every agent that goes away for less than the
 * TTL keeps the lock; `lost` tells when it is not certain any more.
 */
export async function takeLock(
  client: Client,
  key: string,
  { name = 'Muster lock', value = '', ttl = 15_000, patience, signal }: LockOptions = {},
): Promise<Lock | undefined> {
  const held = await holdSession(client, { Name: name, Behavior: 'release' }, ttl);
  const { id: session, lost } = held;
  let released: Promise<void> | undefined;
  const release = () => {
    released ??= (async () => {
      await held.stop();
      await client.kv.put(key, value, { release: session, flags: LOCK_FLAGS }).catch(() => false);
      const left = await client.kv.get(key).catch(() => undefined);
      // A key that is something else is not ours to take away.
      if (left !== undefined && left.Session === undefined && isLock(left))
        await client.kv.delete(key, { cas: left.ModifyIndex }).catch(() => false);
      await client.session.destroy(session).catch(() => {});
    })();
    return released;
  };
  const waiting = new AbortController();
  const stop = () => waiting.abort();
  signal?.addEventListener('abort', stop, { once: true });
  const giveUp = patience === undefined ? undefined : setTimeout(stop, patience);
  try {
    if (await acquire(client, key, value, session, waiting.signal)) {
      void watchOver(client, key, held);
      return { key, session, lost: lost.signal, release };
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

const isLock = ({ Flags }: KvPair): boolean => Flags === Number(LOCK_FLAGS);

/** Tries whenever the key is free. False once `signal` is aborted; the first attempt is made whatever it says. */
async function acquire(
  client: Client,
  key: string,
  value: string,
  session: string,
  signal: AbortSignal,
): Promise<boolean> {
  for (;;) {
    const pair = await client.kv.get(key);
    if (pair !== undefined && !isLock(pair))
      throw new MusterError(
        'request.rejected',
        `the key ${key} is there and is no lock: choose another prefix`,
      );
    const isFree = pair?.Session === undefined;
    if (isFree && (await client.kv.put(key, value, { acquire: session, flags: LOCK_FLAGS }))) return true;
    if (signal.aborted) return false;
    // Free, and yet not to be had: its last holder died a moment ago, or somebody was quicker.
    if (isFree) await sleep(wakefulClock, RETRY, signal);
    else for await (const view of client.kv.watch(key, { signal })) if (view?.Session === undefined) break;
  }
}

/** Sees to it that the key is still held by the session. */
async function watchOver(client: Client, key: string, { id, ending, lost }: HeldSession): Promise<void> {
  try {
    for await (const pair of client.kv.watch(key, { signal: ending })) {
      if (pair?.Session === id) continue;
      lost.abort();
      return;
    }
  } catch {
    lost.abort();
  }
}
