import { speaksHttp2, type Target, type TargetState } from '../../balance/balancer.ts';
import type { Engine } from '../http1/engine.ts';
import type { UpstreamLink } from '../http1/links.ts';
import type { Session } from '../http1/session.ts';
import { IdleConnections } from '../idle-connections.ts';
import { rangeOf } from '../net/sender.ts';
import { UpstreamPool as NodePool } from '../net/upstream-pool.ts';
import type { EnginePool } from '../transport.ts';
import type { Loop } from './loop.ts';
import { Names } from './names.ts';
import { UpstreamConnection, type UpstreamHome } from './upstream-connection.ts';

/** Connections to instances, new and idle. */
export class UpstreamPool implements EnginePool, UpstreamHome {
  readonly loop: Loop;
  readonly names = new Names();
  readonly #engine: Engine;
  readonly #idle: IdleConnections<UpstreamConnection>;
  /** TLS and HTTP/2 are Node's. */
  readonly #secure: NodePool;

  constructor(engine: Engine, loop: Loop) {
    this.#engine = engine;
    this.loop = loop;
    this.#idle = new IdleConnections(engine.limits);
    this.#secure = new NodePool(engine);
  }

  open(session: Session, target: Target, fresh: boolean): UpstreamLink {
    if (target.tls !== undefined || speaksHttp2(target)) return this.#secure.open(session, target, fresh);
    const idle = fresh ? undefined : this.#idle.take(target.state);
    if (idle === undefined) return new UpstreamConnection(this, target, session);
    idle.reuse(session);
    return idle;
  }

  keep(start: number, end: number): Uint8Array {
    // A part of a block of Node's: `slice` would take memory of its own for each.
    const copy = Buffer.allocUnsafe(end - start);
    copy.set(rangeOf(this.#engine.memory, start, end));
    return copy;
  }

  returned(connection: UpstreamConnection): void {
    this.#idle.put(connection, this.#engine.time);
  }

  left(connection: UpstreamConnection): void {
    this.#idle.left(connection);
  }

  sweep(now: number): void {
    this.#idle.sweep(now);
    this.#secure.sweep(now);
    this.loop.slots.trim();
  }

  forget(state: TargetState): void {
    this.#idle.forget(state);
    this.#secure.forget(state);
  }

  close(): void {
    this.#idle.close();
    this.#secure.close();
  }
}
