import { MusterError } from '../errors.ts';
import { type Answer, type CallOptions, type Connection, callOf, type ReadOptions } from './connection.ts';
import { fromBase64 } from './platform.ts';
import type { KvPair } from './types.ts';
import { Watch, type WatchOptions } from './watch.ts';

export interface PutOptions extends CallOptions {
  /** Only if the key's `ModifyIndex` is this; 0: only if it does not exist. */
  cas?: number;
  /** Any number of 64 bits that the writer wants to keep with the value. */
  flags?: number | bigint;
  /** Take the key's lock for this session. */
  acquire?: string;
  /** Give the key's lock back for this session. */
  release?: string;
}

type WirePair = Omit<KvPair, 'Value'> & { Value: string | null };

/** The key/value store. */
export class KvCalls {
  readonly #connection: Connection;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  /** Undefined when there is no such key. */
  async get(key: string, options: ReadOptions = {}): Promise<KvPair | undefined> {
    return (await this.#pairs(key, options, {})).value[0];
  }

  /** The value as text, or undefined when there is no such key. */
  async text(key: string, options: ReadOptions = {}): Promise<string | undefined> {
    const pair = await this.get(key, options);
    return pair === undefined ? undefined : new TextDecoder().decode(pair.Value);
  }

  watch(key: string, options: WatchOptions = {}): Watch<KvPair | undefined> {
    return new Watch(async (read) => {
      const answer = await this.#pairs(key, read, {});
      return { ...answer, value: answer.value[0] };
    }, options);
  }

  /** All pairs whose key starts with `prefix`, in the order of their keys. */
  async list(prefix: string, options: ReadOptions = {}): Promise<KvPair[]> {
    return (await this.#pairs(prefix, options, { recurse: true })).value;
  }

  watchList(prefix: string, options: WatchOptions = {}): Watch<KvPair[]> {
    return new Watch((read) => this.#pairs(prefix, read, { recurse: true }), options);
  }

  /** Keys that start with `prefix`, cut after the first `separator` that follows it. */
  async keys(prefix: string, options: ReadOptions & { separator?: string } = {}): Promise<string[]> {
    const params = { keys: true, separator: options.separator };
    const path = pathOf(prefix);
    return (await this.#connection.read<string[] | undefined>(path, options, params, [404])).value ?? [];
  }

  /** False when `cas`, `acquire` or `release` did not apply. */
  async put(key: string, value: string | Uint8Array, options: PutOptions = {}): Promise<boolean> {
    const { cas, flags, acquire, release } = options;
    const { bytes } = await this.#connection.send({
      ...callOf(options),
      method: 'PUT',
      path: pathOf(key),
      params: { cas, flags, acquire, release },
      body: typeof value === 'string' ? new TextEncoder().encode(value) : value,
    });
    return saysTrue(bytes);
  }

  /** False when `cas` did not apply. Deleting what is not there succeeds. */
  async delete(
    key: string,
    options: CallOptions & { cas?: number; recurse?: boolean } = {},
  ): Promise<boolean> {
    const { bytes } = await this.#connection.send({
      ...callOf(options),
      method: 'DELETE',
      path: pathOf(key),
      params: { cas: options.cas, recurse: options.recurse },
    });
    return saysTrue(bytes);
  }

  async #pairs(key: string, options: ReadOptions, params: { recurse?: true }): Promise<Answer<KvPair[]>> {
    const path = pathOf(key);
    const answer = await this.#connection.read<WirePair[] | undefined>(path, options, params, [404]);
    return { ...answer, value: (answer.value ?? []).map(pairOf) };
  }
}

function pairOf(pair: WirePair): KvPair {
  return { ...pair, Value: fromBase64(pair.Value ?? '') };
}

const saysTrue = (bytes: Uint8Array): boolean => new TextDecoder().decode(bytes).trim() === 'true';

/**
 * Slashes stay readable, except where a segment is "." or "..": URLs lose those, so that the slashes beside
 * them are encoded too. A key that is nothing but dots cannot be sent.
 */
function pathOf(key: string): string {
  const segments = key.split('/');
  const hasDots = segments.some((segment) => segment === '.' || segment === '..');
  if (hasDots && segments.length === 1)
    throw new MusterError('request.invalid', `${JSON.stringify(key)} cannot be a key: URLs lose it.`);
  return `/v1/kv/${segments.map(encodeURIComponent).join(hasDots ? '%2F' : '/')}`;
}
