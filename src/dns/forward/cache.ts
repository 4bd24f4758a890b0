import { EDNS_DO, FLAG } from '../../lib/dns/numbers.ts';
import type { Query } from '../../lib/dns/query.ts';
import type { Entry } from './entry.ts';

/** Of the map's place, the key and the object of an entry. */
const BYTES_OF_ENTRY = 400;

/**
 * Answers of others by question. Bounded in number and bytes; the one that was longest not asked for goes first, found by a
 * clock that passes over what was used since it last came by: nothing is moved when an answer is found.
 */
export class Cache {
  readonly #maxEntries: number;
  readonly #maxBytes: number;
  /** How long an answer stays after it has run out, in ms. */
  readonly #staleFor: number;
  /** By whether signatures are wanted (DO) and checking is off (CD): other answers to the same question. */
  readonly #maps = [0, 1, 2, 3].map(() => new Map<string, Entry>());
  #bytes = 0;

  constructor({ entries, bytes, staleFor }: { entries: number; bytes: number; staleFor: number }) {
    this.#maxEntries = entries;
    this.#maxBytes = bytes;
    this.#staleFor = staleFor;
  }

  get size(): number {
    return this.#maps.reduce((sum, map) => sum + map.size, 0);
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Hot path: one look-up. What is found may have run out. */
  find(query: Query): Entry | undefined {
    return this.#mapOf(query).get(query.key);
  }

  put(query: Query, entry: Entry): void {
    if (this.#maxEntries === 0) return;
    const map = this.#mapOf(query);
    this.#drop(map, query.key);
    map.set(query.key, entry);
    this.#bytes += bytesOf(query.key, entry);
    while (this.size > this.#maxEntries || this.#bytes > this.#maxBytes) this.#evict();
  }

  /** Takes away what may not even be answered in need any more. `now`: ms since the epoch. */
  sweep(now: number): void {
    for (const map of this.#maps)
      for (const [key, entry] of map) if (entry.until + this.#staleFor <= now) this.#drop(map, key);
  }

  clear(): void {
    for (const map of this.#maps) map.clear();
    this.#bytes = 0;
  }

  #mapOf({ flags, ednsFlags }: Query): Map<string, Entry> {
    const index = ((ednsFlags & EDNS_DO) === 0 ? 0 : 1) + ((flags & FLAG.CD) === 0 ? 0 : 2);
    return this.#maps[index] as Map<string, Entry>;
  }

  #evict(): void {
    let largest = this.#maps[0] as Map<string, Entry>;
    for (const map of this.#maps) if (map.size > largest.size) largest = map;
    // Maps keep the order of insertion: whoever was used gets another round.
    for (const [key, entry] of largest) {
      if (!entry.used) {
        this.#drop(largest, key);
        return;
      }
      entry.used = false;
      largest.delete(key);
      largest.set(key, entry);
    }
  }

  #drop(map: Map<string, Entry>, key: string): void {
    const entry = map.get(key);
    if (entry === undefined) return;
    map.delete(key);
    this.#bytes -= bytesOf(key, entry);
  }
}

function bytesOf(key: string, { bytes, ttlAt }: Entry): number {
  return BYTES_OF_ENTRY + key.length + bytes.length + ttlAt.length * 6;
}
