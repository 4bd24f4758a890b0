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

/**
 * The values that keys had since the process began, as far back as `maxBytes` reach: the oldest are forgotten first. What only takes or
 * gives back a lock is no new version.
 */
export class KeyHistory {
  readonly #maxBytes: number;
  /** Oldest first, of each key; a key stands where its last version is, so that the first one has been left alone the longest. */
  readonly #keys = new Map<string, KeyVersion[]>();
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
    return (this.#keys.get(key) ?? []).toReversed();
  }

  #take(key: string, before: KvEntry | undefined, after: KvEntry | undefined, index: number, time: number) {
    if (before !== undefined && after !== undefined && isSame(before.value, after.value)) return;
    const versions = this.#keys.get(key) ?? [];
    this.#keys.delete(key);
    this.#keys.set(key, versions);
    if (versions.length === 0 && before !== undefined)
      this.#push(key, versions, { index: before.modifyIndex, time: undefined, value: before.value });
    this.#push(key, versions, { index: after?.modifyIndex ?? index, time, value: after?.value });
    if (versions.length > OF_ONE_KEY) this.#forget(key, versions);
    while (this.#bytes > this.#maxBytes) {
      const [oldest] = this.#keys;
      if (oldest === undefined) break;
      this.#forget(...oldest);
    }
  }

  #push(key: string, versions: KeyVersion[], version: KeyVersion): void {
    versions.push(version);
    this.#bytes += sizeOf(key, version);
  }

  /** The oldest version of a key. */
  #forget(key: string, versions: KeyVersion[]): void {
    const version = versions.shift();
    if (version !== undefined) this.#bytes -= sizeOf(key, version);
    if (versions.length === 0) this.#keys.delete(key);
  }
}

function sizeOf(key: string, { value }: KeyVersion): number {
  return PER_VERSION + key.length + (value?.length ?? 0);
}

function isSame(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0;
}
