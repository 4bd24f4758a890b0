import { Socket } from 'node:net';
import { formatHostPort } from '../../lib/host-port.ts';
import { SHARED_SLOT } from '../../route/slots.ts';
import { ClientList } from '../client-list.ts';
import type { Farewell } from '../farewell.ts';
import type { Engine } from '../http1/engine.ts';
import { Frontend } from '../http1/frontend.ts';
import type { ClientStream } from '../http2/client-stream.ts';
import { Http2Connection, type Http2Home } from '../http2/connection.ts';
import { Preface, type PrefaceOutcome } from '../http2/preface.ts';
import { withLimits } from '../limits.ts';
import type { HttpListenerSpec, HttpsListenerSpec, ListenAddress } from '../listener-spec.ts';
import type { Seats } from '../seats.ts';
import { DEFAULT_TCP_LIMITS } from '../tcp/limits.ts';
import { Prelude, type PreludeOutcome } from '../tcp/prelude.ts';
import { TlsAcceptor } from '../tls/acceptor.ts';
import { secureWire, securityOf } from '../tls/secure-wire.ts';
import { type AcceptedHandle, Acceptor } from './acceptor.ts';
import { ClientConnection, type ClientHome } from './client-connection.ts';
import type { ListenerHome, OpenListener } from './listener-kind.ts';
import { OpeningReader } from './opening-reader.ts';
import { takenRelayWire } from './relay-wire.ts';
import { RouteDestinations } from './route-destinations.ts';
import { TcpClient, type TcpClientHome } from './tcp-listener.ts';
import { TcpDialer } from './tcp-upstream.ts';
import { plainWire, takenWire } from './wire.ts';

type Spec = HttpListenerSpec | HttpsListenerSpec;

/** Listens for HTTP, in clear text or over TLS. Throws `listen.*`. */
export async function openHttpListener(home: ListenerHome, spec: Spec): Promise<OpenListener> {
  const acceptor = await Acceptor.listen(spec, home.bind);
  return new HttpListener(home, spec, acceptor);
}

/** Accepts connections. */
class HttpListener implements ClientHome, Http2Home, OpenListener {
  readonly engine: Engine;
  readonly readBuffer: Buffer;
  readonly frontend: Frontend;
  readonly grpcFrontend: Frontend;
  readonly address: ListenAddress;
  readonly #seats: Seats;
  readonly #acceptor: Acceptor;
  readonly #clients: ClientList<ClientConnection | Http2Connection | ClientStream | TcpClient>;
  readonly #tls: TlsAcceptor | undefined;
  readonly #preface: OpeningReader<PrefaceOutcome> | undefined;
  readonly #prelude: OpeningReader<PreludeOutcome> | undefined;
  /** Clients whose address a PROXY header told, by their sockets. */
  readonly #told = new WeakMap<object, string>();

  constructor(home: ListenerHome, spec: Spec, acceptor: Acceptor) {
    const { engine, readBuffer, seats, keyring, localAddress } = home;
    this.engine = engine;
    this.readBuffer = readBuffer;
    this.#seats = seats;
    this.#acceptor = acceptor;
    this.address = acceptor.address;
    this.frontend = new Frontend({
      limits: withLimits(engine.limits, spec.limits),
      authority: formatHostPort(this.address.host, this.address.port),
      localAddress,
      isSecure: spec.protocol === 'https',
    });
    const { tunnelTimeout } = this.frontend.limits;
    this.grpcFrontend = this.frontend.withLimits({
      bodyTimeout: tunnelTimeout,
      responseTimeout: tunnelTimeout,
      responseSilence: tunnelTimeout,
    });
    this.#clients = new ClientList(engine, this.frontend);
    const onGone = () => this.#seats.free();
    if (spec.protocol === 'https')
      this.#tls = new TlsAcceptor({
        settings: { ...spec.tls, alpn: spec.http2 ? ['h2', ...spec.tls.alpn] : spec.tls.alpn },
        keyring,
        onSecure: (socket) => {
          const isHttp2 = socket.alpnProtocol === 'h2';
          this.#clients.add(
            isHttp2
              ? new Http2Connection(this, socket, securityOf(socket), this.#toldOf(socket))
              : new ClientConnection(this, secureWire(socket, readBuffer), this.#toldOf(socket)),
          );
        },
        onFailed: onGone,
      });
    else if (spec.http2)
      this.#preface = new OpeningReader({
        begin: () => new Preface(),
        timeout: this.frontend.limits.headTimeout,
        onRead: (socket, { isHttp2, seen }) =>
          isHttp2 ? this.#takeHttp2(socket, seen) : this.#take(socket, seen),
        onGone,
      });
    const relay = spec.protocol === 'https' && spec.relaysNames ? this.#relay(home) : undefined;
    const { acceptProxy = false, proxyTimeout = this.frontend.limits.headTimeout } = spec;
    if (acceptProxy || relay !== undefined)
      this.#prelude = new OpeningReader({
        begin: () => new Prelude(acceptProxy, relay !== undefined),
        timeout: acceptProxy ? proxyTimeout : this.frontend.limits.headTimeout,
        onRead: (socket, outcome) => this.#begin(socket, outcome, relay),
        onGone,
      });
    acceptor.begin(
      (handle) => this.#accept(handle),
      () => seats.refused(),
    );
  }

  #accept(handle: AcceptedHandle): void {
    if (!this.#seats.take(handle.fd)) {
      handle.close();
      return;
    }
    const first = this.#prelude ?? this.#tls ?? this.#preface;
    if (first === undefined) {
      this.#clients.add(new ClientConnection(this, plainWire(handle, this.readBuffer)));
      return;
    }
    const socket = new Socket({ handle, allowHalfOpen: true } as { allowHalfOpen: boolean });
    first.accept(socket, this.engine.touch());
  }

  /** What comes before HTTP has been read. */
  #begin(socket: Socket, { ends, serverName, rest }: PreludeOutcome, relay: TcpClientHome | undefined): void {
    if (ends !== undefined) this.#told.set(socket, ends.source.address);
    const source = ends?.source ?? { address: socket.remoteAddress ?? '', port: socket.remotePort ?? 0 };
    if (relay?.frontend.destinations.find(serverName, { source }) !== undefined) {
      const client = new TcpClient(
        relay,
        (events) => takenRelayWire(socket, this.readBuffer, events),
        undefined,
      );
      this.#clients.add(client);
      client.session.begin(serverName);
      client.session.received(rest, 0, rest.length);
      return;
    }
    const next = this.#tls ?? this.#preface;
    if (next === undefined) {
      this.#take(socket, Buffer.from(rest));
      return;
    }
    socket.pause();
    if (rest.length > 0) socket.unshift(rest);
    next.accept(socket, this.engine.touch());
  }

  /** A client in clear text, of whom something was read already. */
  #take(socket: Socket, first: Buffer): void {
    const { readBuffer } = this;
    const connection = new ClientConnection(this, takenWire(socket, readBuffer), this.#toldOf(socket));
    this.#clients.add(connection);
    for (let at = 0; at < first.length; at += readBuffer.length) {
      const length = first.copy(readBuffer, 0, at);
      connection.received(length);
    }
  }

  /** The same, of a client that has shown to speak HTTP/2. */
  #takeHttp2(socket: Socket, first: Buffer): void {
    socket.pause();
    socket.unshift(first);
    this.#clients.add(new Http2Connection(this, socket, '', this.#toldOf(socket)));
  }

  #toldOf(socket: Socket): string | undefined {
    const { _parent: raw } = socket as { _parent?: Socket | null };
    return this.#told.get(socket) ?? (raw ? this.#told.get(raw) : undefined);
  }

  /** For clients that are passed on as they are. */
  #relay(home: ListenerHome): TcpClientHome {
    const { engine, seats } = home;
    return {
      worker: { engine, transport: new TcpDialer(home) },
      frontend: {
        draining: false,
        limits: { ...DEFAULT_TCP_LIMITS, lameDuck: 0 },
        access: undefined,
        acceptProxy: false,
        sendProxy: 0,
        slot: SHARED_SLOT,
        destinations: new RouteDestinations(engine, 'name', this.address),
      },
      left: (client) => {
        seats.free();
        this.#clients.left(client);
      },
    };
  }

  /** Connections and streams of clients, what is in the handshake included. */
  get size(): number {
    return (
      this.#clients.size +
      (this.#tls?.pending ?? 0) +
      (this.#preface?.pending ?? 0) +
      (this.#prelude?.pending ?? 0)
    );
  }

  joined(stream: ClientStream): void {
    this.#clients.add(stream);
  }

  parted(stream: ClientStream): void {
    this.#clients.left(stream);
  }

  left(connection: ClientConnection | Http2Connection): void {
    this.#seats.free();
    this.#clients.left(connection);
  }

  sweep(now: number): void {
    this.#tls?.sweep(now);
    this.#preface?.sweep(now);
    this.#prelude?.sweep(now);
    this.#clients.sweep(now);
  }

  get descriptors(): readonly number[] {
    return this.#acceptor.descriptors;
  }

  drain(farewell: Farewell): Promise<void> {
    return this.#clients.drain(farewell, {
      stopAccepting: () => this.#acceptor.close(),
      early: () => this.size - this.#clients.size,
      endEarly: () => this.#endEarly(),
    });
  }

  /** Ends what is left. */
  close(): void {
    this.#acceptor.close();
    this.#endEarly();
    this.#clients.close();
  }

  /** Those of whom we do not know yet what they want. */
  #endEarly(): void {
    this.#tls?.close();
    this.#preface?.close();
    this.#prelude?.close();
  }
}
