/** An HTTP/2 client's connection: its streams, its limits, its end. */

import * as http2 from 'node:http2';
import { constants, type ServerHttp2Session } from 'node:http2';
import type { Socket } from 'node:net';
import { CONNECTIONS, OPEN_CONNECTIONS } from '../counters.ts';
import type { Engine } from '../http1/engine.ts';
import type { Frontend } from '../http1/frontend.ts';
import { COMPOSED_LIMITS } from '../limits.ts';
import { Allowance } from './allowance.ts';
import { ClientStream, type StreamHome } from './client-stream.ts';

export interface Http2Home {
  readonly engine: Engine;
  readonly frontend: Frontend;
  /** For gRPC calls: they bring deadlines of their own, and streams may be silent for long. */
  readonly grpcFrontend: Frontend;
  /** A stream has begun. */
  joined(stream: ClientStream): void;
  /** It is over. */
  parted(stream: ClientStream): void;
  /** The connection is gone. */
  left(connection: Http2Connection): void;
}

/** Streams at a time. As nginx and Envoy have it; more is more connections to instances for one client. */
const MOST_STREAMS = 128;
/** Bytes that a client may send on a stream before it hears that they were taken: two round trips of 100 ms at 10 Mbit/s. */
const WINDOW = 262_144;
/** MB of memory for one connection's queues, after which its streams are refused. */
const MOST_MEMORY = 16;
/** Frames that are not valid, streams that are refused: then the connection ends. */
const MOST_INVALID = 100;

/** Requests that a client may take back: at once, and each second from then on. More is an attack (CVE-2023-44487). */
const RESETS = { burst: 500, perSecond: 33 };

export class Http2Connection implements StreamHome {
  readonly engine: Engine;
  readonly remotePort: number;
  readonly forwarding;
  /** Between streams, and what a list of clients looks at. */
  readonly session = {
    deadline: Number.POSITIVE_INFINITY,
    expired: () => this.#expired(),
    announceEnd: () => this.#announceEnd(),
    drain: () => this.#close(),
  };
  index = -1;
  readonly #home: Http2Home;
  readonly #http2: ServerHttp2Session;
  readonly #patience: Allowance;
  readonly #socket: Socket;
  #streams = 0;
  /** Of them, those that only wait until the client has taken what it was given. */
  #done = 0;
  /** Bytes to the client when it was last looked at. */
  #sent = 0;
  /** It was told that no further stream is taken. */
  #isClosing = false;

  /**
   * `socket`: a connection that speaks HTTP/2 from its first byte. `address`: the client's, when somebody said it who knows better
   * than the socket.
   */
  constructor(home: Http2Home, socket: Socket, security: string, address?: string) {
    const { engine, frontend } = home;
    const { limits } = frontend;
    this.engine = engine;
    this.#home = home;
    this.#socket = socket;
    this.#patience = new Allowance(RESETS, engine.time);
    this.remotePort = socket.remotePort ?? 0;
    this.forwarding = frontend.forwardingFor(address ?? socket.remoteAddress ?? '', security);
    this.#http2 = http2.performServerHandshake(socket, {
      maxSessionMemory: MOST_MEMORY,
      maxSessionInvalidFrames: MOST_INVALID,
      maxSessionRejectedStreams: MOST_INVALID,
      maxHeaderListPairs: limits.maxFields + PSEUDO,
      maxSendHeaderBlockLength: COMPOSED_LIMITS.maxHead,
      settings: {
        maxConcurrentStreams: MOST_STREAMS,
        initialWindowSize: WINDOW,
        maxHeaderListSize: limits.maxHead,
        enablePush: false,
        enableConnectProtocol: true,
      },
    });
    this.#http2.on('stream', (stream, headers) => {
      const own = new ClientStream(this, stream, headers);
      this.#streams++;
      this.session.deadline = Number.POSITIVE_INFINITY;
      home.joined(own);
      own.begin(headers);
    });
    // Nobody half-closes a connection of HTTP/2: who sends no more is gone.
    socket.on('end', () => this.destroy());
    this.#http2.on('error', ignore);
    this.#http2.on('close', () => {
      engine.counters.overall(OPEN_CONNECTIONS, -1);
      home.left(this);
    });
    engine.counters.overall(CONNECTIONS);
    engine.counters.overall(OPEN_CONNECTIONS);
    this.#rest(limits.headTimeout);
  }

  frontendFor(isGrpc: boolean): Frontend {
    return isGrpc ? this.#home.grpcFrontend : this.#home.frontend;
  }

  done(): void {
    this.#done++;
    this.#watch();
  }

  left(stream: ClientStream): void {
    this.#streams--;
    if (stream.isDone) this.#done--;
    this.#home.parted(stream);
    this.#watch();
  }

  /** While the engine is at work on a stream, the stream's own deadline holds. */
  #watch(): void {
    const { keepAliveTimeout, stallTimeout } = this.#home.frontend.limits;
    if (this.#streams === 0) this.#rest(this.#isClosing ? stallTimeout : keepAliveTimeout);
    else if (this.#done === this.#streams) this.#rest(stallTimeout);
  }

  /** The client took a request back before it was answered: each costs an instance work for nothing. */
  aborted(): void {
    if (this.#patience.take(this.engine.touch())) return;
    this.#http2.goaway(constants.NGHTTP2_ENHANCE_YOUR_CALM);
    this.#http2.destroy();
  }

  #rest(patience: number): void {
    this.session.deadline = this.engine.touch() + patience;
  }

  /**
   * Streams that are done and do not go, or a connection that ends and does not: the client reads no more, or broke the protocol, after
   * which nothing is read from it and nothing sent, and nobody is told.
   */
  #expired(): void {
    this.session.deadline = Number.POSITIVE_INFINITY;
    if (this.#streams > this.#done) return;
    if (this.#streams === 0 && !this.#isClosing) {
      this.#close();
      return;
    }
    const { bytesWritten } = this.#socket;
    if (bytesWritten === this.#sent) this.destroy();
    else {
      this.#sent = bytesWritten;
      this.#watch();
    }
  }

  /** Asks the client for no further stream; what it has begun meanwhile is still taken (RFC 9113, 6.8). */
  #announceEnd(): void {
    if (!this.#http2.destroyed) this.#http2.goaway(constants.NGHTTP2_NO_ERROR, LAST_STREAM);
  }

  /** Says that no further stream is taken; ends behind those there are. */
  #close(): void {
    this.#isClosing = true;
    this.#http2.close();
    if (this.#streams === this.#done) this.#rest(this.#home.frontend.limits.stallTimeout);
  }

  destroy(): void {
    this.#http2.destroy(undefined, constants.NGHTTP2_NO_ERROR);
    // Once it is to close, Node waits until the client has taken all there is.
    if (this.#isClosing) this.#socket.destroy();
  }
}

/** No stream has a higher number. */
const LAST_STREAM = 2 ** 31 - 1;
/** Fields in front of the others: method, scheme, path, authority, protocol. */
const PSEUDO = 5;

/** What matters about an error is said by the close that follows. */
function ignore(): void {}
