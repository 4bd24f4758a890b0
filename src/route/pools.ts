import type { Target } from '../balance/balancer.ts';
import type { TargetStates } from '../balance/states.ts';
import type { Draw } from '../balance/strategy.ts';
import { mannerOf } from './compiler.ts';
import { Pool } from './pool.ts';
import type { PoolDelta, PoolSpec, PoolTargetSpec } from './pool-spec.ts';
import { isSameTls } from './spec.ts';

export interface PoolsOptions extends Draw {
  readonly states: TargetStates;
  /** Called before a pool is looked up: applies the deltas that are there. */
  readonly catchUp?: () => void;
}

interface Built {
  readonly pool: Pool;
  readonly targets: ReadonlyMap<string, Target>;
}

/** The worker's half: turns deltas into pools. Whoever holds an id asks for its pool each time, and gets the one of the last delta. */
export class Pools {
  readonly #options: PoolsOptions;
  readonly #built = new Map<string, Built>();
  #version = 0;

  constructor(options: PoolsOptions) {
    this.#options = options;
  }

  /** Version of the last delta, 0 before the first: what a worker reports back. */
  get version(): number {
    return this.#version;
  }

  get(id: string): Pool | undefined {
    this.#options.catchUp?.();
    return this.#built.get(id)?.pool;
  }

  apply({ version, changed, removed }: PoolDelta): void {
    for (const id of removed) {
      for (const target of this.#built.get(id)?.targets.values() ?? []) this.#drop(target);
      this.#built.delete(id);
    }
    for (const spec of changed) this.#build(spec);
    this.#version = version;
  }

  #build(spec: PoolSpec): void {
    const known = this.#built.get(spec.id);
    const targets = new Map<string, Target>();
    let newcomer: Target | undefined;
    const { datagrams } = spec;
    for (const wanted of spec.targets) {
      const old = known?.targets.get(wanted.id);
      const target = old !== undefined && isSame(old, wanted) ? old : this.#target(wanted, datagrams);
      targets.set(target.id, target);
      if (known !== undefined && old === undefined) newcomer ??= target;
    }
    // Those that left give their state back last, so that one in use never falls to zero in between.
    for (const old of known?.targets.values() ?? []) if (targets.get(old.id) !== old) this.#drop(old);
    this.#built.set(spec.id, {
      pool: new Pool(spec, [...targets.values()], this.#options, newcomer),
      targets,
    });
  }

  #target(spec: PoolTargetSpec, datagrams: boolean): Target {
    const { id, host, port, weight, slot, priority, maxConnections, tls, since, far } = spec;
    const state = this.#options.states.take(id, host, port, mannerOf(spec), slot);
    return {
      id,
      host,
      port,
      weight,
      slot,
      priority,
      maxConnections,
      datagrams,
      tls,
      since,
      far,
      state,
    };
  }

  #drop(target: Target): void {
    const { id, host, port } = target;
    this.#options.states.release(id, host, port, mannerOf(target));
  }
}

function isSame(a: Target, b: PoolTargetSpec): boolean {
  return (
    a.host === b.host &&
    a.port === b.port &&
    a.weight === b.weight &&
    a.slot === b.slot &&
    a.priority === b.priority &&
    a.maxConnections === b.maxConnections &&
    a.since === b.since &&
    a.far === b.far &&
    isSameTls(a.tls, b.tls)
  );
}
