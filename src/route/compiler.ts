import { isDeepStrictEqual } from 'node:util';
import type { Balancer, Target } from '../balance/balancer.ts';
import type { TargetStates } from '../balance/states.ts';
import type { Draw } from '../balance/strategy.ts';
import { Tiers } from '../balance/tiers.ts';
import { ByteTable, DEFAULT_TABLE, type TableChange, type TableOptions } from './byte-table.ts';
import { type Choice, type ChoiceSpec, chooser, ownTurns } from './choice.ts';
import {
  compileHandling,
  type HandlingSpec,
  handlingKey,
  PLAIN,
  PLAIN_HANDLING,
  sharedHandlings,
} from './handling.ts';
import { isSameTls, type RouteDelta, type RouteSpec, type TargetSpec } from './spec.ts';
import type { Route, RouteTable } from './table.ts';
import { type Turn, Turns } from './turns.ts';

export interface CompilerOptions extends Draw {
  readonly states: TargetStates;
  readonly table?: TableOptions;
  /** Requests in flight on an instance at most, unless it says so itself; 0: as many as there are. */
  readonly maxInFlight?: number;
}

type RouteHead = Omit<RouteSpec, 'targets'>;

interface Compiled {
  /** Without its targets, which would be kept twice. */
  readonly spec: RouteHead;
  readonly turn: Turn;
  readonly targets: readonly Target[];
  /** As it is in the table. */
  route?: Route;
}

/**
 * The worker's half: keeps the specs and turns each delta into a table. Only routes of the delta are built anew; the rest of the
 * new table is the old one's.
 */
export class Compiler {
  readonly #options: CompilerOptions;
  readonly #routes = new Map<string, Compiled>();
  readonly #turns: Turns;
  #table: ByteTable;
  #version = 0;

  constructor(options: CompilerOptions) {
    this.#options = options;
    this.#turns = new Turns(options.turns);
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
    const named = { tcp: new Map<string, Route | undefined>(), mirror: new Map<string, Route | undefined>() };
    const change = (place: RouteHead, route: Route | undefined) => {
      if (place.kind === 'http') changes.push({ place, route });
      else named[place.kind].set(place.host, route);
    };
    for (const id of delta.removed) {
      const known = this.#routes.get(id);
      if (known === undefined) continue;
      this.#routes.delete(id);
      this.#release(known);
      change(known.spec, undefined);
    }
    for (const spec of delta.changed) change(spec, this.#replace(spec));
    for (const patch of delta.patched) {
      const known = this.#routes.get(patch.id);
      if (known === undefined) continue;
      const targets = new Map<string, TargetSpec>(known.targets.map((target) => [target.id, target]));
      for (const id of patch.gone) targets.delete(id);
      for (const target of patch.set) targets.set(target.id, target);
      const spec = { ...known.spec, targets: [...targets.values()] };
      change(spec, this.#replace(spec));
    }
    this.#table = this.#table.with(changes).withNamed('tcp', named.tcp).withNamed('mirrors', named.mirror);
    this.#version = delta.version;
    return this.#table;
  }

  #replace(spec: RouteSpec): Route {
    const before = this.#routes.get(spec.id)?.route;
    const route = this.#build(spec);
    if (before !== undefined) before.replacedBy = route;
    this.#routes.get(spec.id)!.route = route;
    return route;
  }

  #build(spec: RouteSpec): Route {
    const known = this.#routes.get(spec.id);
    const before = new Map(known?.targets.map((target) => [target.id, target]));
    let newcomer: Target | undefined;
    const all = spec.targets.map((wanted) => {
      const old = before.get(wanted.id);
      const isKept = old !== undefined && isSame(old, wanted);
      const target = isKept ? old : this.#target(wanted);
      if (known !== undefined && old === undefined) newcomer ??= target;
      if (isKept) before.delete(wanted.id);
      return target;
    });
    // Targets that stay keep their place in `states`; those that left or moved give theirs back last, so
    // that a state in use never falls to zero in between.
    for (const old of before.values()) this.#drop(old);
    const turn = this.#turns.take(spec.slot, known?.turn);
    const { targets: _, ...head } = spec;
    this.#routes.set(spec.id, {
      spec: { ...head, handlings: sharedHandlings(spec.handlings) },
      targets: all,
      turn,
    });
    const { id, service, slot, choice = NO_CHOICE } = spec;
    const draw: Draw = { ...this.#options, turns: turn.turns };
    const part = (members: readonly Target[], wanted: HandlingSpec, balancer: Balancer): Route => {
      const handling = handlingKey(wanted) === PLAIN_KEY ? PLAIN : compileHandling(wanted);
      const special = handling.guarded || handling.hostOfTarget;
      return { id, service, slot, handling, balancer, targets: members, special };
    };
    const choose = (members: readonly Target[], own: Draw, at: number, fresh?: Target): Balancer =>
      chooser(members, spec.strategy, choice, own, at, fresh);
    const first = spec.handlings[0] ?? PLAIN_HANDLING;
    const tried =
      choice.canary === undefined ? undefined : this.#tried(all, (some) => choose(some, ownTurns(draw), 0));
    const whole = part(all, first, tried?.rest ?? choose(all, draw, turn.turn, newcomer));
    const arms = spec.handlings.length <= 1 ? undefined : new Map<Target, Route>();
    if (arms !== undefined) {
      for (const [arm, handling] of spec.handlings.entries()) {
        const members = all.filter((target) => (target.arm ?? 0) === arm);
        const route = part(members, handling, choose(members, ownTurns(draw), 0));
        for (const target of members) arms.set(target, route);
      }
    }
    if (arms === undefined && spec.choice === undefined) return whole;
    const special = { ...whole, arms, special: arms !== undefined || whole.special || isAsked(choice) };
    return { ...special, choice: compileChoice(choice, special, tried?.arm) };
  }

  /** Balancers for those who try a canary out and for the others: each group stands in for the other. */
  #tried(
    all: readonly Target[],
    choose: (members: readonly Target[]) => Balancer,
  ): { arm: Balancer; rest: Balancer } {
    const canaries = choose(all.filter(({ canary }) => canary === true));
    const others = choose(all.filter(({ canary }) => canary !== true));
    return { arm: new Tiers(canaries, others), rest: new Tiers(others, canaries) };
  }

  #target(spec: TargetSpec): Target {
    const { id, host, port, weight, slot, tls, options, arm, since, canary, far } = spec;
    const maxConnections = (options?.maxConnections ?? this.#options.maxInFlight) || undefined;
    const state = this.#options.states.take(id, host, port, mannerOf(spec), slot);
    return { id, host, port, weight, slot, state, tls, options, maxConnections, arm, since, canary, far };
  }

  #release(route: Compiled): void {
    for (const target of route.targets) this.#drop(target);
    this.#turns.release(route.turn);
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
    a.since === b.since &&
    a.canary === b.canary &&
    a.far === b.far &&
    (a.arm ?? 0) === (b.arm ?? 0) &&
    isSameTls(a.tls, b.tls) &&
    isDeepStrictEqual(a.options, b.options)
  );
}

const PLAIN_KEY = handlingKey(PLAIN_HANDLING);
const NO_CHOICE: ChoiceSpec = {};

/** Whether a request has to be looked at for it: zones and slow start are the balancer's alone. */
function isAsked({ sticky, by, canary }: ChoiceSpec): boolean {
  return sticky !== undefined || by !== undefined || canary !== undefined;
}

function compileChoice({ sticky, by, canary }: ChoiceSpec, rest: Route, arm: Balancer | undefined): Choice {
  const both =
    canary === undefined || arm === undefined ? undefined : { arm: { ...rest, balancer: arm }, rest };
  return {
    sticky,
    by,
    canary: both === undefined || canary === undefined ? undefined : { ...canary, ...both },
  };
}

/** A table of `specs` alone, for a worker that starts and for tests. */
export function compile(specs: readonly RouteSpec[], options: CompilerOptions): RouteTable {
  return new Compiler(options).apply({ version: 1, changed: specs, patched: [], removed: [] });
}
