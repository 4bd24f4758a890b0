/** Requests and connections for which every instance of their route or pool has as many as it may: first come, first served. */
import { Alone, type Neighbours } from '../neighbours.ts';

export interface Waiter {
  /** Tries to go on; false when there is still no room. */
  admit(): boolean;
  /** Whether it does not take every instance of its route, so that those behind it may find room where it finds none. */
  readonly isPicky: boolean;
}

/** What is waited for: a route or a pool, whose id outlives its tables. */
interface Queued {
  readonly id: string;
}

/** What one more admission counts for in the mean time between two: the last sixteen or so tell. */
const NEWS = 1 / 16;

/** Admissions before their pace is believed. */
const ENOUGH = 8;

/** How many that are picky are passed over at a time: each is asked anew whenever an instance has room. */
const MOST_PASSED = 64;

/** Who waits for one route, and how quickly they get on. */
class Queue {
  readonly waiters: Waiter[] = [];
  /** Those whose client says no more and may have left altogether: behind all others. */
  readonly doubtful: Waiter[] = [];
  #admitted = 0;
  #last: number;
  /** ms between two admissions. */
  #mean = 0;

  constructor(at: number) {
    this.#last = at;
  }

  /** ms that one who comes now is going to wait: 0 while that cannot be told. */
  get wait(): number {
    return this.#admitted < ENOUGH ? 0 : this.#mean * (this.waiters.length + 1);
  }

  get isEmpty(): boolean {
    return this.waiters.length === 0 && this.doubtful.length === 0;
  }

  admitted(at: number): void {
    const gap = at - this.#last;
    this.#last = at;
    this.#admitted++;
    this.#mean += (gap - this.#mean) * Math.max(NEWS, 1 / this.#admitted);
  }
}

export interface WaitingRoomOptions {
  /** Requests that may wait for one route. */
  most: number;
  /** Calls a task when the present event is done with. */
  soon(task: () => void): void;
  /** Default: there are none. */
  neighbours?: Neighbours | undefined;
  /** ms of a clock that never goes back. */
  now(): number;
}

export class WaitingRoom {
  readonly #options: WaitingRoomOptions;
  readonly #neighbours: Neighbours;
  /** By the id of the route: tables come and go meanwhile. */
  readonly #queues = new Map<string, Queue>();
  #isScheduled = false;

  constructor(options: WaitingRoomOptions) {
    this.#options = options;
    this.#neighbours = options.neighbours ?? new Alone();
    this.#neighbours.heed((useless) => {
      options.soon(() => {
        if (!this.#look()) useless();
      });
    });
  }

  /**
   * False when too many wait already, or get on so slowly that this one's turn would come after `patience` ms: better refused at once
   * than in vain later.
   */
  enter(route: Queued, waiter: Waiter, patience: number): boolean {
    const queue = this.#queues.get(route.id);
    if (queue === undefined) {
      if (this.#options.most === 0) return false;
      const first = new Queue(this.#options.now());
      first.waiters.push(waiter);
      this.#queues.set(route.id, first);
      this.#neighbours.add(1);
      return true;
    }
    if (queue.waiters.length >= this.#options.most || queue.wait > patience) return false;
    queue.waiters.push(waiter);
    this.#neighbours.add(1);
    return true;
  }

  leave(route: Queued, waiter: Waiter): void {
    const queue = this.#queues.get(route.id);
    if (queue === undefined || !(take(queue.waiters, waiter) || take(queue.doubtful, waiter))) return;
    this.#neighbours.add(-1);
    if (queue.isEmpty) this.#queues.delete(route.id);
  }

  /**
   * Its client has ended his direction. One that only half-closed waits for his answer, one that is gone looks the same: it is admitted
   * when nobody else waits. False: too many wait like that.
   */
  defer(route: Queued, waiter: Waiter): boolean {
    const queue = this.#queues.get(route.id);
    if (queue === undefined || !take(queue.waiters, waiter)) return true;
    queue.doubtful.push(waiter);
    return queue.doubtful.length <= this.#options.most;
  }

  /**
   * An instance has room. Who waits, here or at another worker, goes on once the present event is done with: the engine's memory is in
   * use until then.
   */
  freed(): void {
    if (this.#isScheduled || this.#neighbours.total === 0) return;
    this.#isScheduled = true;
    this.#options.soon(() => {
      this.#isScheduled = false;
      if (this.#neighbours.isOurs()) this.#look();
    });
  }

  /** For what nobody tells: an instance is back, a limit was raised. */
  sweep(): void {
    if (this.#queues.size > 0) this.#options.soon(() => this.#look());
  }

  /** Who waits here goes on where there is room. False when nobody could. */
  #look(): boolean {
    let isAnyAdmitted = false;
    for (const [id, queue] of this.#queues) {
      if (this.#admit(queue, queue.waiters)) isAnyAdmitted = true;
      if (queue.waiters.length === 0 && this.#admit(queue, queue.doubtful)) isAnyAdmitted = true;
      if (queue.isEmpty && this.#queues.get(id) === queue) this.#queues.delete(id);
    }
    return isAnyAdmitted;
  }

  /** As many of them as there is room for. Whether that was anybody. */
  #admit(queue: Queue, waiters: Waiter[]): boolean {
    let isAnyAdmitted = false;
    let passed = 0;
    for (let one = waiters[0]; one !== undefined; one = waiters[passed])
      if (one.admit()) {
        waiters.splice(passed, 1);
        queue.admitted(this.#options.now());
        this.#neighbours.add(-1);
        isAnyAdmitted = true;
      } else if (!one.isPicky || ++passed === MOST_PASSED) break;
    return isAnyAdmitted;
  }
}

/** Takes it out. Whether it was there. */
function take(waiters: Waiter[], waiter: Waiter): boolean {
  const place = waiters.indexOf(waiter);
  if (place >= 0) waiters.splice(place, 1);
  return place >= 0;
}
