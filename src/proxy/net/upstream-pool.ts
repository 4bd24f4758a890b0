import { speaksHttp2, type Target, type TargetState } from '../../balance/balancer.ts';
import type { Engine } from '../http1/engine.ts';
import type { Asking, UpstreamLink } from '../http1/links.ts';
import { readBufferOf } from '../http1/memory.ts';
import { Http2Pool } from '../http2/upstream-pool.ts';
import { IdleConnections } from '../idle-connections.ts';
import { Dialer } from '../tls/dialer.ts';
import type { EnginePool } from '../transport.ts';
import { UpstreamConnection, type UpstreamHome } from './upstream-connection.ts';

/** Connections to instances, new and idle. */
export class UpstreamPool implements EnginePool, UpstreamHome {
  readonly engine: Engine;
  readonly readBuffer: Buffer;
  readonly dialer = new Dialer();
  readonly #http2: Http2Pool;
  readonly #idle: IdleConnections<UpstreamConnection>;

  constructor(engine: Engine) {
    this.engine = engine;
    this.readBuffer = readBufferOf(engine.memory);
    this.#idle = new IdleConnections(engine.limits);
    this.#http2 = new Http2Pool(engine, this.dialer);
  }

  open(session: Asking, target: Target, fresh: boolean): UpstreamLink {
    if (speaksHttp2(target)) return this.#http2.open(session, target, fresh);
    const idle = fresh ? undefined : this.#idle.take(target.state);
    if (idle === undefined) return new UpstreamConnection(this, target, session);
    idle.reuse(session);
    return idle;
  }

  returned(connection: UpstreamConnection): void {
    this.#idle.put(connection, this.engine.time);
  }

  left(connection: UpstreamConnection): void {
    this.#idle.left(connection);
  }

  sweep(now: number): void {
    this.#idle.sweep(now);
    this.#http2.sweep(now);
  }

  forget(state: TargetState): void {
    this.#idle.forget(state);
    this.#http2.forget(state);
  }

  close(): void {
    this.#idle.close();
    this.#http2.close();
  }
}
