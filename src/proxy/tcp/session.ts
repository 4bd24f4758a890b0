/** One client's connection and the one to the instance that it is relayed to. No I/O in here: events come in as method calls, what is to be done goes out through the links. */
import type { Target } from '../../balance/balancer.ts';
import { answeredIn } from '../../balance/measure.ts';
import { mayConnect } from '../access.ts';
import {
  BYTES_IN,
  BYTES_OUT,
  CONNECT_FAILURES,
  CONNECTIONS,
  IN_FLIGHT,
  OPEN_CONNECTIONS,
  REQUESTS,
  RETRIES,
} from '../counters.ts';
import { waitOfConnection } from '../http1/rates.ts';
import { encodeProxy } from '../proxy-protocol.ts';
import type { TcpEngine, TcpWorker } from './engine.ts';
import type { TcpFrontend } from './frontend.ts';
import type { Peers, TcpLink, TcpTransport, TcpUpstreamLink } from './links.ts';
import { Prelude, type PreludeOutcome } from './prelude.ts';
import { Search } from './search.ts';
import { idleUntil, Side } from './side.ts';

/** What comes before an instance can be chosen is being read. */
const PRELUDE = 0;
/** For an instance to have room. */
const WAITING = 1;
const CONNECTING = 2;
const RELAY = 3;
const CLOSED = 4;

const NOTHING = new Uint8Array();

export class TcpSession {
  /** When `expired` is to be called (engine time); Infinity: never. */
  deadline = Number.POSITIVE_INFINITY;
  readonly #engine: TcpEngine;
  readonly #transport: TcpTransport;
  readonly #frontend: TcpFrontend;
  readonly #client: TcpLink;
  #peers: Peers;
  #stage = PRELUDE;
  #prelude: Prelude | undefined;
  /** What the client sent before its instance was connected. */
  #early: Uint8Array = NOTHING;
  #search: Search | undefined;
  #upstream: TcpUpstreamLink | undefined;
  #connectingSince = 0;
  readonly #clientSide = new Side();
  readonly #upstreamSide = new Side();

  constructor({ engine, transport }: TcpWorker, frontend: TcpFrontend, client: TcpLink, peers: Peers) {
    this.#engine = engine;
    this.#transport = transport;
    this.#frontend = frontend;
    this.#client = client;
    this.#peers = peers;
  }

  /**
   * To be called once, when the transport can take calls for the client's side. `name`: what the client asked for, when somebody
   * else has read its hello.
   */
  begin(name?: string): void {
    const { counters } = this.#engine;
    const { slot, acceptProxy, destinations, limits } = this.#frontend;
    counters.overall(CONNECTIONS);
    counters.overall(OPEN_CONNECTIONS);
    counters.slot(slot, CONNECTIONS);
    counters.slot(slot, OPEN_CONNECTIONS);
    const serverName = name ?? this.#peers.serverName;
    const peeks = destinations.byName && serverName === undefined;
    if (!acceptProxy && !peeks) {
      this.#choose(serverName ?? '');
      return;
    }
    // Whoever may not connect is not listened to, unless it speaks for others.
    if (!acceptProxy && !this.#isWelcome()) return;
    this.#prelude = new Prelude(acceptProxy, peeks);
    this.deadline = this.#engine.touch() + limits.headTimeout;
    this.#client.resume();
  }

  // Events of the client's connection

  received(bytes: Uint8Array, start: number, end: number): void {
    if (this.#stage === RELAY) this.passed(end - start, this.#upstream!.send(bytes, start, end));
    else if (this.#stage !== CLOSED) this.#receivedEarly(bytes.subarray(start, end));
  }

  /** So many bytes of the client's have gone to the instance. `accepted`: as `TcpLink.send` says of them. */
  passed(length: number, accepted: boolean): void {
    if (this.#stage !== RELAY) return;
    this.#count(BYTES_IN, length);
    this.#clientSide.at = this.#engine.time;
    if (accepted) return;
    this.#upstreamSide.isSlow = true;
    this.#client.pause();
    this.#arm();
  }

  /** The client sent FIN. */
  ended(): void {
    this.#clientSide.hasEnded = true;
    if (this.#stage === PRELUDE) this.#close();
    else if (this.#stage === RELAY) this.#halfClosed(this.#upstream!);
  }

  /** The client took what was queued for it. */
  drained(): void {
    if (this.#stage !== RELAY) return;
    this.#clientSide.isSlow = false;
    this.#clientSide.at = this.#engine.touch();
    if (!this.#upstreamSide.hasEnded) this.#upstream!.resume();
    this.#arm();
  }

  /** The client took a part of what is queued for it. */
  progressed(): void {
    this.#clientSide.at = this.#engine.time;
  }

  /** The client's connection is closed. `isClean`: without an error. */
  gone(isClean: boolean): void {
    if (this.#stage === CLOSED) return;
    const upstream = this.#over();
    if (isClean) upstream?.finish();
    else upstream?.reset();
  }

  // Events of the instance's connection

  opened(): void {
    const upstream = this.#upstream!;
    const engine = this.#engine;
    const { slot, state } = upstream.target;
    const now = engine.touch();
    engine.counters.slot(slot, REQUESTS);
    engine.counters.slot(slot, CONNECTIONS);
    engine.outcomes.answered(upstream.target);
    answeredIn(state, now - this.#connectingSince);
    this.#stage = RELAY;
    this.#search = undefined;
    this.#clientSide.at = this.#upstreamSide.at = now;
    const { source, destination } = this.#peers;
    const { sendProxy } = this.#frontend;
    const version = upstream.target.options?.proxyProtocol === true ? sendProxy || 1 : sendProxy;
    const first = Buffer.concat([encodeProxy(version, source, destination), this.#early]);
    engine.counters.slot(slot, BYTES_IN, this.#early.length);
    this.#early = NOTHING;
    this.#client.pair?.(upstream);
    upstream.pair?.(this.#client);
    upstream.resume();
    if (first.length > 0) this.#upstreamSide.isSlow = !upstream.send(first, 0, first.length);
    if (this.#clientSide.hasEnded) upstream.end();
    else if (!this.#upstreamSide.isSlow) this.#client.resume();
    this.#arm();
  }

  upstreamReceived(bytes: Uint8Array, start: number, end: number): void {
    if (this.#stage === RELAY) this.upstreamPassed(end - start, this.#client.send(bytes, start, end));
  }

  /** As `passed`, the other way round. */
  upstreamPassed(length: number, accepted: boolean): void {
    if (this.#stage !== RELAY) return;
    this.#count(BYTES_OUT, length);
    this.#upstreamSide.at = this.#engine.time;
    if (accepted) return;
    this.#clientSide.isSlow = true;
    this.#upstream!.pause();
    this.#arm();
  }

  /** The instance sent FIN. */
  upstreamEnded(): void {
    this.#upstreamSide.hasEnded = true;
    if (this.#stage === RELAY) this.#halfClosed(this.#client);
  }

  upstreamDrained(): void {
    if (this.#stage !== RELAY) return;
    this.#upstreamSide.isSlow = false;
    this.#upstreamSide.at = this.#engine.touch();
    if (!this.#clientSide.hasEnded) this.#client.resume();
    this.#arm();
  }

  upstreamProgressed(): void {
    this.#upstreamSide.at = this.#engine.time;
  }

  /** The instance's connection is closed, or could not be opened. */
  upstreamGone(isClean: boolean): void {
    if (this.#stage === CONNECTING) {
      this.#connectFailed(this.#upstream!.trouble);
      return;
    }
    if (this.#stage === CLOSED) return;
    this.#upstream = this.#left();
    this.#over();
    if (isClean) this.#client.finish();
    else this.#client.reset();
  }

  /** `deadline` has passed. */
  expired(): void {
    // Reads and writes only note when they were: it is now that they count.
    if (this.#stage === RELAY) this.#arm();
    if (this.#stage === CLOSED) this.destroy();
    else if (this.#stage === CONNECTING) this.#connectFailed('connect timed out');
    else if (this.#stage !== RELAY || this.deadline <= this.#engine.time) {
      const outcome = this.#prelude?.late();
      if (outcome === undefined) this.#close();
      else this.#begun(outcome);
    }
  }

  /** No new connections are wanted: one that has no instance yet is closed. */
  drain(): void {
    if (this.#stage === PRELUDE || this.#stage === WAITING) this.#close();
  }

  /** An instance may have room. Called by the waiting room, which then forgets it; false when there is none for this one. */
  admit(): boolean {
    const target = this.#search!.nextOfNow();
    if (target === undefined) return false;
    this.#open(target);
    return true;
  }

  get isPicky(): boolean {
    return this.#search!.isPicky;
  }

  /** Ends it at once. */
  destroy(): void {
    this.#over()?.reset();
    this.deadline = Number.POSITIVE_INFINITY;
    this.#client.reset();
  }

  #count(field: number, length: number): void {
    const { counters } = this.#engine;
    const { slot, state } = this.#upstream!.target;
    counters.overall(field, length);
    counters.slot(this.#frontend.slot, field, length);
    counters.slot(slot, field, length);
    state.bytes += length;
  }

  // Before there is an instance

  #receivedEarly(bytes: Uint8Array): void {
    const { counters } = this.#engine;
    counters.overall(BYTES_IN, bytes.length);
    counters.slot(this.#frontend.slot, BYTES_IN, bytes.length);
    if (this.#stage === PRELUDE) this.#read(bytes);
    // What was decrypted together with the end of the handshake.
    else this.#early = Buffer.concat([this.#early, bytes]);
  }

  #read(bytes: Uint8Array): void {
    const outcome = this.#prelude!.read(bytes);
    if (outcome === 'more') return;
    if (outcome === 'invalid') {
      this.#close();
      return;
    }
    this.#begun(outcome);
  }

  /** What came before an instance can be chosen is known. */
  #begun(outcome: PreludeOutcome): void {
    this.#client.pause();
    this.#prelude = undefined;
    this.#early = outcome.rest;
    if (outcome.ends !== undefined) this.#peers = { ...this.#peers, ...outcome.ends };
    this.#choose(this.#peers.serverName ?? outcome.serverName);
  }

  #isWelcome(): boolean {
    const { access } = this.#frontend;
    if (access === undefined || mayConnect(access, this.#peers.source.address)) return true;
    this.#close();
    return false;
  }

  #choose(serverName: string): void {
    if (!this.#isWelcome()) return;
    const { destinations } = this.#frontend;
    const takers = destinations.find(serverName, this.#peers);
    if (takers === undefined || waitOfConnection(this.#engine, takers, this.#peers.source.address) > 0) {
      this.#close();
      return;
    }
    this.#search = new Search(takers, destinations, serverName, this.#peers);
    this.#connect();
  }

  /** To the next candidate, once there is one; without one the client's connection ends. */
  #connect(): void {
    const search = this.#search!;
    const target = search.next();
    if (target !== undefined) this.#open(target);
    else if (!this.#waits(search)) this.#close();
  }

  /** False when nobody would take it if he had room, or when its turn would come too late. */
  #waits({ first, isAnyFull }: Search): boolean {
    const { waitTimeout } = this.#frontend.limits;
    if (waitTimeout === 0 || !isAnyFull) return false;
    if (!this.#engine.waiting.enter(first, this, waitTimeout)) return false;
    this.#stage = WAITING;
    this.deadline = this.#engine.touch() + waitTimeout;
    return true;
  }

  #open(target: Target): void {
    if (this.#search!.isAgain) this.#engine.counters.overall(RETRIES);
    target.state.inFlight++;
    this.#engine.counters.slot(target.slot, IN_FLIGHT);
    this.#stage = CONNECTING;
    this.#connectingSince = this.#engine.touch();
    this.deadline = this.#connectingSince + this.#frontend.limits.connectTimeout;
    this.#upstream = this.#transport.open(this, target);
  }

  #connectFailed(why: string): void {
    const { counters, outcomes, onLack } = this.#engine;
    const upstream = this.#upstream!;
    const { target, lack } = upstream;
    this.#left();
    upstream.reset();
    if (lack !== undefined) onLack(lack);
    else {
      counters.overall(CONNECT_FAILURES);
      counters.slot(target.slot, CONNECT_FAILURES);
      outcomes.connectFailed(target, why);
    }
    this.#search!.failed(target);
    this.#connect();
  }

  // Ends

  /** One side has ended: so does its direction on the other side, and with the second one everything. */
  #halfClosed(other: TcpLink): void {
    if (!this.#clientSide.hasEnded || !this.#upstreamSide.hasEnded) {
      other.end();
      this.#clientSide.at = this.#upstreamSide.at = this.#engine.touch();
      this.#arm();
      return;
    }
    this.#close();
  }

  /** Ends both sides, behind what was sent. */
  #close(): void {
    this.#over()?.finish();
    this.#client.finish();
    // Who takes nothing of what was sent is not waited for without end.
    this.deadline = this.#engine.touch() + this.#frontend.limits.halfClosedTimeout;
  }

  /** Nothing is to be done any more but closing what it answers with. */
  #over(): TcpUpstreamLink | undefined {
    if (this.#stage === CLOSED) return undefined;
    const { counters, waiting } = this.#engine;
    if (this.#stage === WAITING) waiting.leave(this.#search!.first, this);
    this.#stage = CLOSED;
    this.deadline = Number.POSITIVE_INFINITY;
    this.#prelude = undefined;
    this.#early = NOTHING;
    this.#search = undefined;
    counters.overall(OPEN_CONNECTIONS, -1);
    counters.slot(this.#frontend.slot, OPEN_CONNECTIONS, -1);
    const upstream = this.#upstream;
    if (upstream !== undefined) this.#left();
    return upstream;
  }

  /** The instance has one connection less. */
  #left(): undefined {
    const { target } = this.#upstream!;
    this.#upstream = undefined;
    target.state.inFlight--;
    this.#engine.counters.slot(target.slot, IN_FLIGHT, -1);
    this.#engine.waiting.freed();
  }

  #arm(): void {
    this.deadline = idleUntil(this.#clientSide, this.#upstreamSide, this.#frontend.limits);
  }
}
