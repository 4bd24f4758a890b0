import { inTurns } from '../lib/in-turns.ts';
import { Tally } from '../lib/tally.ts';

export interface WaitFor {
  readonly topics: readonly string[];
  /** Also woken by any key of the key/value store that starts so. */
  readonly kvPrefix?: string;
}

/** Who waits for a topic or for a key below a prefix: the waiting half of a blocking query. */
export interface Waiter {
  readonly watched: WaitFor;
  /** Called after every commit that touches what is watched. */
  wake(): void;
  /** False once it is no longer waited: it is not woken any more. */
  live: boolean;
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
   * commit, or, where a commit concerns many, in one of the next turns of the event loop.
   */
  watch(watched: WaitFor, wake: () => void): () => void {
    const waiter: Waiter = { watched, wake, live: true };
    this.add(waiter);
    return () => this.remove(waiter);
  }

  /** As `watch`, without anything made for it. Hot path. */
  add(waiter: Waiter): void {
    const { topics, kvPrefix } = waiter.watched;
    this.size++;
    for (const name of topics) add(this.#byTopic, name, waiter);
    if (kvPrefix !== undefined && add(this.#byPrefix, kvPrefix, waiter)) this.#lengths.add(kvPrefix.length);
  }

  /** Once for each that was added. */
  remove(waiter: Waiter): void {
    const { topics, kvPrefix } = waiter.watched;
    waiter.live = false;
    this.size--;
    for (const name of topics) remove(this.#byTopic, name, waiter);
    if (kvPrefix !== undefined && remove(this.#byPrefix, kvPrefix, waiter))
      this.#lengths.remove(kvPrefix.length);
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
    inTurns(due, wake);
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

function wake(waiter: Waiter): void {
  if (waiter.live) waiter.wake();
}
