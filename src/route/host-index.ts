import { byteText } from './byte-text.ts';

/**
 * Exact hosts by the hash of their bytes. Persistent: a change copies the list of buckets (a few µs) and one
 * bucket; hosts of other services are shared between the old and the new index.
 */
export interface HostEntry<Value> {
  /** Lower-case, as bytes (`byte-text.ts`). */
  readonly host: string;
  readonly hash: number;
  readonly value: Value;
}

/** 50,000 hosts make twelve a bucket, told apart by their hashes. */
const BUCKETS = 4096;

type Bucket<Value> = readonly HostEntry<Value>[];

export class HostIndex<Value> {
  readonly #buckets: readonly (Bucket<Value> | undefined)[];
  readonly #isEmpty: boolean;

  constructor(buckets: readonly (Bucket<Value> | undefined)[] = new Array(BUCKETS).fill(undefined)) {
    this.#buckets = buckets;
    this.#isEmpty = buckets.every((bucket) => bucket === undefined);
  }

  /** With some hosts set and those whose value is undefined taken out. */
  with(changes: ReadonlyMap<string, Value | undefined>): HostIndex<Value> {
    if (changes.size === 0) return this;
    const buckets = this.#buckets.slice();
    for (const [name, value] of changes) {
      const host = byteText(name);
      const hash = hashOfText(host);
      const at = hash % BUCKETS;
      const others = (buckets[at] ?? []).filter((entry) => entry.hash !== hash || entry.host !== host);
      const bucket = value === undefined ? others : [...others, { host, hash, value }];
      buckets[at] = bucket.length === 0 ? undefined : bucket;
    }
    return new HostIndex(buckets);
  }

  /** The same by its name in lower case; for changes. */
  find(name: string): Value | undefined {
    const host = byteText(name);
    const hash = hashOfText(host);
    return this.#buckets[hash % BUCKETS]?.find((entry) => entry.hash === hash && entry.host === host)?.value;
  }

  /** Hot path: allocates nothing. The host is in [start, end), in any case. */
  get(bytes: Uint8Array, start: number, end: number): Value | undefined {
    // As where all routes are for any host.
    if (this.#isEmpty) return undefined;
    const hash = hashOf(bytes, start, end);
    const bucket = this.#buckets[hash % BUCKETS];
    if (bucket === undefined) return undefined;
    for (let i = 0; i < bucket.length; i++) {
      const entry = bucket[i] as HostEntry<Value>;
      if (entry.hash === hash && isHost(entry.host, bytes, start, end)) return entry.value;
    }
    return undefined;
  }
}

/** FNV-1a over the lower-case bytes, 30 bits: a small integer, never boxed. */
function hashOf(bytes: Uint8Array, start: number, end: number): number {
  let hash = 0x811c9dc5;
  for (let at = start; at < end; at++) hash = Math.imul(hash ^ lower(bytes[at] as number), 0x01000193);
  return (hash ^ (hash >>> 15)) & 0x3fffffff;
}

/** The same of a host in lower case. */
function hashOfText(host: string): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < host.length; at++) hash = Math.imul(hash ^ host.charCodeAt(at), 0x01000193);
  return (hash ^ (hash >>> 15)) & 0x3fffffff;
}

function isHost(host: string, bytes: Uint8Array, start: number, end: number): boolean {
  if (host.length !== end - start) return false;
  for (let i = 0; i < host.length; i++)
    if (host.charCodeAt(i) !== lower(bytes[start + i] as number)) return false;
  return true;
}

function lower(byte: number): number {
  return byte >= 0x41 && byte <= 0x5a ? byte | 0x20 : byte;
}
