import { ClientList, type ListedClient } from '../client-list.ts';
import type { Farewell } from '../farewell.ts';
import type { ListenAddress, TcpListenerSpec } from '../listener-spec.ts';
import type { Endpoint } from '../proxy-protocol.ts';
import type { TcpWorker } from '../tcp/engine.ts';
import type { TcpFrontend } from '../tcp/frontend.ts';
import type { Peers } from '../tcp/links.ts';
import { TcpSession } from '../tcp/session.ts';
import { TlsAcceptor } from '../tls/acceptor.ts';
import { serverNameOf } from '../tls/secured.ts';
import { acceptedOf } from './accepted.ts';
import { type AcceptedHandle, Acceptor } from './acceptor.ts';
import type { ListenerHome, OpenListener } from './listener-kind.ts';
import { acceptedWire, type OpenRelayWire, type RelayEvents, secureRelayWire } from './relay-wire.ts';
import { TcpEnd } from './tcp-end.ts';
import { tcpFrontendOf } from './tcp-frontend.ts';
import { TcpDialer } from './tcp-upstream.ts';
import type { WireSocket } from './wire.ts';

/** Listens for TCP, or for TLS that ends here. Throws `listen.*`. */
export async function openTcpListener(home: ListenerHome, spec: TcpListenerSpec): Promise<OpenListener> {
  return new TcpListener(home, spec, await Acceptor.listen(spec, home.bind));
}

class TcpListener implements OpenListener, TcpClientHome {
  readonly address: ListenAddress;
  readonly frontend: TcpFrontend;
  readonly worker: TcpWorker;
  readonly #home: ListenerHome;
  readonly #acceptor: Acceptor;
  readonly #clients: ClientList<TcpClient>;
  readonly #tls: TlsAcceptor | undefined;

  constructor(home: ListenerHome, spec: TcpListenerSpec, acceptor: Acceptor) {
    const { engine, keyring, seats } = home;
    const { tls } = spec;
    this.#home = home;
    this.#acceptor = acceptor;
    this.address = acceptor.address;
    this.frontend = tcpFrontendOf(home, spec, this.address);
    this.worker = { engine, transport: new TcpDialer(home) };
    this.#clients = new ClientList(engine, this.frontend);
    if (tls !== undefined)
      this.#tls = new TlsAcceptor({
        settings: tls,
        keyring,
        onSecure: (secured) => this.#join(secureRelayWire(secured, home.readBuffer), serverNameOf(secured)),
        onFailed: () => seats.free(),
      });
    acceptor.begin((handle) => this.#accept(handle), seats);
  }

  /** Clients, those in the handshake included. */
  get size(): number {
    return this.#clients.size + (this.#tls?.pending ?? 0);
  }

  #accept(handle: AcceptedHandle): void {
    const { seats, engine, readBuffer } = this.#home;
    if (this.size >= this.frontend.limits.maxConnections) {
      handle.close();
      engine.onLack('connections');
      return;
    }
    if (!seats.take(handle.fd)) {
      handle.close();
      return;
    }
    if (this.#tls === undefined) this.#join(acceptedWire(handle, readBuffer));
    else this.#tls.accept(acceptedOf(handle), engine.touch());
  }

  /** `serverName`: as `Peers` has it. */
  #join(open: OpenRelayWire, serverName?: string): void {
    const client = new TcpClient(this, open, serverName);
    this.#clients.add(client);
    client.session.begin();
  }

  left(client: TcpClient): void {
    this.#home.seats.free();
    this.#clients.left(client);
  }

  sweep(now: number): void {
    this.#tls?.sweep(now);
    this.#clients.sweep(now);
  }

  get descriptors(): readonly number[] {
    return this.#acceptor.descriptors;
  }

  drain(farewell: Farewell): Promise<void> {
    return this.#clients.drain(farewell, {
      stopAccepting: () => this.#acceptor.close(),
      early: () => this.#tls?.pending ?? 0,
      endEarly: () => this.#tls?.close(),
    });
  }

  close(): void {
    this.#acceptor.close();
    this.#tls?.close();
    this.#clients.close();
  }
}

/** What a client needs of the listener it came through. */
export interface TcpClientHome {
  readonly worker: TcpWorker;
  readonly frontend: TcpFrontend;
  /** The connection is closed. */
  left(client: TcpClient): void;
}

/** A client's connection. */
export class TcpClient implements ListedClient, RelayEvents {
  readonly session: TcpSession;
  index = -1;
  readonly #listener: TcpClientHome;
  readonly #end: TcpEnd;

  constructor(listener: TcpClientHome, open: OpenRelayWire, serverName?: string) {
    this.#listener = listener;
    const wire = open(this);
    this.#end = new TcpEnd(wire);
    const peers = new WirePeers(wire.socket, serverName);
    this.session = new TcpSession(listener.worker, listener.frontend, this.#end, peers);
  }

  received(bytes: Buffer, length: number): void {
    this.session.received(bytes, 0, length);
  }

  drained(): void {
    this.session.drained();
  }

  ended(): void {
    if (!this.#end.isOver) this.session.ended();
  }

  closed(isClean: boolean): void {
    this.#end.closed();
    this.session.gone(isClean);
    this.#listener.left(this);
  }

  destroy(): void {
    this.session.destroy();
  }
}

/** Asked of the system only when somebody wants to know. */
class WirePeers implements Peers {
  readonly serverName?: string;
  readonly #socket: WireSocket;

  constructor(socket: WireSocket, serverName: string | undefined) {
    this.#socket = socket;
    if (serverName !== undefined) this.serverName = serverName;
  }

  get source(): Endpoint {
    return { address: this.#socket.remoteAddress ?? '', port: this.#socket.remotePort ?? 0 };
  }

  get destination(): Endpoint {
    return { address: this.#socket.localAddress ?? '', port: this.#socket.localPort ?? 0 };
  }
}
