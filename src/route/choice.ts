/**
 * What a route has to say about which of its instances gets a request, besides the strategy: plain data from the main thread, and what a
 * worker makes of it. Routes without any of it have none.
 */
import type { Balancer, Target } from '../balance/balancer.ts';
import { SlowStart } from '../balance/slow-start.ts';
import { STRATEGIES, type StrategyName } from '../balance/strategies.ts';
import type { Draw } from '../balance/strategy.ts';
import { spilling, Tiers } from '../balance/tiers.ts';
import type { Route } from './table.ts';

/** By what somebody who sends requests is known. Who lacks the field or the cookie is known by his address. */
export interface Asker {
  readonly kind: 'address' | 'header' | 'cookie';
  /** Of the field, in lower case, or of the cookie; "" for an address. */
  readonly name: string;
}

export const BY_ADDRESS: Asker = { kind: 'address', name: '' };

/** The same instance for the same client, as long as it takes requests. */
export interface StickySpec {
  /** Name of the cookie; "" for one made of the route's. */
  readonly cookie: string;
  /** How long (s) a client keeps it; 0: until it ends. */
  readonly maxAge: number;
}

/** A part of the users gets the instances that say so of themselves. */
export interface CanarySpec {
  /** From 0 to 1. */
  readonly share: number;
  readonly by: Asker;
  /** Requests with this field go there whatever the share. */
  readonly when?: { readonly header: string; readonly value: string };
}

export interface ChoiceSpec {
  readonly sticky?: StickySpec;
  /** Of strategies that send the same one to the same place. */
  readonly by?: Asker;
  readonly canary?: CanarySpec;
  /** Time (ms) in which an instance that comes gets to its whole share. */
  readonly slowStart?: number;
  /** Sum of the weights that the balancer's own zone has when all of it is healthy. */
  readonly zone?: number;
}

/** The same as the data path uses it. */
export interface Choice {
  readonly sticky: StickySpec | undefined;
  readonly by: Asker | undefined;
  readonly canary:
    | (CanarySpec & { /** For those in it, and for the others. */ readonly arm: Route; readonly rest: Route })
    | undefined;
}

/** The balancer of targets that belong together: zones and slow start around the strategy. */
export function chooser(
  targets: readonly Target[],
  strategy: StrategyName,
  { slowStart = 0, zone }: ChoiceSpec,
  draw: Draw,
  turn: number,
  newcomer?: Target,
): Balancer {
  const { random, now = Date.now } = draw;
  const part = (members: readonly Target[], own: Draw, at: number, fresh?: Target): Balancer => {
    const balancer = STRATEGIES[strategy].balancer(members, own, at, fresh);
    return slowStart > 0 ? new SlowStart(balancer, slowStart, random, now) : balancer;
  };
  const near = targets.filter(({ far }) => far !== true);
  // In its turn a newcomer would be first: one that begins slowly waits for it.
  if (zone === undefined || near.length === targets.length)
    return part(targets, draw, turn, slowStart > 0 ? undefined : newcomer);
  const distant = targets.filter(({ far }) => far === true);
  return new Tiers(
    part(near, ownTurns(draw), 0),
    part(distant, ownTurns(draw), 0),
    spilling({ targets: near, meant: zone, random, now }),
  );
}

/** For a part of a route's targets: on the turns of all, each part would skip some of its own. Not from 0, or each change began anew. */
export function ownTurns(draw: Draw): Draw {
  return { ...draw, turns: Int32Array.of(Math.floor(draw.random() * 0x7fff_ffff)) };
}
