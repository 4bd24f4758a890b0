import type { TargetState } from '../balance/balancer.ts';

/** What the pool needs to know of a connection to an instance. */
export interface Idler {
  readonly target: { readonly state: TargetState };
  /** Since when it is idle (engine time); 0 when it is not. */
  idleSince: number;
  /** Whether a request can still go out on it. */
  readonly isUsable: boolean;
  destroy(): void;
}

/** Idle keep-alive connections by instance, the youngest used first so that the others can go. Of any transport. */
export class IdleConnections<Connection extends Idler> {
  /** By state, which is unique for an instance and outlives table swaps. */
  readonly #idle = new Map<TargetState, Connection[]>();
  readonly #limits: { readonly maxIdlePerTarget: number; readonly upstreamIdleTimeout: number };

  constructor(limits: { readonly maxIdlePerTarget: number; readonly upstreamIdleTimeout: number }) {
    this.#limits = limits;
  }

  /** One that can be used at once, no longer idle. */
  take(state: TargetState): Connection | undefined {
    const idle = this.#idle.get(state);
    if (idle === undefined) return undefined;
    while (idle.length > 0) {
      const connection = idle.pop()!;
      connection.idleSince = 0;
      if (connection.isUsable) return connection;
    }
    return undefined;
  }

  /** Keeps it for the next exchange, unless there are enough. `now`: engine time. */
  put(connection: Connection, now: number): void {
    const { state } = connection.target;
    let idle = this.#idle.get(state);
    if (idle === undefined) {
      idle = [];
      this.#idle.set(state, idle);
    }
    if (idle.length >= this.#limits.maxIdlePerTarget) {
      connection.destroy();
      return;
    }
    connection.idleSince = now;
    idle.push(connection);
  }

  /** It is gone; it may have been idle. */
  left(connection: Connection): void {
    if (connection.idleSince === 0) return;
    const idle = this.#idle.get(connection.target.state);
    const at = idle?.indexOf(connection) ?? -1;
    if (at >= 0) idle!.splice(at, 1);
  }

  /** Closes what has been idle for too long; the oldest are in front. Forgets instances without connections. */
  sweep(now: number): void {
    const oldest = now - this.#limits.upstreamIdleTimeout;
    for (const [state, idle] of this.#idle) {
      let stale = 0;
      while (stale < idle.length && idle[stale]!.idleSince <= oldest) stale++;
      for (const connection of idle.splice(0, stale)) connection.destroy();
      if (idle.length === 0) this.#idle.delete(state);
    }
  }

  /** Ends the idle connections to an instance that is gone. */
  forget(state: TargetState): void {
    const idle = this.#idle.get(state) ?? [];
    this.#idle.delete(state);
    for (const connection of idle) connection.destroy();
  }

  /** Ends all of them. */
  close(): void {
    for (const state of [...this.#idle.keys()]) this.forget(state);
  }
}
