import { CONNECTIONS, OPEN_CONNECTIONS } from '../counters.ts';
import type { Engine } from '../http1/engine.ts';
import type { Frontend } from '../http1/frontend.ts';
import type { ClientLink } from '../http1/links.ts';
import { READ } from '../http1/memory.ts';
import { Session } from '../http1/session.ts';
import { nodeTurn } from '../node-turn.ts';
import type { ByteSender } from './sender.ts';
import type { OpenWire, Wire, WireEvents } from './wire.ts';

/** What a connection needs of the listener it came through. */
export interface ClientHome {
  readonly engine: Engine;
  /** The engine's read area, shared by all sockets: what is read is used up before the next read. */
  readonly readBuffer: Buffer;
  readonly frontend: Frontend;
  /** The connection is closed. */
  left(connection: ClientConnection): void;
}

/** An accepted connection, plain or behind its TLS handshake. */
export class ClientConnection implements ClientLink, WireEvents {
  readonly session: Session;
  /** Place in the listener's list. */
  index = -1;
  readonly #home: ClientHome;
  readonly #wire: Wire;
  readonly #sender: ByteSender;

  /** `address`: the client's, when somebody said it who knows better than the socket. */
  constructor(home: ClientHome, open: OpenWire, address?: string) {
    this.#home = home;
    this.#wire = open(this);
    const { socket, sender, security } = this.#wire;
    this.#sender = sender;
    const { engine, frontend } = home;
    const forwarding = frontend.forwardingFor(address ?? socket.remoteAddress ?? '', security);
    this.session = new Session(engine, this, frontend, forwarding);
    engine.counters.overall(CONNECTIONS);
    engine.counters.overall(OPEN_CONNECTIONS);
    this.#wire.begin();
  }

  received(length: number): undefined {
    this.session.received(READ, READ + length);
  }

  drained(): void {
    this.session.drained();
  }

  ended(): void {
    this.session.ended();
  }

  closed(): void {
    this.session.gone();
    this.#home.engine.counters.overall(OPEN_CONNECTIONS, -1);
    this.#home.left(this);
  }

  get remotePort(): number {
    return this.#wire.socket.remotePort ?? 0;
  }

  send(start: number, end: number): boolean {
    nodeTurn.isDue = true;
    return this.#sender.send(this.#home.engine.memory, start, end);
  }

  pause(): void {
    nodeTurn.isDue = true;
    this.#wire.pause();
  }

  resume(): void {
    nodeTurn.isDue = true;
    this.#wire.resume();
  }

  end(): void {
    nodeTurn.isDue = true;
    this.#sender.end();
  }

  finish(): void {
    nodeTurn.isDue = true;
    this.#sender.finish();
  }

  linger(): void {
    this.end();
  }

  destroy(): void {
    nodeTurn.isDue = true;
    this.#wire.socket.destroy();
  }

  reset(): void {
    nodeTurn.isDue = true;
    this.#wire.reset();
  }
}
