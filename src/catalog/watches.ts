import { Tally } from '../lib/tally.ts';

/** Those who wait for a topic or for a key below a prefix: the waiting half of a blocking query. */
interface Waiter {
  topics: readonly string[];
  prefix: string | undefined;
  wake(): void;
  /** False once it is no longer waited. */
  live: boolean;
}

/**
 * Woken in one turn of the event loop. With 10,000 at once none was answered before all had been woken, everything that
 * was made for them was alive at the same time, and the write that woke them waited too.
 */
const BATCH = 256;

export interface WaitFor {
  topics: readonly string[];
  /** Also woken by any key of the key/value store that starts so. */
  kvPrefix?: string;
}

export class Watches {
  readonly #byTopic = new Map<string, Set<Waiter>>();
  /** Waiters by prefix; `#lengths` counts how many prefixes of each length there are. */
  readonly #byPrefix = new Map<string, Set<Waiter>>();
  readonly #lengths = new Tally<number>();

  /** How many wait at the moment. */
  size = 0;

  /**
   * Resolves true when one of the topics is touched, false when `signal` is aborted first. The caller looks
   * again at the data in either case.
   */
  wait(watched: WaitFor, signal: AbortSignal): Promise<boolean> {
    if (signal.aborted) return Promise.resolve(false);
    return new Promise((resolve) => {
      const end = (woken: boolean) => {
        signal.removeEventListener('abort', onAbort);
        unwatch();
        resolve(woken);
      };
      const onAbort = () => end(false);
      const unwatch = this.watch(watched, () => end(true));
      signal.addEventListener('abort', onAbort, { once: true });
    });
  }

  /**
   * Calls `wake` after every commit that touches one of the topics, until the answer is called (once): in the tick of the
   * commit, or, where a commit concerns more than `BATCH`, in one of the next turns of the event loop.
   */
  watch({ topics, kvPrefix }: WaitFor, wake: () => void): () => void {
    const waiter: Waiter = { topics, prefix: kvPrefix, wake, live: true };
    this.#add(waiter);
    return () => {
      waiter.live = false;
      this.#remove(waiter);
    };
  }

  /** Wakes who waits for one of `topics` or for a prefix of one of `keys`. */
  wake(topics: Iterable<string>, keys: Iterable<string>): void {
    const due: Waiter[] = [];
    for (const name of topics) {
      const waiters = this.#byTopic.get(name);
      if (waiters !== undefined) for (const waiter of waiters) due.push(waiter);
    }
    if (this.#byPrefix.size > 0) {
      for (const key of keys) {
        for (const length of this.#lengths.keys()) {
          if (length > key.length) continue;
          const waiters = this.#byPrefix.get(key.slice(0, length));
          if (waiters !== undefined) for (const waiter of waiters) due.push(waiter);
        }
      }
    }
    wakeFrom(due, 0);
  }

  #add(waiter: Waiter): void {
    this.size++;
    for (const name of waiter.topics) add(this.#byTopic, name, waiter);
    if (waiter.prefix !== undefined && add(this.#byPrefix, waiter.prefix, waiter))
      this.#lengths.add(waiter.prefix.length);
  }

  #remove(waiter: Waiter): void {
    this.size--;
    for (const name of waiter.topics) remove(this.#byTopic, name, waiter);
    if (waiter.prefix !== undefined && remove(this.#byPrefix, waiter.prefix, waiter))
      this.#lengths.remove(waiter.prefix.length);
  }
}

/** True when `waiter` is the first for `name`. */
function add(map: Map<string, Set<Waiter>>, name: string, waiter: Waiter): boolean {
  const set = map.get(name);
  if (set !== undefined) {
    set.add(waiter);
    return false;
  }
  map.set(name, new Set([waiter]));
  return true;
}

/** True when `waiter` was the last for `name`. */
function remove(map: Map<string, Set<Waiter>>, name: string, waiter: Waiter): boolean {
  const set = map.get(name);
  if (set === undefined) return false;
  set.delete(waiter);
  if (set.size > 0) return false;
  return map.delete(name);
}

/** Wakes those from `at` on, `BATCH` of them now and the others in the next turns. */
function wakeFrom(due: readonly Waiter[], at: number): void {
  const end = Math.min(due.length, at + BATCH);
  for (let i = at; i < end; i++) {
    const waiter = due[i] as Waiter;
    if (waiter.live) waiter.wake();
  }
  if (end < due.length) setImmediate(wakeFrom, due, end);
}
