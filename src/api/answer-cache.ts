import type { Catalog } from '../catalog/catalog.ts';
import { Pool } from '../lib/pool.ts';
import { indexOf, type Watched } from './watched.ts';

/** Bytes of bodies that are kept: some hundred services of a hundred instances, indented and not. */
const MAX_BYTES = 32 * 1024 * 1024;

/** What an entry takes besides its body, roughly: headers, key, places in the maps. */
const OVERHEAD = 1024;

/** Questions of rare kinds that are remembered, in each of two generations. */
const REMEMBERED = 256;
/** Longer ones are not: together they would take more than they save. */
const MAX_REMEMBERED = 1024;

interface Entry<Value> {
  readonly key: string;
  readonly value: Value;
  readonly watched: Watched;
  readonly index: number;
  bytes: number;
}

/**
 * Answers that were encoded before, by what was asked for. One is only given out at the index at which it was made; the
 * change feed drops those that a commit concerns, so that memory is held by answers that may still be used. Bounded in
 * bytes: the one that was made first goes first.
 */
export class AnswerCache<Value> {
  readonly #catalog: Catalog;
  readonly #maxBytes: number;
  readonly #entries = new Map<string, Entry<Value>>();
  readonly #byTopic = new Map<string, Set<Entry<Value>>>();
  /** Rare questions that were asked once. */
  readonly #once = new Pool<true>(REMEMBERED);
  #bytes = 0;

  constructor(catalog: Catalog, maxBytes = MAX_BYTES) {
    this.#catalog = catalog;
    this.#maxBytes = maxBytes;
    catalog.feed.subscribe(({ topics }) => {
      if (this.#byTopic.size === 0) return;
      for (const topic of topics)
        for (const entry of [...(this.#byTopic.get(topic) ?? [])]) this.#drop(entry);
    });
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Hot path: two look-ups, nothing is allocated. */
  get(key: string): Value | undefined {
    const entry = this.#entries.get(key);
    if (entry === undefined) return undefined;
    if (indexOf(this.#catalog, entry.watched) === entry.index) return entry.value;
    this.#drop(entry);
    return undefined;
  }

  /**
   * Keeps an answer of `bytes` that was read when the index of `watched` was `index`: in the same tick, or it may be
   * newer than that. What is larger than a quarter of everything is not kept, nor what depends on no topic; `isRare`: nor what was not
   * asked before. Answers to questions that never come again lived until the cache was full, and each filling had all of a
   * large registry's memory looked through for garbage.
   */
  set(
    key: string,
    value: Value,
    made: { watched: Watched; index: number; bytes: number; isRare?: boolean },
  ): void {
    const { watched, index, isRare = false } = made;
    if (isRare && !this.#comesAgain(key)) return;
    const known = this.#entries.get(key);
    if (known !== undefined) this.#drop(known);
    const bytes = made.bytes + key.length + OVERHEAD;
    if (bytes > this.#maxBytes / 4 || watched.topics.length === 0) return;
    const entry = { key, value, watched, index, bytes };
    this.#entries.set(key, entry);
    for (const topic of watched.topics) {
      const set = this.#byTopic.get(topic);
      if (set === undefined) this.#byTopic.set(topic, new Set([entry]));
      else set.add(entry);
    }
    this.#bytes += bytes;
    this.#shrink();
  }

  /** Counts `bytes` more for an entry that grew, e.g. by a compressed body. */
  grow(key: string, value: Value, bytes: number): void {
    const entry = this.#entries.get(key);
    if (entry?.value !== value) return;
    entry.bytes += bytes;
    this.#bytes += bytes;
    this.#shrink();
  }

  #comesAgain(key: string): boolean {
    if (this.#once.get(key) === true) return true;
    if (key.length <= MAX_REMEMBERED) this.#once.set(key, true);
    return false;
  }

  #shrink(): void {
    for (const entry of this.#entries.values()) {
      if (this.#bytes <= this.#maxBytes) return;
      this.#drop(entry);
    }
  }

  #drop(entry: Entry<Value>): void {
    this.#entries.delete(entry.key);
    this.#bytes -= entry.bytes;
    for (const topic of entry.watched.topics) {
      const set = this.#byTopic.get(topic);
      if (set?.delete(entry) && set.size === 0) this.#byTopic.delete(topic);
    }
  }
}
