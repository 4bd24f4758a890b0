import type { Balancer, Target } from '../balance/balancer.ts';
import type { Draw } from '../balance/strategy.ts';
import { compileGoRegexp, type GoRegexp } from '../lib/go-regexp.ts';
import { chooser } from './choice.ts';
import type { RateSpec } from './handling.ts';
import type { PoolSpec } from './pool-spec.ts';
import { SHARED_SLOT } from './slots.ts';

/** Names whose choice is remembered; then it begins anew. Clients may ask for any name. */
const REMEMBERED_NAMES = 1_024;

interface Named {
  readonly target: Target;
  /** In lower case; "" for any. */
  readonly name: string;
  /** Of the name, where names are patterns; undefined for one that is no regular expression, which nothing matches. */
  readonly pattern: GoRegexp | undefined;
}

/** Targets among whom one is chosen: all of a pool, or those for a name. */
export interface PoolPart {
  /** The pool's: whoever waits, or comes too often, does so for the whole of it. */
  readonly id: string;
  readonly balancer: Balancer;
  readonly targets: readonly Target[];
  readonly rates: readonly RateSpec[];
  /** Ids of others whose clients may stay with them. */
  readonly draining: readonly string[];
}

/** Where connections of one service can go: an immutable list of targets, chosen by the name that is asked for. */
export class Pool {
  readonly #spec: PoolSpec;
  readonly #draw: Draw;
  readonly #targets: readonly Named[];
  readonly #all: PoolPart;
  /** By name. Null: nobody takes it. */
  readonly #chosen = new Map<string, PoolPart | null>();
  /** By the places of their targets, since many names lead to the same ones. */
  readonly #groups = new Map<string, PoolPart>();

  /** `targets`: those of the spec, in its order. */
  constructor(spec: PoolSpec, targets: readonly Target[], draw: Draw, newcomer?: Target) {
    this.#spec = spec;
    this.#draw = draw;
    const areSlotsOwn = spec.slot !== SHARED_SLOT && spec.slot < draw.turns.length;
    const turns = areSlotsOwn ? draw.turns : new Int32Array(1);
    const turn = areSlotsOwn ? spec.slot : 0;
    this.#all = this.#part(
      targets,
      chooser(targets, spec.strategy, spec.choice ?? {}, { ...draw, turns }, turn, newcomer),
    );
    const isPattern = spec.names?.matching === 'regexp';
    this.#targets = targets.map((target, index) => {
      const name = spec.targets[index]?.serverName ?? '';
      return isPattern
        ? { target, name, pattern: patternOf(name) }
        : { target, name: name.toLowerCase(), pattern: undefined };
    });
  }

  get byName(): boolean {
    return this.#spec.names !== undefined;
  }

  /** `name`: in lower case, "" for none. Undefined: nobody takes a client that asks for it. */
  find(name: string): PoolPart | undefined {
    if (this.#spec.names === undefined) return this.#all;
    const known = this.#chosen.get(name);
    if (known !== undefined) return known ?? undefined;
    if (this.#chosen.size >= REMEMBERED_NAMES) this.#chosen.clear();
    const found = this.#choose(name);
    this.#chosen.set(name, found ?? null);
    return found;
  }

  #choose(name: string): PoolPart | undefined {
    const own = this.#matching(name);
    if (own.length > 0) return this.#group(own);
    switch (this.#spec.names!.unexpected) {
      case 'reject':
        return undefined;
      case 'any':
        return this.#all;
      case 'default':
        return name === '' ? undefined : this.#group(this.#matching(''));
    }
  }

  #part(targets: readonly Target[], balancer: Balancer): PoolPart {
    const { id, rates = [], draining = [] } = this.#spec;
    return { id: `pool ${id}`, balancer, targets, rates, draining };
  }

  /** Places of the targets for a name. */
  #matching(name: string): number[] {
    const isPattern = this.#spec.names!.matching === 'regexp';
    const places: number[] = [];
    for (const [place, { name: own, pattern }] of this.#targets.entries()) {
      // A target without a name is for clients without one, whichever way names are compared.
      const fits = isPattern && own !== '' ? pattern?.test(name) === true : own === name;
      if (fits) places.push(place);
    }
    return places;
  }

  #group(places: readonly number[]): PoolPart {
    const key = places.join(' ');
    let group = this.#groups.get(key);
    if (group === undefined) {
      if (this.#groups.size >= REMEMBERED_NAMES) this.#groups.clear();
      const targets = places.map((place) => this.#targets[place]!.target);
      // Turns of its own: on the counter of all, each group would skip some of its targets. Not from 0, or each change of the
      // pool would send the next client to the first target.
      const turns = Int32Array.of(Math.floor(this.#draw.random() * 0x7fff_ffff));
      // Zones are weighed for the whole pool: among those for a name they do not count.
      const { slowStart = 0 } = this.#spec.choice ?? {};
      const draw = { ...this.#draw, turns };
      group = this.#part(targets, chooser(targets, this.#spec.strategy, { slowStart }, draw, 0));
      this.#groups.set(key, group);
    }
    return group;
  }
}

function patternOf(name: string): GoRegexp | undefined {
  try {
    return compileGoRegexp(name);
  } catch {
    // Told of by the one who publishes the pool.
    return undefined;
  }
}
