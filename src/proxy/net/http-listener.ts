import { Socket } from 'node:net';
import { formatHostPort } from '../../lib/host-port.ts';
import { ClientList } from '../client-list.ts';
import type { Engine } from '../http1/engine.ts';
import { Frontend } from '../http1/frontend.ts';
import type { ClientStream } from '../http2/client-stream.ts';
import { Http2Connection, type Http2Home } from '../http2/connection.ts';
import { PrefaceReader } from '../http2/preface.ts';
import { withLimits } from '../limits.ts';
import type { HttpListenerSpec, HttpsListenerSpec, ListenAddress } from '../listener-spec.ts';
import type { Seats } from '../seats.ts';
import { TlsAcceptor } from '../tls/acceptor.ts';
import { secureWire, securityOf } from '../tls/secure-wire.ts';
import { type AcceptedHandle, Acceptor } from './acceptor.ts';
import { ClientConnection, type ClientHome } from './client-connection.ts';
import type { ListenerHome, OpenListener } from './listener-kind.ts';
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
  readonly #clients: ClientList<ClientConnection | Http2Connection | ClientStream>;
  readonly #tls: TlsAcceptor | undefined;
  readonly #preface: PrefaceReader | undefined;

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
              ? new Http2Connection(this, socket, securityOf(socket))
              : new ClientConnection(this, secureWire(socket, readBuffer)),
          );
        },
        onFailed: onGone,
      });
    else if (spec.http2)
      this.#preface = new PrefaceReader({
        timeout: this.frontend.limits.headTimeout,
        onHttp2: (socket) => this.#clients.add(new Http2Connection(this, socket, '')),
        onOther: (socket, first) => {
          const connection = new ClientConnection(this, takenWire(socket, readBuffer));
          this.#clients.add(connection);
          for (let at = 0; at < first.length; at += readBuffer.length) {
            const length = first.copy(readBuffer, 0, at);
            connection.received(length);
          }
        },
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
    const first = this.#tls ?? this.#preface;
    if (first === undefined) {
      this.#clients.add(new ClientConnection(this, plainWire(handle, this.readBuffer)));
      return;
    }
    const socket = new Socket({ handle, allowHalfOpen: true } as { allowHalfOpen: boolean });
    socket.setNoDelay(true);
    first.accept(socket, this.engine.touch());
  }

  /** Connections and streams of clients, what is in the handshake included. */
  get size(): number {
    return this.#clients.size + (this.#tls?.pending ?? 0) + (this.#preface?.pending ?? 0);
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
    this.#clients.sweep(now);
  }

  drain(patience: number): Promise<void> {
    return this.#clients.drain(patience, () => {
      this.#acceptor.close();
      this.#tls?.close();
      this.#preface?.close();
    });
  }

  /** Ends what is left. */
  close(): void {
    this.#acceptor.close();
    this.#tls?.close();
    this.#preface?.close();
    this.#clients.close();
  }
}
