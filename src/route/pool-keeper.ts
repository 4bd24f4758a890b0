import { isDeepStrictEqual } from 'node:util';
import type { PoolDelta, PoolSpec, PoolTargetSpec } from './pool-spec.ts';
import { Slots, type SlotsOptions } from './slots.ts';

export type PoolTarget = Omit<PoolTargetSpec, 'slot' | 'id'>;

export interface PoolContent extends Omit<PoolSpec, 'slot' | 'targets' | 'draining'> {
  /** By an id that is unique in the pool. */
  readonly targets: ReadonlyMap<string, PoolTarget>;
  /** By the same. */
  readonly draining?: readonly string[] | undefined;
}

export interface PoolKeeperOptions {
  /** Told of every change. Must not throw. */
  readonly publish: (delta: PoolDelta) => void;
  /** Places of pools and their targets in the shared counter block. */
  readonly slots: SlotsOptions;
}

/** The main thread's half: what the workers know of pools, and where their counters are. */
export class PoolKeeper {
  readonly #options: PoolKeeperOptions;
  readonly #slots: Slots;
  readonly #pools = new Map<string, PoolSpec>();
  #version = 0;

  constructor(options: PoolKeeperOptions) {
    this.#options = options;
    this.#slots = new Slots(options.slots);
  }

  /** Everything as one delta, for a worker that starts. */
  snapshot(): PoolDelta {
    return { version: this.#version, changed: [...this.#pools.values()], removed: [] };
  }

  /** All workers have applied `version`: slots given back before it may be used again. */
  settled(version: number): void {
    this.#slots.settle(version);
  }

  get(id: string): PoolSpec | undefined {
    return this.#pools.get(id);
  }

  /** Slot of a pool's target, also of one that is in it no more and may have connections; undefined when it never was. */
  slotOf(pool: string, target: string): number {
    return this.#slots.take(targetKey(pool, target));
  }

  /** Makes a pool, or makes it what it is said to be. Targets in the order of their ids, so that turns are the same everywhere. */
  set({ targets, draining, ...rest }: PoolContent): void {
    const before = this.#pools.get(rest.id);
    const ids = [...targets.keys()].sort();
    const spec: PoolSpec = {
      ...rest,
      slot: this.#slots.take(poolKey(rest.id)),
      targets: ids.map((id) => ({
        ...targets.get(id)!,
        // Another pool's target at the same place is another one: other checks, other limits, other counters.
        id: targetKey(rest.id, id),
        slot: this.#slots.take(targetKey(rest.id, id)),
      })),
      ...(draining === undefined ? {} : { draining: draining.map((id) => targetKey(rest.id, id)) }),
    };
    if (isDeepStrictEqual(before, spec)) return;
    this.#pools.set(spec.id, spec);
    this.#publish([spec], []);
  }

  /** A target is not in its pool any more and has no connections: its counters may be another's. */
  forget(pool: string, target: string): void {
    this.#slots.release(targetKey(pool, target), this.#version);
  }

  delete(id: string): void {
    const pool = this.#pools.get(id);
    if (pool === undefined) return;
    this.#pools.delete(id);
    this.#publish([], [id]);
    this.#slots.release(poolKey(id), this.#version);
    for (const target of pool.targets) this.#slots.release(target.id, this.#version);
  }

  #publish(changed: readonly PoolSpec[], removed: readonly string[]): void {
    this.#version++;
    this.#options.publish({ version: this.#version, changed, removed });
  }
}

const poolKey = (id: string): string => `pool ${id}`;
const targetKey = (pool: string, target: string): string => `${pool}/${target}`;
