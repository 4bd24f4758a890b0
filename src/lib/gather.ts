/**
 * Takes what comes one by one to somebody who is quicker with many at once: while one group is being carried out, the
 * next one gathers. What comes alone is begun at once; where several came together, the next ones wait for the end of
 * their turn of the event loop, so that all of a turn go together. The order is that in which they came.
 */
export class Gather<Item> {
  readonly #carryOut: (group: Item[]) => Promise<void>;
  readonly #most: number;
  #waiting: Item[] = [];
  /** How many went together last. */
  #last = 0;
  #isBusy = false;
  #running: Promise<void> = Promise.resolve();

  /** `carryOut` must not reject: it tells the items themselves how they fared. `most`: items in one group. */
  constructor(carryOut: (group: Item[]) => Promise<void>, most = Number.POSITIVE_INFINITY) {
    this.#carryOut = carryOut;
    this.#most = most;
  }

  add(item: Item): void {
    this.#waiting.push(item);
    if (this.#isBusy) return;
    this.#isBusy = true;
    this.#running = this.#run();
  }

  /** Resolves when nothing is under way and nothing waits. */
  idle(): Promise<void> {
    return this.#running;
  }

  async #run(): Promise<void> {
    if (this.#last > 1) await new Promise(setImmediate);
    while (this.#waiting.length > 0) {
      const group = this.#waiting.splice(0, this.#most);
      this.#last = group.length;
      await this.#carryOut(group);
    }
    this.#isBusy = false;
  }
}
