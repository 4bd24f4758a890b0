import { createServer, type Server, Socket } from 'node:net';
import { listenError } from '../../errors.ts';
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
import { ClientConnection, type ClientHome } from './client-connection.ts';
import type { ListenerHome, OpenListener } from './listener-kind.ts';
import { plainWire, takenWire } from './wire.ts';

const BACKLOG = 4_096;

/** libuv's handle of a listening socket, as far as it is used here. */
interface ListenHandle {
  onconnection(status: number, handle: AcceptedHandle | undefined): void;
}

interface AcceptedHandle {
  /** Its descriptor; negative or absent where there are none. */
  readonly fd?: number;
  close(): void;
}

type Spec = HttpListenerSpec | HttpsListenerSpec;

/** Listens for HTTP, in clear text or over TLS. Throws `listen.*`. */
export async function openHttpListener(home: ListenerHome, spec: Spec): Promise<OpenListener> {
  const server = createServer();
  const { host, port } = spec;
  await new Promise<void>((resolve, reject) => {
    server.once('error', (cause) =>
      reject(listenError('the load balancer', formatHostPort(host, port), cause)),
    );
    server.listen({ host, port, backlog: BACKLOG }, resolve);
  });
  server.removeAllListeners('error');
  server.on('error', () => {});
  return new HttpListener(home, spec, server);
}

/** Accepts connections. */
class HttpListener implements ClientHome, Http2Home, OpenListener {
  readonly engine: Engine;
  readonly readBuffer: Buffer;
  readonly frontend: Frontend;
  readonly grpcFrontend: Frontend;
  readonly address: ListenAddress;
  readonly #seats: Seats;
  readonly #server: Server;
  readonly #clients: ClientList<ClientConnection | Http2Connection | ClientStream>;
  readonly #tls: TlsAcceptor | undefined;
  readonly #preface: PrefaceReader | undefined;

  constructor(home: ListenerHome, spec: Spec, server: Server) {
    const { engine, readBuffer, seats, keyring, localAddress } = home;
    this.engine = engine;
    this.readBuffer = readBuffer;
    this.#seats = seats;
    this.#server = server;
    const address = server.address();
    this.address =
      address === null || typeof address === 'string' ? spec : { host: address.address, port: address.port };
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
    this.#takeHandles();
  }

  /**
   * A socket gets its read callback at construction or never, and `net.Server` constructs its sockets without one. So
   * the handles are taken before it does: one socket per connection instead of two (half of the cost of a short one).
   */
  #takeHandles(): void {
    const handle = (this.#server as unknown as { _handle?: ListenHandle })._handle;
    if (typeof handle?.onconnection === 'function') {
      handle.onconnection = (status, accepted) => {
        if (status === 0 && accepted !== undefined) this.#accept(accepted);
        else this.#seats.refused();
      };
      return;
    }
    this.#server.on('connection', (socket: Socket) => {
      const bare = socket as unknown as { _handle: AcceptedHandle | null };
      const accepted = bare._handle;
      bare._handle = null;
      if (accepted !== null) this.#accept(accepted);
    });
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
      this.#server.close();
      this.#tls?.close();
      this.#preface?.close();
    });
  }

  /** Ends what is left. */
  close(): void {
    this.#server.close();
    this.#tls?.close();
    this.#preface?.close();
    this.#clients.close();
  }
}
