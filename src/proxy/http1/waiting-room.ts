/** Requests for which every instance of their route has as many as it may: first come, first served. */
import type { Route } from '../../route/table.ts';

export interface Waiter {
  /** As it was when the request came. */
  readonly route: Route | undefined;
  /** Tries to go on; false when there is still no room. */
  admit(): boolean;
}

export class WaitingRoom {
  readonly #most: number;
  /** By the id of the route: tables come and go meanwhile. */
  readonly #queues = new Map<string, Waiter[]>();
  readonly #soon: (task: () => void) => void;
  #isScheduled = false;

  /** `most`: that may wait for one route. `soon` calls a task when the present event is done with. */
  constructor(most: number, soon: (task: () => void) => void) {
    this.#most = most;
    this.#soon = soon;
  }

  /** False when too many wait. */
  enter(route: Route, waiter: Waiter): boolean {
    const queue = this.#queues.get(route.id);
    if (queue === undefined) {
      if (this.#most === 0) return false;
      this.#queues.set(route.id, [waiter]);
      return true;
    }
    if (queue.length >= this.#most) return false;
    queue.push(waiter);
    return true;
  }

  leave(route: Route, waiter: Waiter): void {
    const queue = this.#queues.get(route.id);
    const place = queue?.indexOf(waiter) ?? -1;
    if (queue === undefined || place < 0) return;
    queue.splice(place, 1);
    if (queue.length === 0) this.#queues.delete(route.id);
  }

  /**
   * An instance has room, or may have: other workers' requests end without a word. Who waits goes on once the present
   * event is done with: the engine's memory is in use until then.
   */
  freed(): void {
    if (this.#isScheduled || this.#queues.size === 0) return;
    this.#isScheduled = true;
    this.#soon(() => {
      this.#isScheduled = false;
      for (const [id, queue] of this.#queues) {
        while (queue[0]?.admit() === true) queue.shift();
        if (queue.length === 0 && this.#queues.get(id) === queue) this.#queues.delete(id);
      }
    });
  }
}
