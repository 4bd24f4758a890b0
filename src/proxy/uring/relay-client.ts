import type { Endpoint } from '../proxy-protocol.ts';
import type { TcpWorker } from '../tcp/engine.ts';
import type { TcpFrontend } from '../tcp/frontend.ts';
import type { Peers, TcpLink } from '../tcp/links.ts';
import { TcpSession } from '../tcp/session.ts';
import { AcceptedSocket } from './accepted-socket.ts';
import { ownEnd } from './calls.ts';
import type { Loop } from './loop.ts';

/** What a client needs of the listener it came through. */
export interface RelayHome {
  readonly loop: Loop;
  readonly worker: TcpWorker;
  readonly frontend: TcpFrontend;
  /** The connection is closed. */
  left(client: RelayClient): void;
}

/** A client's connection that is relayed. Nothing is read before its session asks for it. */
export class RelayClient extends AcceptedSocket implements TcpLink {
  readonly session: TcpSession;
  readonly #home: RelayHome;

  constructor(home: RelayHome, fd: number, from: Endpoint) {
    super(home.loop);
    this.#home = home;
    this.session = new TcpSession(home.worker, home.frontend, this, new RingPeers(home.loop, fd, from));
    this.pause();
    this.opened(fd);
  }

  send(bytes: Uint8Array, start: number, end: number): boolean {
    return this.sendRange(bytes, start, end);
  }

  pair(other: TcpLink): void {
    this.passMuchTo(other);
  }

  override destroy(): void {
    this.session.destroy();
    // The session is over, and what it left to be sent is not taken.
    super.destroy();
  }

  protected onReceived(start: number, end: number): void {
    this.session.received(this.loop.arena.bytes, start, end);
  }

  protected override onPassed(length: number, accepted: boolean): void {
    this.session.passed(length, accepted);
  }

  protected onClosed(isClean: boolean): void {
    this.session.gone(isClean);
    this.#home.left(this);
  }
}

/** The system is asked for our end only when somebody wants to know, while the connection is there. */
class RingPeers implements Peers {
  readonly source: Endpoint;
  readonly #loop: Loop;
  readonly #fd: number;

  constructor(loop: Loop, fd: number, source: Endpoint) {
    this.source = source;
    this.#loop = loop;
    this.#fd = fd;
  }

  get destination(): Endpoint {
    return ownEnd(this.#loop, this.#fd);
  }
}
