/** Slot of everything that found none of its own: counted together, never refused. */
export const SHARED_SLOT = 0;

export interface SlotsOptions {
  /** Slots of the counter block, the shared one among them. */
  readonly capacity: number;
  /** Whether the workers have nothing in flight on it. Default: always. */
  readonly isIdle?: (slot: number) => boolean;
  /** Told when a slot goes to somebody new: its counters begin at zero again. */
  readonly onAssign?: (slot: number) => void;
}

/**
 * Places in the shared counter block, for routes and instances alike. A slot that was given back is given to another only when
 * all workers have left the table that named it and nothing is in flight on it: until then a worker may still count
 * into it. Whoever comes back in the meantime gets his old slot and goes on counting where he stopped.
 */
export class Slots {
  readonly #options: SlotsOptions;
  readonly #taken = new Map<string, number>();
  /** Given back, oldest first. */
  readonly #resting = new Map<string, { slot: number; version: number }>();
  #fresh = SHARED_SLOT + 1;
  #settled = 0;

  constructor(options: SlotsOptions) {
    this.#options = options;
  }

  /** The slot of `key`, the same until it is released; the shared one, for now, when all are taken. */
  take(key: string): number {
    const taken = this.#taken.get(key);
    if (taken !== undefined) return taken;
    const resting = this.#resting.get(key);
    const slot = resting === undefined ? this.#assign() : resting.slot;
    this.#resting.delete(key);
    // Of tens of thousands that share a slot nobody keeps a list.
    if (slot !== SHARED_SLOT) this.#taken.set(key, slot);
    return slot;
  }

  /** Gives the slot of `key` back; `version` is that of the first table without it. */
  release(key: string, version: number): void {
    const slot = this.#taken.get(key);
    if (slot === undefined) return;
    this.#taken.delete(key);
    this.#resting.set(key, { slot, version });
  }

  /** All workers have table `version` or a later one. */
  settle(version: number): void {
    this.#settled = Math.max(this.#settled, version);
  }

  #assign(): number {
    const slot = this.#fresh < this.#options.capacity ? this.#fresh++ : this.#reuse();
    if (slot !== SHARED_SLOT) this.#options.onAssign?.(slot);
    return slot;
  }

  /** Fresh slots go first, so that old figures can be looked at for as long as possible. */
  #reuse(): number {
    const { isIdle = () => true } = this.#options;
    for (const [key, { slot, version }] of this.#resting) {
      if (version > this.#settled) break;
      if (!isIdle(slot)) continue;
      this.#resting.delete(key);
      return slot;
    }
    return SHARED_SLOT;
  }
}
