import type { TargetState } from '../balance/balancer.ts';
import type { Engine } from './http1/engine.ts';
import type { Transport } from './http1/links.ts';
import type { ListenerBase, ListenerSpec } from './listener-spec.ts';
import type { ListenerHome, OpenListener } from './net/listener-kind.ts';

/** The connections of an engine to instances. */
export interface EnginePool extends Transport {
  /** Called ten times a second with the engine's time: ends what has been idle for too long. */
  sweep(now: number): void;
  /** Nothing leads to the instance any more: its idle connections end. */
  forget(state: TargetState): void;
  /** Ends all idle connections. */
  close(): void;
}

/** A road to the kernel, for one worker. */
export interface TransportKind {
  /** What the engine is to work in; its own when there is none. */
  readonly memory?: Uint8Array;
  /** Monotonic milliseconds. */
  now(): number;
  /** Calls a task when the present event is done with; default: a microtask. */
  readonly soon?: (task: () => void) => void;
  pool(engine: Engine): EnginePool;
  /** Rejects with `listen.*`. */
  open(home: ListenerHome, spec: ListenerSpec): Promise<OpenListener>;
  /** For listeners on Node's sockets: see `ListenerHome`. */
  readonly bind?: (spec: ListenerBase) => Promise<number>;
  /** Everything was told to close: resolves when it is. */
  stop(): Promise<void>;
}
