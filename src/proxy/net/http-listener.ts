import { formatHostPort } from '../../lib/host-port.ts';
import { SHARED_SLOT } from '../../route/slots.ts';
import { ClientList } from '../client-list.ts';
import type { Farewell } from '../farewell.ts';
import type { Engine } from '../http1/engine.ts';
import { Frontend } from '../http1/frontend.ts';
import type { ClientStream } from '../http2/client-stream.ts';
import { Http2Connection, type Http2Home } from '../http2/connection.ts';
import { readArea } from '../http2/endpoint.ts';
import { Preface, type PrefaceOutcome } from '../http2/preface.ts';
import { withLimits } from '../limits.ts';
import type { HttpListenerSpec, HttpsListenerSpec, ListenAddress } from '../listener-spec.ts';
import type { AcceptProxy } from '../proxy-protocol.ts';
import type { Seats } from '../seats.ts';
import { DEFAULT_TCP_LIMITS } from '../tcp/limits.ts';
import { Prelude, type PreludeOutcome } from '../tcp/prelude.ts';
import { TlsAcceptor } from '../tls/acceptor.ts';
import { secureWire } from '../tls/secure-wire.ts';
import { protocolOf } from '../tls/secured.ts';
import { type Accepted, acceptedOf, type Before, NOTHING_BEFORE } from './accepted.ts';
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
  readonly #acceptProxy: AcceptProxy;
  readonly #relay: TcpClientHome | undefined;
  readonly #relayed: RouteDestinations;

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
    this.grpcFrontend = this.frontend.forCalls({
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
        onSecure: (secured, { address }) => {
          this.#clients.add(
            protocolOf(secured) === 'h2'
              ? new Http2Connection(this, secureWire(secured, readArea), address)
              : new ClientConnection(this, secureWire(secured, readBuffer), address),
          );
        },
        onFailed: onGone,
      });
    else if (spec.http2)
      this.#preface = new OpeningReader({
        timeout: this.frontend.limits.headTimeout,
        onRead: (connection, { isHttp2, ...before }) => {
          if (isHttp2) this.#takeHttp2(connection, before);
          else this.#take(connection, before);
        },
        onGone,
      });
    const { acceptProxy = false, proxyTimeout = this.frontend.limits.headTimeout } = spec;
    this.#acceptProxy = acceptProxy;
    this.#relayed = new RouteDestinations(engine, 'tcp-name', this.address);
    this.#relay = spec.protocol === 'https' && spec.relaysNames ? this.#relayFor(home) : undefined;
    if (acceptProxy || this.#relay !== undefined)
      this.#prelude = new OpeningReader({
        timeout: acceptProxy === true ? proxyTimeout : this.frontend.limits.headTimeout,
        onRead: (connection, outcome) => this.#begin(connection, outcome),
        onGone,
      });
    acceptor.begin((handle) => this.#accept(handle), seats);
  }

  #accept(handle: AcceptedHandle): void {
    if (!this.#seats.take(handle.fd)) {
      handle.close();
      return;
    }
    if (this.#prelude !== undefined) {
      const opening = new Prelude(this.#acceptProxy, this.#relay !== undefined);
      this.#prelude.accept(acceptedOf(handle), opening, this.engine.touch());
    } else if (this.#tls === undefined && this.#preface === undefined)
      this.#clients.add(new ClientConnection(this, plainWire(handle, this.readBuffer)));
    else this.#next(acceptedOf(handle), NOTHING_BEFORE);
  }

  /** What comes before HTTP has been read. */
  #begin(connection: Accepted, { ends, serverName, rest }: PreludeOutcome): void {
    const relay = this.#relay;
    if (relay !== undefined && this.#relayed.has(serverName)) {
      const client = new TcpClient(relay, takenRelayWire(connection, this.readBuffer));
      this.#clients.add(client);
      client.session.begin(serverName);
      client.session.received(rest, 0, rest.length);
    } else this.#next(connection, { bytes: rest, address: ends?.source.address });
  }

  #next(connection: Accepted, before: Before): void {
    const now = this.engine.touch();
    if (this.#tls !== undefined) this.#tls.accept(connection, now, before);
    else if (this.#preface !== undefined)
      this.#preface.accept(connection, new Preface(before.address), now, before.bytes);
    else this.#take(connection, before);
  }

  /** A client in clear text, of whom something was read already. */
  #take(connection: Accepted, { bytes, address }: Before): void {
    const { readBuffer } = this;
    const client = new ClientConnection(this, takenWire(connection, readBuffer), address);
    this.#clients.add(client);
    for (let at = 0; at < bytes.length; at += readBuffer.length) {
      const length = bytes.copy(readBuffer, 0, at);
      client.received(length);
    }
  }

  /** The same, of a client that has shown to speak HTTP/2. */
  #takeHttp2(connection: Accepted, { bytes, address }: Before): void {
    const client = new Http2Connection(this, takenWire(connection, readArea), address);
    this.#clients.add(client);
    client.take(bytes, bytes.length);
  }

  /** For clients that are passed on as they are. */
  #relayFor(home: ListenerHome): TcpClientHome {
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
        destinations: this.#relayed,
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
