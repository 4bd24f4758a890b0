/**
 * Who waits for room at the other workers. Load is counted in common, so a worker that gives all the room it frees to its own requests
 * keeps it for ever: those that wait at a neighbour would wait in vain. So the room goes to a worker drawn by how many wait
 * there; on the average that is first come, first served.
 */
import { BroadcastChannel } from 'node:worker_threads';

/** Cell 0 is the sum of the others, one for each worker. */
const TOTAL = 0;

/** More workers than machines have cores. */
const MOST = 1_024;

/** How many requests wait at which worker, in shared memory. */
export class WaitingCounts {
  readonly shared: SharedArrayBuffer;
  readonly #cells: Int32Array;

  /** `shared`: as another thread made it. */
  constructor(shared = new SharedArrayBuffer((MOST + 1) * Int32Array.BYTES_PER_ELEMENT)) {
    this.shared = shared;
    this.#cells = new Int32Array(shared);
  }

  get total(): number {
    return Atomics.load(this.#cells, TOTAL);
  }

  at(worker: number): number {
    return Atomics.load(this.#cells, worker + 1);
  }

  add(worker: number, change: number): void {
    Atomics.add(this.#cells, worker + 1, change);
    Atomics.add(this.#cells, TOTAL, change);
  }

  /** The worker is gone, and who waited there with it. */
  forget(worker: number): void {
    this.add(worker, -this.at(worker));
  }

  /** A worker by how many wait there. `random` is at least 0 and below 1. */
  draw(random: number): number {
    let place = Math.floor(random * this.total);
    for (let worker = 0; worker < MOST; worker++) {
      place -= this.at(worker);
      if (place < 0) return worker;
    }
    // They left meanwhile.
    return -1;
  }
}

/** What a waiting room knows of the others. */
export interface Neighbours {
  /** Requests that wait anywhere. */
  readonly total: number;
  /** So many more wait here. */
  add(change: number): void;
  /** Whether room that came free is ours to give. If not, another worker has been told. */
  isOurs(): boolean;
  /** What to do when a neighbour leaves room to us; `useless` gives it back. To be called once. */
  heed(onOffer: (useless: () => void) => void): void;
}

/** A worker that is the only one. */
export class Alone implements Neighbours {
  total = 0;

  add(change: number): void {
    this.total += change;
  }

  isOurs(): boolean {
    return true;
  }

  heed(): void {}
}

/** `from`: who freed the room, and takes it back when it is of no use there. */
interface Offer {
  readonly to: number;
  readonly from?: number;
}

export interface Neighbourhood {
  /** The workers of a fleet have one name. */
  readonly name: string;
  readonly counts: SharedArrayBuffer;
  /** Which of the workers this is. */
  readonly index: number;
}

export class Neighbourly implements Neighbours {
  readonly #counts: WaitingCounts;
  readonly #index: number;
  readonly #channel: BroadcastChannel;
  readonly #random: () => number;

  constructor({ name, counts, index }: Neighbourhood, random: () => number) {
    this.#counts = new WaitingCounts(counts);
    this.#index = index;
    this.#random = random;
    this.#channel = new BroadcastChannel(name);
    this.#channel.unref();
  }

  heed(onOffer: (useless: () => void) => void): void {
    this.#channel.onmessage = (event) => {
      const { to, from } = (event as { data: Offer }).data;
      if (to !== this.#index) return;
      onOffer(() => {
        if (from !== undefined) this.#offer({ to: from });
      });
    };
  }

  get total(): number {
    return this.#counts.total;
  }

  add(change: number): void {
    this.#counts.add(this.#index, change);
  }

  isOurs(): boolean {
    if (this.#counts.total === this.#counts.at(this.#index)) return true;
    const drawn = this.#counts.draw(this.#random());
    if (drawn === this.#index || drawn < 0) return true;
    this.#offer({ to: drawn, from: this.#index });
    return false;
  }

  close(): void {
    this.#channel.close();
  }

  #offer(offer: Offer): void {
    this.#channel.postMessage(offer);
  }
}
