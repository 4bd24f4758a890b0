/**
 * Takes what comes one by one to somebody who is quicker with many at once: while one group is being carried out, the
 * next one gathers. What comes in one turn of the event loop goes together, in the order in which it came.
 */
export class Gather<Item> {
  readonly #carryOut: (group: Item[]) => Promise<void>;
  readonly #most: number;
  #waiting: Item[] = [];
  #running: Promise<void> | undefined;

  /** `carryOut` must not reject: it tells the items themselves how they fared. `most`: items in one group. */
  constructor(carryOut: (group: Item[]) => Promise<void>, most = Number.POSITIVE_INFINITY) {
    this.#carryOut = carryOut;
    this.#most = most;
  }

  add(item: Item): void {
    this.#waiting.push(item);
    this.#running ??= this.#run();
  }

  /** Resolves when nothing is under way and nothing waits. */
  idle(): Promise<void> {
    return this.#running ?? Promise.resolve();
  }

  async #run(): Promise<void> {
    await new Promise(setImmediate);
    while (this.#waiting.length > 0) await this.#carryOut(this.#waiting.splice(0, this.#most));
    this.#running = undefined;
  }
}
