/**
 * One of each of the values that come again and again, by a text that tells them apart. What is not asked for any more is let go:
 * there are two generations, and when the younger one is full the older one is forgotten.
 */
export class Pool<Value> {
  readonly #most: number;
  #young = new Map<string, Value>();
  #old = new Map<string, Value>();

  /** `most`: values in a generation. */
  constructor(most: number) {
    this.#most = most;
  }

  get(text: string): Value | undefined {
    const young = this.#young.get(text);
    if (young !== undefined) return young;
    const old = this.#old.get(text);
    if (old !== undefined) this.set(text, old);
    return old;
  }

  set(text: string, value: Value): void {
    if (this.#young.size >= this.#most) {
      this.#old = this.#young;
      this.#young = new Map();
    }
    this.#young.set(text, value);
  }
}
