/** One connection to an instance that speaks HTTP/2, with many streams. */
import { TLSSocket } from 'node:tls';
import type { Target } from '../../balance/balancer.ts';
import type { Engine } from '../http1/engine.ts';
import type { Asking } from '../http1/links.ts';
import { dialInstance, type InstanceEvents, type InstanceWire } from '../net/instance-wire.ts';
import { nodeTurn } from '../node-turn.ts';
import { type Lack, lackOf } from '../shortage.ts';
import type { Dialer } from '../tls/dialer.ts';
import { Allowance } from './allowance.ts';
import { Endpoint, readArea } from './endpoint.ts';
import {
  ENABLE_PUSH,
  HEADERS,
  INITIAL_WINDOW_SIZE,
  MAX_HEADER_LIST_SIZE,
  MOST,
  NO_ERROR,
  PROTOCOL_ERROR,
} from './frames.ts';
import { PREFACE } from './preface.ts';
import { type Http2Stream, WINDOW } from './stream.ts';
import { type UpstreamHome, UpstreamStream } from './upstream-stream.ts';

/** Streams of one connection at a time, when the instance allows more; then another one is opened. */
const MOST_STREAMS = 1_000;
/** Questions whether it still answers: servers of gRPC end a connection of which they hear more than two in five minutes between their answers. */
const QUESTIONS = { burst: 2, perSecond: 1 / 300 };

export class UpstreamPeer extends Endpoint implements UpstreamHome, InstanceEvents {
  readonly target: Target;
  connected = false;
  lack: Lack | undefined;
  trouble = 'connection refused';
  lastStream = Number.POSITIVE_INFINITY;
  /** Takes further streams. */
  isOpen = true;
  /** Since when nobody asks it for anything (engine time). */
  idleSince: number;
  readonly #wire: InstanceWire;
  readonly #onGone: (peer: UpstreamPeer) => void;
  /** Those that somebody asks for, begun or not. */
  readonly #asked = new Set<UpstreamStream>();
  #nextId = 1;
  #seen = 0;
  #hasFinished = false;
  /** Since when an answer to a ping is owed (engine time); Infinity: none is. */
  #askedAt = Number.POSITIVE_INFINITY;
  readonly #questions: Allowance;
  /** When anything came of it last (engine time). */
  #heardAt: number;

  constructor(engine: Engine, target: Target, dialer: Dialer, onGone: (peer: UpstreamPeer) => void) {
    super(engine, false);
    this.target = target;
    this.#onGone = onGone;
    this.idleSince = engine.time;
    this.#heardAt = engine.time;
    this.#questions = new Allowance(QUESTIONS, engine.time);
    nodeTurn.isDue = true;
    const { tls } = target;
    const speaking = tls === undefined ? target : { ...target, tls: { ...tls, alpn: tls.alpn ?? ['h2'] } };
    this.#wire = dialInstance(dialer, speaking, readArea, this);
  }

  // Events of the wire

  opened(): void {
    const { socket, sender } = this.#wire;
    if (socket instanceof TLSSocket && socket.alpnProtocol !== 'h2') {
      this.trouble = 'it does not speak HTTP/2 (no "h2" by ALPN)';
      socket.destroy();
      return;
    }
    this.connected = true;
    sender.open();
    socket.resume();
    this.open(sender, PREFACE, [
      ...[ENABLE_PUSH, 0],
      ...[INITIAL_WINDOW_SIZE, WINDOW],
      ...[MAX_HEADER_LIST_SIZE, this.engine.responseLimits.maxHead],
    ]);
    for (const stream of [...this.#asked]) stream.opened();
  }

  received(length: number): undefined {
    this.read(readArea, 0, length);
    this.#heardAt = this.engine.time;
  }

  override frame(type: number, flags: number, id: number, bytes: Uint8Array, from: number, to: number): void {
    if (type === HEADERS) this.#questions.refill();
    super.frame(type, flags, id, bytes, from, to);
  }

  failed(error: NodeJS.ErrnoException): void {
    if (this.connected) return;
    this.lack = lackOf(error.code);
    if (error.code !== 'ECONNREFUSED') this.trouble = `no HTTP/2 connection: ${error.message}`;
  }

  ended(): void {
    this.#wire.socket.destroy();
  }

  closed(): void {
    this.#leave();
    this.lose();
    for (const stream of [...this.#asked]) if (stream.id === 0) stream.onClosed();
  }

  // Streams

  add(session: Asking): UpstreamStream {
    this.#seen++;
    const stream = new UpstreamStream(this, session);
    this.#asked.add(stream);
    return stream;
  }

  begin(stream: UpstreamStream): void {
    stream.start(this.#nextId, this.firstWindow);
    this.streams.set(this.#nextId, stream);
    this.#nextId += 2;
    // No number is left for another one.
    if (this.#nextId > MOST) this.#leave();
  }

  left(stream: UpstreamStream): void {
    this.#asked.delete(stream);
    this.idleSince = this.engine.time;
    this.settle();
  }

  settle(): void {
    if (!this.isIdle) return;
    // All who waited for it have given up. It may stay like that for ever: the next one had better dial anew.
    if (!this.connected) this.destroy();
    else if (!this.isOpen) this.#finish();
  }

  get reused(): boolean {
    return this.#seen > 1;
  }

  get isFree(): boolean {
    const most = Math.min(this.peerStreams, MOST_STREAMS);
    return this.isOpen && Math.max(this.streams.size, this.#asked.size) < most;
  }

  /** For so long nobody has asked it for anything. What is open then waits for an end that never comes. */
  isUnused(since: number): boolean {
    return this.connected && this.#asked.size === 0 && this.idleSince <= since;
  }

  get isIdle(): boolean {
    return this.#asked.size === 0 && this.streams.size === 0;
  }

  /** An answer that came whole is the answer, whatever the instance does next (RFC 9113 §8.1). */
  protected override letGo(stream: Http2Stream): void {
    if (stream.isWhole) this.detach(stream);
    else this.close(stream);
  }

  /** Nobody but us begins a stream. */
  protected onHead(): void {
    this.broken(PROTOCOL_ERROR);
  }

  protected isIdleId(id: number): boolean {
    return id >= this.#nextId || id % 2 === 0;
  }

  protected hold(isHeld: boolean): void {
    nodeTurn.isDue = true;
    if (isHeld) this.#wire.socket.pause();
    else this.#wire.socket.resume();
  }

  protected onReset(): void {}

  protected onFault(): void {}

  protected onGoaway(last: number): void {
    this.lastStream = last;
    this.#leave();
    for (const stream of [...this.streams.values()]) if (stream.id > last) this.close(stream);
    if (this.isIdle) this.#finish();
  }

  // Whether it still carries anything

  /**
   * A request of then (engine time) was given up on it. When nothing has come since, whether it still carries anything is worth a question
   * (RFC 9113 §6.7).
   */
  doubt(since: number): void {
    if (this.#heardAt > since || this.#askedAt !== Number.POSITIVE_INFINITY || this.isOver) return;
    if (!this.#questions.take(this.engine.time)) return;
    this.#askedAt = this.engine.time;
    this.sendPing();
  }

  protected onPong(): void {
    this.#askedAt = Number.POSITIVE_INFINITY;
  }

  /** The question has had no answer for as long as it takes to connect anew. */
  isSilent(now: number): boolean {
    return this.#askedAt <= now - this.engine.limits.connectTimeout;
  }

  // Its end

  /** Takes no further stream. */
  #leave(): void {
    if (!this.isOpen) return;
    this.isOpen = false;
    this.#onGone(this);
  }

  /** Ends behind the streams that it still has, or at once when they are `unused`. */
  finish(unused = false): void {
    this.#leave();
    if (this.isIdle || unused) this.#finish();
  }

  #finish(): void {
    if (this.#hasFinished) return;
    this.#hasFinished = true;
    // Who owes an answer may not take anything either.
    if (!this.connected || this.isOver || this.#askedAt !== Number.POSITIVE_INFINITY) {
      this.destroy();
      return;
    }
    this.sendGoaway(0, NO_ERROR);
    this.flush();
    nodeTurn.isDue = true;
    this.#wire.sender.finish();
  }

  protected onBroken(code: number): void {
    this.#leave();
    this.sendGoaway(0, code);
    this.flush();
    this.closeAll();
    this.destroy();
  }

  destroy(): void {
    this.#leave();
    nodeTurn.isDue = true;
    this.#wire.socket.destroy();
  }
}
