/** A group as people look at it; also the JSON of `/v1/muster/groups`. */
import type { AutoscaleMode, Decision } from './autoscale/autoscaler.ts';
import type { Carried } from './autoscale/signals.ts';
import type { AutoscaleSpec } from './autoscale/spec.ts';
import type { InstanceView } from './instance.ts';
import type { RolloutState } from './rollout.ts';
import type { Health } from './surroundings.ts';

export interface ManagedInstance extends Omit<InstanceView, 'health'> {
  /** Which edition of the group's template it was started from. */
  readonly edition: number;
  /** Null: it is not registered. */
  readonly health: Health | null;
  readonly ready: boolean;
  /** It gets no new requests and will end. */
  readonly leaving: boolean;
}

/** A group at a moment of the last hour. */
export interface GroupPoint {
  /** Milliseconds since the epoch. */
  readonly at: number;
  readonly size: number;
  readonly ready: number;
  /** Requests a second through the balancer, all instances together. */
  readonly requests: number;
  /** What they carry of the other signals that the group goes by, as far as it can be measured. */
  readonly carried?: Carried | undefined;
}

export interface GroupView {
  readonly name: string;
  readonly driver: string;
  readonly service: string | null;
  /** Of a group that is spread over nodes: name of the one that looks after it; "": at present none does. */
  readonly controller?: string;
  /** Names of the nodes that take instances of it. */
  readonly nodes?: readonly string[];
  /** How many instances there are to be. */
  readonly size: number;
  readonly ready: number;
  /** The edition that all are to have. */
  readonly edition: number;
  readonly rollout: RolloutState;
  readonly autoscale: { readonly min: number; readonly max: number; readonly mode: AutoscaleMode } | null;
  /** The autoscaler's last word. */
  readonly decision: Decision | null;
  /** Those that changed the size, newest first. */
  readonly decisions: readonly Decision[];
  /** Why instances that fail are left alone; "" when none is. */
  readonly held: string;
  /** The last hour, oldest first. */
  readonly history: readonly GroupPoint[];
  readonly instances: readonly ManagedInstance[];
}

/** What can be done to a group. */
export interface GroupControl {
  readonly name: string;
  view(): GroupView;
  /** How its size is chosen; undefined: by hand. */
  policy(): AutoscaleSpec | undefined;
  /** Answers with what it became. */
  scale(size: number): Promise<number>;
  roll(): Promise<void>;
  /** False, as with the next ones, when there is nothing that it could be done to. */
  pause(): Promise<boolean>;
  resume(): Promise<boolean>;
  rollBack(): Promise<boolean>;
}
