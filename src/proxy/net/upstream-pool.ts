import type { Target, TargetState } from '../../balance/balancer.ts';
import type { Engine } from '../http1/engine.ts';
import type { Transport, UpstreamLink } from '../http1/links.ts';
import type { Session } from '../http1/session.ts';
import { rangeOf } from './sender.ts';
import { UpstreamConnection, type UpstreamHome } from './upstream-connection.ts';

/** Idle keep-alive connections by instance, the youngest used first so that the others can go. */
export class UpstreamPool implements Transport, UpstreamHome {
  readonly engine: Engine;
  readonly readBuffer: Buffer;
  /** By state, which is unique for an instance and outlives table swaps. */
  readonly #idle = new Map<TargetState, UpstreamConnection[]>();

  constructor(engine: Engine, readBuffer: Buffer) {
    this.engine = engine;
    this.readBuffer = readBuffer;
  }

  open(session: Session, target: Target, fresh: boolean): UpstreamLink {
    const idle = fresh ? undefined : this.#idle.get(target.state);
    while (idle !== undefined && idle.length > 0) {
      const connection = idle.pop()!;
      connection.idleSince = 0;
      if (!connection.isUsable) continue;
      connection.reuse(session);
      return connection;
    }
    return new UpstreamConnection(this, target, session);
  }

  keep(start: number, end: number): Uint8Array {
    const copy = Buffer.allocUnsafe(end - start);
    copy.set(rangeOf(this.engine.memory, start, end));
    return copy;
  }

  returned(connection: UpstreamConnection): void {
    const { state } = connection.target;
    let idle = this.#idle.get(state);
    if (idle === undefined) {
      idle = [];
      this.#idle.set(state, idle);
    }
    if (idle.length >= this.engine.limits.maxIdlePerTarget) {
      connection.destroy();
      return;
    }
    connection.idleSince = this.engine.time;
    idle.push(connection);
  }

  left(connection: UpstreamConnection): void {
    if (connection.idleSince === 0) return;
    const idle = this.#idle.get(connection.target.state);
    const at = idle?.indexOf(connection) ?? -1;
    if (at >= 0) idle!.splice(at, 1);
  }

  /** Closes what has been idle for too long; the oldest are in front. Forgets instances without connections. */
  sweep(now: number): void {
    const oldest = now - this.engine.limits.upstreamIdleTimeout;
    for (const [state, idle] of this.#idle) {
      let stale = 0;
      while (stale < idle.length && idle[stale]!.idleSince <= oldest) stale++;
      for (const connection of idle.splice(0, stale)) connection.destroy();
      if (idle.length === 0) this.#idle.delete(state);
    }
  }

  /** Idle connections to an instance that is gone. */
  forget(state: TargetState): void {
    const idle = this.#idle.get(state) ?? [];
    this.#idle.delete(state);
    for (const connection of idle) connection.destroy();
  }

  /** All idle connections. */
  close(): void {
    for (const state of [...this.#idle.keys()]) this.forget(state);
  }
}
