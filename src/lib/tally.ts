/** How many hold each key; who is held by nobody is not there. */
export class Tally<Key> {
  readonly #counts = new Map<Key, number>();

  get size(): number {
    return this.#counts.size;
  }

  has(key: Key): boolean {
    return this.#counts.has(key);
  }

  /** In the order in which they came first. */
  keys(): IterableIterator<Key> {
    return this.#counts.keys();
  }

  /** One more holds it; true for the first. */
  add(key: Key): boolean {
    const count = this.#counts.get(key) ?? 0;
    this.#counts.set(key, count + 1);
    return count === 0;
  }

  /** One less holds it; true when that was the last. */
  remove(key: Key): boolean {
    const count = this.#counts.get(key);
    if (count === undefined) return false;
    if (count > 1) this.#counts.set(key, count - 1);
    else this.#counts.delete(key);
    return count === 1;
  }
}
