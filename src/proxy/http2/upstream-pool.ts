/** Connections to instances that speak HTTP/2, each with many streams. */
import { type ClientHttp2Session, connect as connectHttp2 } from 'node:http2';
import { connect, type Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import type { Target, TargetState } from '../../balance/balancer.ts';
import type { Engine } from '../http1/engine.ts';
import type { Asking, UpstreamLink } from '../http1/links.ts';
import { COMPOSED_LIMITS } from '../limits.ts';
import { nodeTurn } from '../node-turn.ts';
import { type Lack, lackOf } from '../shortage.ts';
import type { Dialer } from '../tls/dialer.ts';
import { type UpstreamHome, UpstreamStream } from './upstream-stream.ts';

/** As in `connection.ts`. */
const WINDOW = 262_144;
const MOST_MEMORY = 64;
/** Streams of one connection at a time, when the instance allows more; then another one is opened. */
const MOST_STREAMS = 1_000;
/** Fields in front of the others of an answer: its status. */
const PSEUDO = 1;
/** How long (ms) a connection without streams is kept: below the idle timeouts of common servers, a minute and up. */
const IDLE = 50_000;

/** One connection. */
class Peer implements UpstreamHome {
  readonly engine: Engine;
  readonly target: Target;
  readonly http2: ClientHttp2Session;
  connected = false;
  lack: Lack | undefined;
  trouble = 'connection refused';
  lastStream = Number.POSITIVE_INFINITY;
  /** Takes further streams. */
  isOpen = true;
  idleSince: number;
  readonly #streams = new Set<UpstreamStream>();
  readonly #onGone: (peer: Peer) => void;
  #seen = 0;
  /** Since when an answer to a ping is owed (engine time); Infinity: none is. */
  #askedAt = Number.POSITIVE_INFINITY;

  constructor(engine: Engine, target: Target, dialer: Dialer, onGone: (peer: Peer) => void) {
    this.engine = engine;
    this.target = target;
    this.#onGone = onGone;
    this.idleSince = engine.time;
    const { host, port, tls } = target;
    const socket: Socket =
      tls === undefined
        ? connect({ host, port, noDelay: true })
        : dialer.connect(target, { ...tls, alpn: tls.alpn ?? ['h2'] });
    this.http2 = connectHttp2(`${tls === undefined ? 'http' : 'https'}://${authorityOf(host)}:${port}`, {
      createConnection: () => socket,
      maxSessionMemory: MOST_MEMORY,
      maxHeaderListPairs: engine.responseLimits.maxFields + PSEUDO,
      maxSendHeaderBlockLength: COMPOSED_LIMITS.maxHead,
      peerMaxConcurrentStreams: MOST_STREAMS,
      settings: {
        enablePush: false,
        initialWindowSize: WINDOW,
        maxHeaderListSize: engine.responseLimits.maxHead,
      },
    });
    this.http2.on('connect', () => {
      if (socket instanceof TLSSocket && socket.alpnProtocol !== 'h2') {
        this.trouble = 'it does not speak HTTP/2 (no "h2" by ALPN)';
        this.http2.destroy();
        return;
      }
      this.connected = true;
      for (const stream of [...this.#streams]) stream.opened();
    });
    this.http2.on('goaway', (_code, lastStream) => {
      this.isOpen = false;
      this.lastStream = lastStream;
      onGone(this);
    });
    this.http2.on('error', (error: NodeJS.ErrnoException) => {
      if (this.connected) return;
      this.lack = lackOf(error.code);
      if (error.code !== 'ECONNREFUSED') this.trouble = `no HTTP/2 connection: ${error.message}`;
    });
    this.http2.on('close', () => {
      this.isOpen = false;
      onGone(this);
      for (const stream of [...this.#streams]) stream.lost();
    });
    this.http2.unref();
  }

  get reused(): boolean {
    return this.#seen > 1;
  }

  /** A request was given up on it: whether it still carries anything is worth a question (RFC 9113 §6.7). */
  doubt(): void {
    if (this.#askedAt !== Number.POSITIVE_INFINITY || this.http2.destroyed) return;
    this.#askedAt = this.engine.time;
    this.http2.ping((error) => {
      if (error === null) this.#askedAt = Number.POSITIVE_INFINITY;
    });
  }

  /** The question has had no answer for as long as it takes to connect anew. */
  isSilent(now: number): boolean {
    return this.#askedAt <= now - this.engine.limits.connectTimeout;
  }

  get isFree(): boolean {
    if (!this.isOpen || this.http2.closed || this.http2.destroyed) return false;
    const allowed = this.connected
      ? (this.http2.remoteSettings.maxConcurrentStreams ?? MOST_STREAMS)
      : MOST_STREAMS;
    return this.#streams.size < Math.min(allowed, MOST_STREAMS);
  }

  get isIdle(): boolean {
    return this.#streams.size === 0;
  }

  add(session: Asking): UpstreamStream {
    this.#seen++;
    const stream = new UpstreamStream(this, session);
    this.#streams.add(stream);
    return stream;
  }

  left(stream: UpstreamStream): void {
    this.#streams.delete(stream);
    this.idleSince = this.engine.time;
    // All who waited for it have given up. It may stay like that for ever: the next one had better dial anew.
    if (!this.connected && this.isIdle && this.isOpen) this.#giveUp();
  }

  #giveUp(): void {
    this.isOpen = false;
    this.#onGone(this);
    this.http2.destroy();
  }
}

function authorityOf(host: string): string {
  return host.includes(':') ? `[${host}]` : host;
}

export class Http2Pool {
  readonly #engine: Engine;
  readonly #dialer: Dialer;
  readonly #peers = new Map<TargetState, Set<Peer>>();

  constructor(engine: Engine, dialer: Dialer) {
    this.#engine = engine;
    this.#dialer = dialer;
  }

  open(session: Asking, target: Target, fresh: boolean): UpstreamLink {
    nodeTurn.isDue = true;
    let peers = this.#peers.get(target.state);
    if (peers === undefined) {
      peers = new Set();
      this.#peers.set(target.state, peers);
    }
    // Those that one connection let down share the next one: until it stands nobody has a fresher one.
    for (const peer of peers) if (peer.isFree && !(fresh && peer.connected)) return peer.add(session);
    const peer = new Peer(this.#engine, target, this.#dialer, (gone) => this.#drop(gone));
    peers.add(peer);
    return peer.add(session);
  }

  #drop(peer: Peer): void {
    const { state } = peer.target;
    const peers = this.#peers.get(state);
    if (peers === undefined) return;
    peers.delete(peer);
    if (peers.size === 0) this.#peers.delete(state);
  }

  sweep(now: number): void {
    for (const peers of this.#peers.values())
      for (const peer of peers) {
        const isOld = peer.isIdle && peer.connected && peer.idleSince <= now - IDLE;
        // An instance that is only busy answers what it has; others are asked over another connection.
        if (isOld || peer.isSilent(now)) this.#end(peer);
      }
  }

  forget(state: TargetState): void {
    for (const peer of this.#peers.get(state) ?? []) this.#end(peer);
  }

  close(): void {
    for (const peers of this.#peers.values()) for (const peer of peers) this.#end(peer);
  }

  /** Ends behind the streams that it still has. */
  #end(peer: Peer): void {
    peer.isOpen = false;
    this.#drop(peer);
    if (peer.isIdle) peer.http2.destroy();
    else peer.http2.close();
  }
}
