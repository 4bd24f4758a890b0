import { CONNECTIONS, OPEN_CONNECTIONS } from '../counters.ts';
import type { Engine } from '../http1/engine.ts';
import type { Frontend } from '../http1/frontend.ts';
import type { ClientLink, UpstreamLink } from '../http1/links.ts';
import { Session } from '../http1/session.ts';
import type { Endpoint } from '../proxy-protocol.ts';
import { AcceptedSocket } from './accepted-socket.ts';
import type { Loop } from './loop.ts';

/** What a connection needs of the listener it came through. */
export interface ClientHome {
  readonly loop: Loop;
  readonly engine: Engine;
  readonly frontend: Frontend;
  /** The connection is closed. */
  left(connection: ClientConnection): void;
}

/** A client's connection that speaks HTTP. */
export class ClientConnection extends AcceptedSocket implements ClientLink {
  readonly session: Session;
  readonly remotePort: number;
  readonly #home: ClientHome;

  constructor(home: ClientHome, fd: number, { address, port }: Endpoint) {
    super(home.loop);
    const { engine, frontend } = home;
    this.#home = home;
    this.remotePort = port;
    this.session = new Session(engine, this, frontend, frontend.forwardingFor(address));
    engine.counters.overall(CONNECTIONS);
    engine.counters.overall(OPEN_CONNECTIONS);
    this.opened(fd);
  }

  send(start: number, end: number): boolean {
    return this.sendRange(this.loop.arena.bytes, start, end);
  }

  pass(to: UpstreamLink, length: number): void {
    this.passTo(to, length);
  }

  linger(): void {
    this.end();
  }

  protected onReceived(start: number, end: number): void {
    this.session.received(start, end);
  }

  protected override onPassed(length: number, accepted: boolean): void {
    this.session.passing.request(length, accepted);
  }

  protected onClosed(): void {
    this.session.gone();
    this.#home.engine.counters.overall(OPEN_CONNECTIONS, -1);
    this.#home.left(this);
  }
}
