/** An HTTP/2 client's connection: its streams, its limits, its end. */
import { CONNECTIONS, OPEN_CONNECTIONS } from '../counters.ts';
import type { Engine } from '../http1/engine.ts';
import type { Forwarding } from '../http1/forwarding.ts';
import type { Frontend } from '../http1/frontend.ts';
import type { OpenWire, Wire, WireEvents } from '../net/wire.ts';
import { nodeTurn } from '../node-turn.ts';
import { Allowance } from './allowance.ts';
import { ClientStream, type StreamHome } from './client-stream.ts';
import { Endpoint, readArea } from './endpoint.ts';
import {
  ENABLE_CONNECT_PROTOCOL,
  ENABLE_PUSH,
  ENHANCE_YOUR_CALM,
  INITIAL_WINDOW_SIZE,
  MAX_CONCURRENT_STREAMS,
  MAX_HEADER_LIST_SIZE,
  MOST,
  NO_ERROR,
  PROTOCOL_ERROR,
  REFUSED_STREAM,
} from './frames.ts';
import type { FieldBlock } from './hpack/field-block.ts';
import { isPreface, PREFACE_LENGTH } from './preface.ts';
import { type Http2Stream, WINDOW } from './stream.ts';

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
/** Requests that a client may take back, and streams whose protocol it may break: at once, and each second from then on. More is an attack (CVE-2023-44487). */
const RESETS = { burst: 500, perSecond: 33 };

const NOTHING = new Uint8Array();

export class Http2Connection extends Endpoint implements StreamHome, WireEvents {
  readonly remotePort: number;
  readonly forwarding: Forwarding;
  /** Between streams, and what a list of clients looks at. */
  readonly session = {
    deadline: Number.POSITIVE_INFINITY,
    expired: () => this.#expired(),
    announceEnd: () => this.#announceEnd(),
    drain: () => this.#close(),
  };
  index = -1;
  readonly #home: Http2Home;
  readonly #wire: Wire;
  readonly #patience: Allowance;
  /** Bytes of the preface that are still to come. */
  #preface = PREFACE_LENGTH;
  /** The highest number that the client used, and the last one that was looked at. */
  #lastId = 0;
  #lastTaken = 0;
  /** Of the streams, those that only wait until the client has taken what it was given. */
  #done = 0;
  /** `progress` when it was last looked at. */
  #seen = 0;
  /** It was told that no further stream is taken. */
  #isClosing = false;
  /** All was said; the client is to close. */
  #isLingering = false;
  /** Our direction is closed, or will be behind what is sent. */
  #hasEnded = false;

  /**
   * `open`: of a connection that speaks HTTP/2 from its first byte. `address`: the client's, when somebody said it who knows better
   * than the socket.
   */
  constructor(home: Http2Home, open: OpenWire, address?: string) {
    const { engine, frontend } = home;
    super(engine, true);
    this.#home = home;
    this.#patience = new Allowance(RESETS, engine.touch());
    this.#wire = open(this);
    const { socket, sender, security } = this.#wire;
    this.remotePort = socket.remotePort ?? 0;
    this.forwarding = frontend.forwardingFor(address ?? socket.remoteAddress ?? '', security, true);
    engine.counters.overall(CONNECTIONS);
    engine.counters.overall(OPEN_CONNECTIONS);
    this.open(sender, NOTHING, [
      ...[MAX_CONCURRENT_STREAMS, MOST_STREAMS],
      ...[INITIAL_WINDOW_SIZE, WINDOW],
      ...[MAX_HEADER_LIST_SIZE, frontend.limits.maxHead],
      ...[ENABLE_PUSH, 0],
      ...[ENABLE_CONNECT_PROTOCOL, 1],
    ]);
    this.#rest(frontend.limits.headTimeout);
    this.#wire.begin();
  }

  // Events of the wire

  received(length: number): undefined {
    this.take(readArea, length);
  }

  /** The first `length` of these bytes were read. */
  take(bytes: Uint8Array, length: number): void {
    let from = 0;
    if (this.#preface > 0) {
      from = Math.min(length, this.#preface);
      const isFine = isPreface(bytes, from, PREFACE_LENGTH - this.#preface);
      this.#preface -= from;
      if (!isFine) this.broken(PROTOCOL_ERROR);
    }
    this.read(bytes, from, length);
  }

  /** Nobody half-closes a connection of HTTP/2: who sends no more is gone. */
  ended(): void {
    this.destroy();
  }

  closed(): void {
    this.lose();
    this.engine.counters.overall(OPEN_CONNECTIONS, -1);
    this.#home.left(this);
  }

  // Streams

  protected onHead(id: number, block: FieldBlock, isAll: boolean): void {
    if (id % 2 === 0) {
      this.broken(PROTOCOL_ERROR);
      return;
    }
    this.#lastId = id;
    if (this.#isClosing || this.streams.size >= MOST_STREAMS || !block.isRequest) {
      this.sendReset(id, block.isRequest ? REFUSED_STREAM : PROTOCOL_ERROR);
      if (!this.#isClosing) this.onFault();
      return;
    }
    this.#lastTaken = id;
    const stream = new ClientStream(this, block);
    stream.start(id, this.firstWindow);
    this.streams.set(id, stream);
    this.session.deadline = Number.POSITIVE_INFINITY;
    this.#home.joined(stream);
    stream.begin(block, isAll);
  }

  protected isIdleId(id: number): boolean {
    return id > this.#lastId || id % 2 === 0;
  }

  frontendFor(isGrpc: boolean): Frontend {
    return isGrpc ? this.#home.grpcFrontend : this.#home.frontend;
  }

  done(): void {
    this.#done++;
    this.#watch();
  }

  left(stream: ClientStream): void {
    if (stream.isDone) this.#done--;
    this.#home.parted(stream);
    if (this.#isClosing && this.streams.size === 0) this.#linger();
    this.#watch();
  }

  /** While the engine is at work on a stream, the stream's own deadline holds. */
  #watch(): void {
    if (this.#isLingering) return;
    const { keepAliveTimeout, stallTimeout } = this.#home.frontend.limits;
    if (this.streams.size === 0) this.#rest(keepAliveTimeout);
    else if (this.#done >= this.streams.size) this.#rest(stallTimeout);
  }

  /** The client took a request back before it was answered: each costs an instance work for nothing. */
  protected onReset(stream: Http2Stream): void {
    if (!stream.hasEnded) this.onFault();
  }

  /** What it did it may do now and then. */
  protected onFault(): void {
    if (!this.#patience.take(this.engine.time)) this.broken(ENHANCE_YOUR_CALM);
  }

  protected onGoaway(): void {}

  protected onPong(): void {}

  // Its end

  #rest(patience: number): void {
    this.session.deadline = this.engine.touch() + patience;
  }

  /**
   * Streams that are done and do not go, or a connection that ends and does not: the client reads no more, or never closes.
   */
  #expired(): void {
    this.session.deadline = Number.POSITIVE_INFINITY;
    if (this.#isLingering) this.destroy();
    else if (this.streams.size === 0) this.#close();
    else if (this.#done >= this.streams.size) {
      if (this.progress === this.#seen) this.destroy();
      this.#seen = this.progress;
      this.#watch();
    }
  }

  /** Asks the client for no further stream; what it has begun meanwhile is still taken (RFC 9113, 6.8). */
  #announceEnd(): void {
    if (!this.isOver) this.sendGoaway(MOST, NO_ERROR);
  }

  /** Says that no further stream is taken; ends behind those there are. */
  #close(): void {
    if (this.#isClosing || this.isOver) return;
    this.#isClosing = true;
    this.sendGoaway(this.#lastTaken, NO_ERROR);
    if (this.streams.size === 0) this.#linger();
  }

  protected onBroken(code: number): void {
    this.sendGoaway(this.#lastTaken, code);
    this.closeAll();
    // Whoever floods is not listened to.
    if (code === ENHANCE_YOUR_CALM) {
      this.flush();
      this.#hasEnded = true;
      this.#wire.sender.finish();
    }
    this.#linger();
  }

  override drained(): void {
    super.drained();
    if (this.#isLingering) this.#end();
  }

  protected hold(isHeld: boolean): void {
    if (isHeld) this.#wire.pause();
    else this.#wire.resume();
  }

  /** Half-closes behind everything sent, and waits for the client to close: a reset would overtake what it has not read yet. */
  #linger(): void {
    if (this.#isLingering) return;
    this.#isLingering = true;
    this.isOver = true;
    this.#end();
    this.#rest(this.#home.frontend.limits.lingerTimeout);
  }

  /** Half-closes, once what is to be said before has gone out. */
  #end(): void {
    this.flush();
    if (this.isBlocked || this.#hasEnded) return;
    this.#hasEnded = true;
    nodeTurn.isDue = true;
    this.#wire.sender.end();
  }

  destroy(): void {
    nodeTurn.isDue = true;
    this.#wire.socket.destroy();
  }
}
