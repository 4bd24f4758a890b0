import { MusterError } from '../errors.ts';
import { sleep, wakefulClock } from '../lib/clock.ts';
import { holdBySession, type Lock, type LockOptions } from './claim.ts';
import type { Client } from './client.ts';
import type { KvPair } from './types.ts';

/** Says to other programs of Consul's kind that the key is a lock. */
const LOCK_FLAGS = 0x2ddccbc058a50c18n;
/** A key whose holder died cannot be taken for a while: until then it is tried this often; ms. Consul's. */
const RETRY = 5_000;

const isLock = ({ Flags }: KvPair): boolean => Flags === LOCK_FLAGS;

/**
 * Waits for a lock and takes it; undefined when the patience ended first. Every agent that goes away for less than the
 * TTL keeps the lock; `lost` tells when it is not certain any more. Throws `request.rejected` when the key is used for
 * something else.
 */
export function takeLock(client: Client, key: string, options: LockOptions = {}): Promise<Lock | undefined> {
  const { kv } = client;
  const { value = '' } = options;
  return holdBySession(client, options, {
    key,
    behavior: 'release',
    async take(session, waiting) {
      for (;;) {
        const pair = await kv.get(key);
        if (pair !== undefined && !isLock(pair))
          throw new MusterError(
            'request.rejected',
            `the key ${key} is there and is no lock: choose another prefix`,
          );
        const isFree = pair?.Session === undefined;
        if (isFree && (await kv.put(key, value, { acquire: session, flags: LOCK_FLAGS }))) return true;
        if (waiting.aborted) return false;
        // Free, and yet not to be had: its last holder died a moment ago, or somebody was quicker.
        if (isFree) await sleep(wakefulClock, RETRY, waiting);
        else
          for await (const view of kv.watch(key, { signal: waiting })) if (view?.Session === undefined) break;
      }
    },
    async untilLost(session, ending) {
      for await (const pair of kv.watch(key, { signal: ending })) if (pair?.Session !== session) return;
    },
    async giveBack(session) {
      await kv.put(key, value, { release: session, flags: LOCK_FLAGS });
      const left = await kv.get(key);
      // A key that is something else is not ours to take away.
      if (left !== undefined && left.Session === undefined && isLock(left))
        await kv.delete(key, { cas: left.ModifyIndex });
    },
  });
}
