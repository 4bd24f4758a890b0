import { ClientList, type ListedClient } from '../client-list.ts';
import type { Farewell } from '../farewell.ts';
import type { ListenAddress, TcpListenerSpec } from '../listener-spec.ts';
import type { AcceptProxy, Endpoint } from '../proxy-protocol.ts';
import type { TcpWorker } from '../tcp/engine.ts';
import type { TcpFrontend } from '../tcp/frontend.ts';
import type { Peers } from '../tcp/links.ts';
import { Prelude, type PreludeOutcome } from '../tcp/prelude.ts';
import { TcpSession } from '../tcp/session.ts';
import { TlsAcceptor } from '../tls/acceptor.ts';
import { serverNameOf } from '../tls/secured.ts';
import { acceptedOf } from './accepted.ts';
import { type AcceptedHandle, Acceptor } from './acceptor.ts';
import type { ListenerHome, OpenListener } from './listener-kind.ts';
import { OpeningReader } from './opening-reader.ts';
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
  /** Reads what comes before the handshake. */
  readonly #prelude: OpeningReader<PreludeOutcome> | undefined;
  readonly #acceptProxy: AcceptProxy;

  constructor(home: ListenerHome, spec: TcpListenerSpec, acceptor: Acceptor) {
    const { engine, keyring, seats } = home;
    const { tls, acceptProxy = false } = spec;
    this.#acceptProxy = acceptProxy;
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
        onSecure: (secured, { ends }) =>
          this.#join(secureRelayWire(secured, home.readBuffer), {
            serverName: serverNameOf(secured),
            ...ends,
          }),
        onFailed: () => seats.free(),
      });
    if (tls !== undefined && acceptProxy)
      this.#prelude = new OpeningReader({
        timeout: this.frontend.limits.headTimeout,
        onRead: (connection, { ends, rest }) =>
          this.#tls?.accept(connection, engine.touch(), { bytes: rest, address: ends?.source.address, ends }),
        onGone: () => seats.free(),
      });
    acceptor.begin((handle) => this.#accept(handle), seats);
  }

  /** Clients, those in the handshake included. */
  get size(): number {
    return this.#clients.size + this.#early;
  }

  get #early(): number {
    return (this.#prelude?.pending ?? 0) + (this.#tls?.pending ?? 0);
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
    else if (this.#prelude !== undefined)
      this.#prelude.accept(acceptedOf(handle), new Prelude(this.#acceptProxy, false), engine.touch());
    else this.#tls.accept(acceptedOf(handle), engine.touch());
  }

  /** `told`: what is known besides what the connection says. */
  #join(open: OpenRelayWire, told?: Partial<Peers>): void {
    const client = new TcpClient(this, open, told);
    this.#clients.add(client);
    client.session.begin();
  }

  left(client: TcpClient): void {
    this.#home.seats.free();
    this.#clients.left(client);
  }

  sweep(now: number): void {
    this.#prelude?.sweep(now);
    this.#tls?.sweep(now);
    this.#clients.sweep(now);
  }

  get descriptors(): readonly number[] {
    return this.#acceptor.descriptors;
  }

  drain(farewell: Farewell): Promise<void> {
    return this.#clients.drain(farewell, {
      stopAccepting: () => this.#acceptor.close(),
      early: () => this.#early,
      endEarly: () => this.#endEarly(),
    });
  }

  close(): void {
    this.#acceptor.close();
    this.#endEarly();
    this.#clients.close();
  }

  #endEarly(): void {
    this.#prelude?.close();
    this.#tls?.close();
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

  constructor(listener: TcpClientHome, open: OpenRelayWire, told: Partial<Peers> = {}) {
    this.#listener = listener;
    const wire = open(this);
    this.#end = new TcpEnd(wire);
    const peers = new WirePeers(wire.socket, told);
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
  readonly #told: Partial<Peers>;

  constructor(socket: WireSocket, told: Partial<Peers>) {
    this.#socket = socket;
    this.#told = told;
    if (told.serverName !== undefined) this.serverName = told.serverName;
  }

  get source(): Endpoint {
    return (
      this.#told.source ?? { address: this.#socket.remoteAddress ?? '', port: this.#socket.remotePort ?? 0 }
    );
  }

  get destination(): Endpoint {
    return (
      this.#told.destination ?? {
        address: this.#socket.localAddress ?? '',
        port: this.#socket.localPort ?? 0,
      }
    );
  }
}
