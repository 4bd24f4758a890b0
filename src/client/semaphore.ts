import { MusterError, messageOf } from '../errors.ts';
import { holdBySession, type Lock, type LockOptions } from './claim.ts';
import type { Client } from './client.ts';
import type { KvPair } from './types.ts';

export interface SemaphoreOptions extends LockOptions {
  /** How many may hold it at a time; all that ask for it have to agree. */
  limit: number;
}

/** Says to other programs of Consul's kind that the keys are a semaphore. */
const SEMAPHORE_FLAGS = 0xe0f69a2baa414de0n;
/** Below the prefix: who holds it. Beside it each who wants it has a key with the name of its session. */
const HOLDERS = '.lock';

/** The value of that key, as Consul's clients write it. */
interface Holders {
  Limit: number;
  /** By session. */
  Holders: Record<string, boolean>;
}

/**
 * Waits for one of `limit` places at a prefix and takes it; undefined when the patience ended first. The keys are those
 * of Consul's clients: programs of both kinds wait for one another. Throws `request.rejected` when the prefix is used
 * for something else, or with another limit.
 */
export function takePlace(
  client: Client,
  prefix: string,
  options: SemaphoreOptions,
): Promise<Lock | undefined> {
  const { kv } = client;
  const { limit, value = '' } = options;
  const key = `${prefix}/${HOLDERS}`;
  return holdBySession(client, options, {
    key,
    // With the session goes the key that says that it wants a place.
    behavior: 'delete',
    async take(session, waiting) {
      const contender = `${prefix}/${session}`;
      if (!(await kv.put(contender, value, { acquire: session, flags: SEMAPHORE_FLAGS })))
        throw new MusterError('request.rejected', `the key ${contender} belongs to somebody else`);
      const taken = async (pairs: readonly KvPair[]): Promise<boolean> => {
        const [holders, index] = holdersOf(pairs, key, limit);
        // When somebody else was quicker the next view shows it.
        return (
          Object.keys(holders).length < limit &&
          (await write(client, key, { ...holders, [session]: true }, limit, index))
        );
      };
      if (await taken(await kv.list(`${prefix}/`))) return true;
      for await (const pairs of kv.watchList(`${prefix}/`, { signal: waiting }))
        if (await taken(pairs)) return true;
      return false;
    },
    async untilLost(session, ending) {
      for await (const pairs of kv.watchList(`${prefix}/`, { signal: ending })) {
        const [holders] = holdersOf(pairs, key, limit);
        if (!(session in holders)) return;
      }
    },
    async giveBack(session) {
      await leave(client, key, limit, session);
      await forget(client, prefix, limit);
    },
  });
}

/** Who holds it and is alive, with the index of the key that says so (0: there is none). Throws `request.rejected`. */
function holdersOf(
  pairs: readonly KvPair[],
  key: string,
  limit: number,
): [Readonly<Record<string, boolean>>, index: number] {
  const pair = pairs.find(({ Key }) => Key === key);
  if (pair === undefined) return [{}, 0];
  if (pair.Flags !== SEMAPHORE_FLAGS)
    throw new MusterError(
      'request.rejected',
      `the key ${key} is there and is no semaphore: choose another prefix`,
    );
  const { Limit, Holders } = parse(pair, key);
  if (Limit !== limit)
    throw new MusterError(
      'request.rejected',
      `the semaphore ${key} has ${Limit} places, not ${limit}: all that use it have to agree`,
    );
  const alive = new Set(pairs.flatMap(({ Session }) => (Session === undefined ? [] : [Session])));
  return [Object.fromEntries(Object.entries(Holders).filter(([one]) => alive.has(one))), pair.ModifyIndex];
}

function parse({ Value }: KvPair, key: string): Holders {
  try {
    const { Limit, Holders } = JSON.parse(new TextDecoder().decode(Value)) as Partial<Holders>;
    return { Limit: Number(Limit), Holders: Holders ?? {} };
  } catch (cause) {
    throw new MusterError('request.rejected', `the value of ${key} is no semaphore's: ${messageOf(cause)}`, {
      cause,
    });
  }
}

function write(
  { kv }: Client,
  key: string,
  holders: Readonly<Record<string, boolean>>,
  limit: number,
  index: number,
): Promise<boolean> {
  const contents: Holders = { Limit: limit, Holders: holders };
  return kv.put(key, JSON.stringify(contents), { cas: index, flags: SEMAPHORE_FLAGS });
}

/** Takes the session off the list of those that hold it. */
async function leave(client: Client, key: string, limit: number, session: string): Promise<void> {
  for (;;) {
    const pair = await client.kv.get(key);
    if (pair === undefined) return;
    const { [session]: isHolder, ...others } = parse(pair, key).Holders;
    if (isHolder === undefined || (await write(client, key, others, limit, pair.ModifyIndex))) return;
  }
}

/** Takes the key away when nobody holds it any more. */
async function forget(client: Client, prefix: string, limit: number): Promise<void> {
  const key = `${prefix}/${HOLDERS}`;
  const [holders, cas] = holdersOf(await client.kv.list(`${prefix}/`), key, limit);
  if (cas !== 0 && Object.keys(holders).length === 0) await client.kv.delete(key, { cas });
}
