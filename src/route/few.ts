/**
 * A map that holds one entry, mostly: as a `Map` each of tens of thousands would take ten times the memory. Keeps the order of
 * insertion, as `Map` does.
 */
export class Few<Key, Value> {
  #key: Key | undefined;
  #value: Value | undefined;
  #size = 0;
  /** Of two and more. */
  #many: Map<Key, Value> | undefined;

  get size(): number {
    return this.#many?.size ?? this.#size;
  }

  has(key: Key): boolean {
    return this.#many === undefined ? this.#size === 1 && this.#key === key : this.#many.has(key);
  }

  set(key: Key, value: Value): void {
    if (this.#many !== undefined) this.#many.set(key, value);
    else if (this.#size === 0 || this.#key === key) {
      this.#key = key;
      this.#value = value;
      this.#size = 1;
    } else {
      this.#many = new Map([
        [this.#key as Key, this.#value as Value],
        [key, value],
      ]);
      this.#key = undefined;
      this.#value = undefined;
    }
  }

  delete(key: Key): void {
    if (this.#many !== undefined) this.#many.delete(key);
    else if (this.#size === 1 && this.#key === key) {
      this.#key = undefined;
      this.#value = undefined;
      this.#size = 0;
    }
  }

  values(): Value[] {
    if (this.#many !== undefined) return [...this.#many.values()];
    return this.#size === 0 ? [] : [this.#value as Value];
  }
}
