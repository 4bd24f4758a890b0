/** Workers that take longer (ms) to apply a table are in trouble, which others tell. */
const PATIENCE = 1_000;

/** Which version of the table all workers have, and who waits for one. */
export class Settlement {
  #settled = 0;
  readonly #waiting = new Set<() => void>();

  /** All workers have `version`, or a later one. */
  settle(version: number): void {
    this.#settled = Math.max(this.#settled, version);
    for (const waiting of [...this.#waiting]) waiting();
  }

  /** Resolves when all workers have `version`, or when that takes too long. */
  reached(version: number): Promise<void> {
    if (this.#settled >= version) return Promise.resolve();
    return new Promise((resolve) => {
      const end = () => {
        clearTimeout(timer);
        this.#waiting.delete(look);
        resolve();
      };
      const look = () => {
        if (this.#settled >= version) end();
      };
      const timer = setTimeout(end, PATIENCE);
      this.#waiting.add(look);
    });
  }
}
