/** Those who wait for a topic or for a key below a prefix: the waiting half of a blocking query. */
interface Waiter {
  topics: readonly string[];
  prefix: string | undefined;
  wake(): void;
}

export interface WaitFor {
  topics: readonly string[];
  /** Also woken by any key of the key/value store that starts so. */
  kvPrefix?: string;
}

export class Watches {
  readonly #byTopic = new Map<string, Set<Waiter>>();
  /** Waiters by prefix; `#lengths` counts how many prefixes of each length there are. */
  readonly #byPrefix = new Map<string, Set<Waiter>>();
  readonly #lengths = new Map<number, number>();

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

  /** Calls `wake` in the tick of every commit that touches one of the topics, until the answer is called (once). */
  watch({ topics, kvPrefix }: WaitFor, wake: () => void): () => void {
    const waiter: Waiter = { topics, prefix: kvPrefix, wake };
    this.#add(waiter);
    return () => this.#remove(waiter);
  }

  /** Wakes who waits for one of `topics` or for a prefix of one of `keys`. */
  wake(topics: Iterable<string>, keys: Iterable<string>): void {
    for (const name of topics) {
      for (const waiter of [...(this.#byTopic.get(name) ?? [])]) waiter.wake();
    }
    if (this.#byPrefix.size === 0) return;
    for (const key of keys) {
      for (const length of [...this.#lengths.keys()]) {
        if (length > key.length) continue;
        for (const waiter of [...(this.#byPrefix.get(key.slice(0, length)) ?? [])]) waiter.wake();
      }
    }
  }

  #add(waiter: Waiter): void {
    this.size++;
    for (const name of waiter.topics) add(this.#byTopic, name, waiter);
    if (waiter.prefix !== undefined && add(this.#byPrefix, waiter.prefix, waiter)) {
      const { length } = waiter.prefix;
      this.#lengths.set(length, (this.#lengths.get(length) ?? 0) + 1);
    }
  }

  #remove(waiter: Waiter): void {
    this.size--;
    for (const name of waiter.topics) remove(this.#byTopic, name, waiter);
    if (waiter.prefix !== undefined && remove(this.#byPrefix, waiter.prefix, waiter)) {
      const { length } = waiter.prefix;
      const left = (this.#lengths.get(length) ?? 0) - 1;
      if (left > 0) this.#lengths.set(length, left);
      else this.#lengths.delete(length);
    }
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
