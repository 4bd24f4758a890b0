import type { Target } from '../../balance/balancer.ts';
import type { Engine } from '../http1/engine.ts';
import type { Transport, UpstreamLink } from '../http1/links.ts';
import type { Session } from '../http1/session.ts';
import { IdleConnections } from '../idle-connections.ts';
import { Dialer } from '../tls/dialer.ts';
import { rangeOf } from './sender.ts';
import { UpstreamConnection, type UpstreamHome } from './upstream-connection.ts';

/** Connections to instances, new and idle. */
export class UpstreamPool implements Transport, UpstreamHome {
  readonly engine: Engine;
  readonly readBuffer: Buffer;
  readonly dialer = new Dialer();
  readonly idle: IdleConnections<UpstreamConnection>;

  constructor(engine: Engine, readBuffer: Buffer) {
    this.engine = engine;
    this.readBuffer = readBuffer;
    this.idle = new IdleConnections(engine.limits);
  }

  open(session: Session, target: Target, fresh: boolean): UpstreamLink {
    const idle = fresh ? undefined : this.idle.take(target.state);
    if (idle === undefined) return new UpstreamConnection(this, target, session);
    idle.reuse(session);
    return idle;
  }

  keep(start: number, end: number): Uint8Array {
    const copy = Buffer.allocUnsafe(end - start);
    copy.set(rangeOf(this.engine.memory, start, end));
    return copy;
  }

  returned(connection: UpstreamConnection): void {
    this.idle.put(connection, this.engine.time);
  }

  left(connection: UpstreamConnection): void {
    this.idle.left(connection);
  }
}
