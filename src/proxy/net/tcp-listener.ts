import { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { ClientList, type ListedClient } from '../client-list.ts';
import type { Farewell } from '../farewell.ts';
import type { ListenAddress, TcpListenerSpec } from '../listener-spec.ts';
import type { Endpoint } from '../proxy-protocol.ts';
import type { TcpWorker } from '../tcp/engine.ts';
import type { TcpFrontend } from '../tcp/frontend.ts';
import { type Peers, TcpSession } from '../tcp/session.ts';
import { TlsAcceptor } from '../tls/acceptor.ts';
import { type AcceptedHandle, Acceptor } from './acceptor.ts';
import type { ListenerHome, OpenListener } from './listener-kind.ts';
import { acceptedWire, type RelayEvents, type RelayWire, secureRelayWire } from './relay-wire.ts';
import { TcpEnd } from './tcp-end.ts';
import { tcpFrontendOf } from './tcp-frontend.ts';
import { TcpDialer } from './tcp-upstream.ts';

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
        onSecure: (socket) =>
          this.#join((events) => secureRelayWire(socket, home.readBuffer, events), socket),
        onFailed: () => seats.free(),
      });
    acceptor.begin(
      (handle) => this.#accept(handle),
      () => seats.refused(),
    );
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
    if (this.#tls === undefined) {
      this.#join((events) => acceptedWire(handle, readBuffer, events));
      return;
    }
    const socket = new Socket({ handle, allowHalfOpen: true } as { allowHalfOpen: boolean });
    this.#tls.accept(socket, engine.touch());
  }

  #join(open: (events: RelayEvents) => RelayWire, secure?: TLSSocket): void {
    const client = new TcpClient(this, open, secure);
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

  constructor(
    listener: TcpClientHome,
    open: (events: RelayEvents) => RelayWire,
    secure: TLSSocket | undefined,
  ) {
    const wire = open(this);
    // The handshake left a TLS socket reading.
    if (secure !== undefined) wire.pause();
    const { socket } = wire;
    const { engine, transport } = listener.worker;
    const end = new TcpEnd(wire);
    this.session = new TcpSession(
      { engine, transport },
      listener.frontend,
      end,
      new SocketPeers(socket, secure),
    );
    socket.on('end', () => {
      if (!end.isOver) this.session.ended();
    });
    socket.on('close', (hadError: boolean) => {
      this.session.gone(!hadError);
      listener.left(this);
    });
  }

  received(bytes: Buffer, length: number): void {
    this.session.received(bytes, 0, length);
  }

  drained(): void {
    this.session.drained();
  }

  destroy(): void {
    this.session.destroy();
  }
}

/** Asked of the system only when somebody wants to know. */
class SocketPeers implements Peers {
  readonly serverName?: string;
  readonly #socket: Socket;

  constructor(socket: Socket, secure: TLSSocket | undefined) {
    this.#socket = socket;
    if (secure !== undefined) this.serverName = nameOf(secure);
  }

  get source(): Endpoint {
    return { address: this.#socket.remoteAddress ?? '', port: this.#socket.remotePort ?? 0 };
  }

  get destination(): Endpoint {
    return { address: this.#socket.localAddress ?? '', port: this.#socket.localPort ?? 0 };
  }
}

/** The name that the client asked for, "" for none. */
function nameOf(socket: TLSSocket): string {
  const { servername } = socket as unknown as { servername?: string | false | null };
  return typeof servername === 'string' ? servername.toLowerCase() : '';
}
