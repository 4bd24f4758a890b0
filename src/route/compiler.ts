import { isDeepStrictEqual } from 'node:util';
import type { Target } from '../balance/balancer.ts';
import type { TargetStates } from '../balance/states.ts';
import { STRATEGIES } from '../balance/strategies.ts';
import type { Draw } from '../balance/strategy.ts';
import { ByteTable, DEFAULT_TABLE, type TableChange, type TableOptions } from './byte-table.ts';
import { compileHandling, type HandlingSpec, handlingKey, PLAIN, PLAIN_HANDLING } from './handling.ts';
import { SHARED_SLOT } from './slots.ts';
import { isSameTls, type RouteDelta, type RouteSpec, type TargetSpec } from './spec.ts';
import type { Route, RouteTable } from './table.ts';

export interface CompilerOptions extends Draw {
  readonly states: TargetStates;
  readonly table?: TableOptions;
  /** Requests in flight on an instance at most, unless it says so itself; 0: as many as there are. */
  readonly maxInFlight?: number;
}

interface Compiled {
  readonly spec: RouteSpec;
  /** Where the route's turn is counted. */
  readonly turns: Int32Array;
  readonly targets: ReadonlyMap<string, Target>;
}

/**
 * The worker's half: keeps the specs and turns each delta into a table. Only routes of the delta are built anew; the rest of the
 * new table is the old one's.
 */
export class Compiler {
  readonly #options: CompilerOptions;
  readonly #routes = new Map<string, Compiled>();
  #table: ByteTable;
  #version = 0;

  constructor(options: CompilerOptions) {
    this.#options = options;
    this.#table = new ByteTable(options.table ?? DEFAULT_TABLE);
  }

  get table(): RouteTable {
    return this.#table;
  }

  /** Version of the last delta, 0 before the first: what a worker reports back. */
  get version(): number {
    return this.#version;
  }

  apply(delta: RouteDelta): RouteTable {
    const changes: TableChange[] = [];
    const tcp = new Map<string, Route | undefined>();
    const change = (place: RouteSpec, route: Route | undefined) => {
      if (place.kind === 'tcp') tcp.set(place.host, route);
      else changes.push({ place, route });
    };
    for (const id of delta.removed) {
      const known = this.#routes.get(id);
      if (known === undefined) continue;
      this.#routes.delete(id);
      this.#release(known);
      change(known.spec, undefined);
    }
    for (const spec of delta.changed) change(spec, this.#build(spec));
    for (const patch of delta.patched) {
      const known = this.#routes.get(patch.id);
      if (known === undefined) continue;
      const targets = new Map(known.spec.targets.map((target) => [target.id, target]));
      for (const id of patch.gone) targets.delete(id);
      for (const target of patch.set) targets.set(target.id, target);
      const spec = { ...known.spec, targets: [...targets.values()] };
      change(spec, this.#build(spec));
    }
    this.#table = this.#table.with(changes).withTcp(tcp);
    this.#version = delta.version;
    return this.#table;
  }

  #build(spec: RouteSpec): Route {
    const known = this.#routes.get(spec.id);
    const targets = new Map<string, Target>();
    let newcomer: Target | undefined;
    for (const wanted of spec.targets) {
      const old = known?.targets.get(wanted.id);
      const target = old !== undefined && isSame(old, wanted) ? old : this.#target(wanted);
      targets.set(target.id, target);
      if (known !== undefined && old === undefined) newcomer ??= target;
    }
    // Targets that stay keep their place in `states`; those that left or moved give theirs back last, so
    // that a state in use never falls to zero in between.
    for (const old of known?.targets.values() ?? []) if (targets.get(old.id) !== old) this.#drop(old);
    const turns = this.#turns(spec, known);
    this.#routes.set(spec.id, { spec, targets, turns });
    const turn = turns === this.#options.turns ? spec.slot : 0;
    const { id, service, slot } = spec;
    const { random } = this.#options;
    const part = (members: readonly Target[], wanted: HandlingSpec, newcomer?: Target): Route => {
      const handling = handlingKey(wanted) === PLAIN_KEY ? PLAIN : compileHandling(wanted);
      const balancer = STRATEGIES[spec.strategy].balancer(members, { random, turns }, turn, newcomer);
      const special = handling.guarded || handling.hostOfTarget;
      return { id, service, slot, handling, balancer, targets: members, special };
    };
    const all = [...targets.values()];
    const whole = part(all, spec.handlings[0] ?? PLAIN_HANDLING, newcomer);
    if (spec.handlings.length <= 1) return whole;
    const armOf = new Map(spec.targets.map((target) => [target.id, target.arm ?? 0]));
    const arms = new Map<Target, Route>();
    for (const [arm, handling] of spec.handlings.entries()) {
      const members = all.filter((target) => armOf.get(target.id) === arm);
      const route = part(members, handling);
      for (const target of members) arms.set(target, route);
    }
    return { ...whole, arms, special: true };
  }

  /** Routes without a slot of their own share one: taking turns together, each would skip some of its targets. */
  #turns(spec: RouteSpec, known: Compiled | undefined): Int32Array {
    const { turns } = this.#options;
    if (spec.slot !== SHARED_SLOT && spec.slot < turns.length) return turns;
    return known === undefined || known.turns === turns ? new Int32Array(1) : known.turns;
  }

  #target(spec: TargetSpec): Target {
    const { id, host, port, weight, slot, tls, options } = spec;
    const maxConnections = (options?.maxConnections ?? this.#options.maxInFlight) || undefined;
    const state = this.#options.states.take(id, host, port, mannerOf(spec), slot);
    return { id, host, port, weight, slot, state, tls, options, maxConnections };
  }

  #release(route: Compiled): void {
    for (const target of route.targets.values()) this.#drop(target);
  }

  #drop(target: Target): void {
    const { id, host, port } = target;
    this.#options.states.release(id, host, port, mannerOf(target));
  }
}

/** How it is spoken to: what is known of an instance in one manner says nothing about another. */
export function mannerOf({ tls, options }: Target | TargetSpec): string {
  return tls === undefined && options === undefined ? '' : JSON.stringify([tls, options]);
}

function isSame(a: Target, b: TargetSpec): boolean {
  return (
    a.host === b.host &&
    a.port === b.port &&
    a.weight === b.weight &&
    a.slot === b.slot &&
    isSameTls(a.tls, b.tls) &&
    isDeepStrictEqual(a.options, b.options)
  );
}

const PLAIN_KEY = handlingKey(PLAIN_HANDLING);

/** A table of `specs` alone, for a worker that starts and for tests. */
export function compile(specs: readonly RouteSpec[], options: CompilerOptions): RouteTable {
  return new Compiler(options).apply({ version: 1, changed: specs, patched: [], removed: [] });
}
