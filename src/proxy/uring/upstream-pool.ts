import { speaksHttp2, type Target, type TargetState } from '../../balance/balancer.ts';
import type { Engine } from '../http1/engine.ts';
import type { Asking, UpstreamLink } from '../http1/links.ts';
import { IdleConnections } from '../idle-connections.ts';
import { UpstreamPool as NodePool } from '../net/upstream-pool.ts';
import type { EnginePool } from '../transport.ts';
import type { Dialling } from './dialled-socket.ts';
import { UpstreamConnection, type UpstreamHome } from './upstream-connection.ts';

/** Connections to instances, new and idle. */
export class UpstreamPool implements EnginePool, UpstreamHome {
  readonly dialling: Dialling;
  readonly #engine: Engine;
  readonly #idle: IdleConnections<UpstreamConnection>;
  /** TLS and HTTP/2 are Node's. */
  readonly #secure: NodePool;

  constructor(engine: Engine, dialling: Dialling) {
    this.#engine = engine;
    this.dialling = dialling;
    this.#idle = new IdleConnections(engine.limits);
    this.#secure = new NodePool(engine);
  }

  open(session: Asking, target: Target, fresh: boolean): UpstreamLink {
    if (target.tls !== undefined || speaksHttp2(target)) return this.#secure.open(session, target, fresh);
    const idle = fresh ? undefined : this.#idle.take(target.state);
    if (idle === undefined) return new UpstreamConnection(this, target, session);
    idle.reuse(session);
    return idle;
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
    this.dialling.loop.slots.trim();
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
