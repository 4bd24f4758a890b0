/**
 * Where the connections of one service go, as plain data: what the main thread tells the workers about TCP and UDP. Everything here
 * survives `postMessage`; a worker turns it into a `Pool`.
 */
import type { StrategyName } from '../balance/strategies.ts';
import type { ChoiceSpec } from './choice.ts';
import type { RateSpec } from './handling.ts';
import type { TargetSpec } from './spec.ts';

export interface PoolTargetSpec extends TargetSpec {
  readonly priority: number;
  /** 0: as many as there are. */
  readonly maxConnections: number;
  /** Of the servers that TLS clients ask for; "": any. */
  readonly serverName: string;
}

export const NAME_MATCHING = ['exact', 'regexp'] as const;
export const UNEXPECTED_NAMES = ['default', 'reject', 'any'] as const;

/** How targets are chosen by the name that a TLS client asks for. */
export interface NameRules {
  /** Whether a target's name is the name, or a regular expression of Go for names. */
  readonly matching: (typeof NAME_MATCHING)[number];
  /** Who takes a client that asks for another name: targets without a name, nobody, all. */
  readonly unexpected: (typeof UNEXPECTED_NAMES)[number];
}

export interface PoolSpec {
  readonly id: string;
  /** Its targets take datagrams. */
  readonly datagrams: boolean;
  readonly strategy: StrategyName;
  /** What else there is to say about choosing; most pools have nothing. */
  readonly choice?: Pick<ChoiceSpec, 'slowStart' | 'zone'> | undefined;
  /** How many connections, or sessions of datagrams, a client may open in a time. */
  readonly rates?: readonly RateSpec[] | undefined;
  /** Undefined: whatever name is asked for. */
  readonly names: NameRules | undefined;
  /** Index of the pool's counters in the shared counter block, and of its turn. */
  readonly slot: number;
  readonly targets: readonly PoolTargetSpec[];
  /** Ids of others that begin nothing any more and may finish what they have begun. */
  readonly draining?: readonly string[] | undefined;
}

/** What changed since the version before. */
export interface PoolDelta {
  /** Counts up by one. */
  readonly version: number;
  readonly changed: readonly PoolSpec[];
  /** Ids of pools that are gone. */
  readonly removed: readonly string[];
}
