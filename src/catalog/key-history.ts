import type { Clock } from '../lib/clock.ts';
import type { Catalog } from './catalog.ts';
import type { KvEntry } from './rows.ts';

/** A value that a key had from this moment on. */
export interface KeyVersion {
  readonly index: number;
  /** Milliseconds since the epoch; undefined: before this process began. */
  readonly time: number | undefined;
  /** Undefined: the key was deleted. */
  readonly value: Uint8Array | undefined;
}

/** What a version takes besides its value, roughly. */
const PER_VERSION = 120;
/** Of one key: a counter that is written all the time must not push out what others had. */
const OF_ONE_KEY = 50;

/** The versions of a key, oldest first, among the other keys. */
interface Kept {
  readonly key: string;
  readonly versions: KeyVersion[];
  /** Written before it, and after it, of those that are kept. */
  older: Kept | undefined;
  newer: Kept | undefined;
}

/**
 * The values that keys had since the process began, as far back as `maxBytes` reach: the oldest are forgotten first. What only takes or
 * gives back a lock is no new version.
 */
export class KeyHistory {
  readonly #maxBytes: number;
  readonly #keys = new Map<string, Kept>();
  /** The key that has been left alone the longest, and the one that was written last. Not by the order of the map: one that is written again leaves a gap there. */
  #oldest: Kept | undefined;
  #newest: Kept | undefined;
  #bytes = 0;
  readonly stop: () => void;

  constructor({
    catalog,
    clock,
    maxBytes,
  }: { catalog: Catalog; clock: Pick<Clock, 'now'>; maxBytes: number }) {
    this.#maxBytes = maxBytes;
    this.stop = catalog.feed.subscribe(({ index, changes }) => {
      const now = clock.now();
      for (const change of changes)
        if (change.table === 'kv') this.#take(change.key, change.before, change.after, index, now);
    });
  }

  /** What is kept, as far as it can be told. At most `maxBytes`. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Newest first; [] for a key that nothing happened to. */
  versions(key: string): KeyVersion[] {
    return (this.#keys.get(key)?.versions ?? []).toReversed();
  }

  #take(key: string, before: KvEntry | undefined, after: KvEntry | undefined, index: number, time: number) {
    if (before !== undefined && after !== undefined && isSame(before.value, after.value)) return;
    const kept = this.#keys.get(key) ?? this.#begin(key);
    if (kept !== this.#newest) {
      this.#unlink(kept);
      this.#append(kept);
    }
    if (kept.versions.length === 0 && before !== undefined)
      this.#push(kept, { index: before.modifyIndex, time: undefined, value: before.value });
    this.#push(kept, { index: after?.modifyIndex ?? index, time, value: after?.value });
    if (kept.versions.length > OF_ONE_KEY) this.#forget(kept);
    while (this.#bytes > this.#maxBytes && this.#oldest !== undefined) this.#forget(this.#oldest);
  }

  #begin(key: string): Kept {
    const kept: Kept = { key, versions: [], older: undefined, newer: undefined };
    this.#keys.set(key, kept);
    this.#append(kept);
    return kept;
  }

  #push({ key, versions }: Kept, version: KeyVersion): void {
    versions.push(version);
    this.#bytes += sizeOf(key, version);
  }

  /** The oldest version of a key. */
  #forget(kept: Kept): void {
    const { key, versions } = kept;
    const version = versions.shift();
    if (version !== undefined) this.#bytes -= sizeOf(key, version);
    if (versions.length > 0) return;
    this.#keys.delete(key);
    this.#unlink(kept);
  }

  #append(kept: Kept): void {
    kept.older = this.#newest;
    if (this.#newest === undefined) this.#oldest = kept;
    else this.#newest.newer = kept;
    this.#newest = kept;
  }

  #unlink(kept: Kept): void {
    const { older, newer } = kept;
    if (older === undefined) this.#oldest = newer;
    else older.newer = newer;
    if (newer === undefined) this.#newest = older;
    else newer.older = older;
    kept.older = undefined;
    kept.newer = undefined;
  }
}

function sizeOf(key: string, { value }: KeyVersion): number {
  return PER_VERSION + key.length + (value?.length ?? 0);
}

function isSame(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0;
}
