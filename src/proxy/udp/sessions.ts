/** All sessions of one UDP listener. No I/O in here: datagrams come in as method calls, what is to be done goes to the transport. */
import type { Target } from '../../balance/balancer.ts';
import { isFull } from '../../balance/candidates.ts';
import { keyOfAddress } from '../../balance/hash.ts';
import { type AccessSpec, mayConnect } from '../access.ts';
import { BYTES_IN, CONNECTIONS, OPEN_CONNECTIONS, REQUESTS } from '../counters.ts';
import { waitOfConnection } from '../http1/rates.ts';
import type { TcpEngine } from '../tcp/engine.ts';
import type { Takers } from '../tcp/frontend.ts';
import type { UdpLimits } from './limits.ts';
import type { UdpClient, UdpTransport } from './links.ts';
import { UdpSession } from './session.ts';

export interface UdpFrontend {
  readonly limits: UdpLimits;
  readonly access: AccessSpec | undefined;
  /** Index of the listener's counters in the shared counter block. */
  readonly slot: number;
  /** Undefined: nobody takes it. */
  takers(): Takers | undefined;
}

const NONE: readonly Target[] = [];
/** When all places are taken, so many of the oldest are looked at for one that was never answered. */
const LOOKED_AT = 16;

export class UdpSessions {
  readonly engine: TcpEngine;
  readonly transport: UdpTransport;
  readonly frontend: UdpFrontend;
  /** By client, oldest first. */
  readonly #sessions = new Map<string, UdpSession>();
  /** Full ones: their client has another session, they wait for answers. */
  readonly #leaving = new Set<UdpSession>();
  /** The same of those whose instance is out; oldest first. */
  readonly #stranded = new Set<UdpSession>();

  constructor(engine: TcpEngine, transport: UdpTransport, frontend: UdpFrontend) {
    this.engine = engine;
    this.transport = transport;
    this.frontend = frontend;
  }

  get size(): number {
    return this.#sessions.size + this.#leaving.size + this.#stranded.size;
  }

  /** A datagram from a client; it stays as it is. */
  received(client: UdpClient, datagram: Uint8Array): void {
    const key = `${client.address} ${client.port}`;
    const known = this.#sessions.get(key);
    const takers = this.frontend.takers();
    if (known !== undefined && !known.isFull) {
      this.#staying(known, key, takers).request(datagram);
      return;
    }
    const { access, limits } = this.frontend;
    if (access !== undefined && !mayConnect(access, client.address)) return;
    if (takers === undefined || waitOfConnection(this.engine, takers, client.address) > 0) return;
    if (limits.maxRequests === 1) {
      this.#forget(client, datagram);
      return;
    }
    if (known !== undefined) {
      this.#sessions.delete(key);
      this.#leaving.add(known);
    }
    if (this.size >= limits.maxSessions && !this.#makeRoom()) {
      this.engine.onLack('connections');
      return;
    }
    this.#begin(client, key).request(datagram);
  }

  #begin(client: UdpClient, key: string): UdpSession {
    const session = new UdpSession(this, client);
    this.#sessions.set(key, session);
    this.#count(1);
    return session;
  }

  /**
   * The session that a client goes on with: another one when its instance is out and there is somebody else. What it asked before is
   * still answered, where there is room for both. It is no newcomer, whatever the rules say of those.
   */
  #staying(known: UdpSession, key: string, takers: Takers | undefined): UdpSession {
    if (takers === undefined || known.isOf(takers)) return known;
    if (!takers.targets.some((one) => one.weight > 0 && !isFull(one))) return known;
    if (this.size < this.frontend.limits.maxSessions) {
      this.#sessions.delete(key);
      this.#stranded.add(known);
    } else this.end(known);
    return this.#begin(known.client, key);
  }

  /** Candidates in order, as they are now. */
  choose({ address }: UdpClient, tried: readonly Target[]): Target | undefined {
    const balancer = this.frontend.takers()?.balancer;
    return balancer?.next(tried, balancer.byKey === true ? keyOfAddress(address) : undefined);
  }

  /** The session is over. */
  end(session: UdpSession): void {
    session.close();
    const key = `${session.client.address} ${session.client.port}`;
    const isKnown =
      this.#sessions.get(key) === session
        ? this.#sessions.delete(key)
        : this.#leaving.delete(session) || this.#stranded.delete(session);
    if (isKnown) this.#count(-1);
  }

  /** Ends the sessions whose time is up. */
  sweep(now: number): void {
    for (const session of [...this.#all()])
      if (session.deadline <= now && session.isOver(now)) this.end(session);
  }

  /** Ends all. */
  close(): void {
    for (const session of [...this.#all()]) this.end(session);
  }

  *#all(): Generator<UdpSession> {
    yield* this.#sessions.values();
    yield* this.#leaving;
    yield* this.#stranded;
  }

  #forget(client: UdpClient, datagram: Uint8Array): void {
    const { counters } = this.engine;
    const target = this.choose(client, NONE);
    if (target === undefined) return;
    for (const slot of [this.frontend.slot, target.slot]) counters.slot(slot, BYTES_IN, datagram.length);
    counters.overall(BYTES_IN, datagram.length);
    counters.slot(target.slot, REQUESTS);
    counters.slot(target.slot, CONNECTIONS);
    target.state.bytes += datagram.length;
    this.transport.forget(target, datagram);
  }

  /** What an instance that is out still owes gives way first. Who never got an answer may be a forged address: such a session does too. */
  #makeRoom(): boolean {
    const [stranded] = this.#stranded;
    if (stranded !== undefined) {
      this.end(stranded);
      return true;
    }
    let looked = 0;
    for (const session of this.#sessions.values()) {
      if (!session.isAnswered) {
        this.end(session);
        return true;
      }
      if (++looked === LOOKED_AT) break;
    }
    return false;
  }

  #count(by: 1 | -1): void {
    const { counters } = this.engine;
    if (by === 1) {
      counters.overall(CONNECTIONS);
      counters.slot(this.frontend.slot, CONNECTIONS);
    }
    counters.overall(OPEN_CONNECTIONS, by);
    counters.slot(this.frontend.slot, OPEN_CONNECTIONS, by);
  }
}
