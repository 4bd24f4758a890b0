/** One client's exchange with one instance. No I/O in here. */
import type { Target } from '../../balance/balancer.ts';
import { BYTES_IN, BYTES_OUT, CONNECT_FAILURES, CONNECTIONS, IN_FLIGHT, REQUESTS } from '../counters.ts';
import type { Lack } from '../shortage.ts';
import type { Takers } from '../tcp/frontend.ts';
import type { UdpClient, UdpUpstream } from './links.ts';
import type { UdpSessions } from './sessions.ts';

/** Kept until there is an answer, for another instance when the first one refuses; larger ones the client repeats itself. */
const KEPT_BYTES = 1_500;
const NONE: readonly Target[] = [];

export class UdpSession {
  readonly client: UdpClient;
  /** When it is to be looked at (engine time). */
  deadline = 0;
  /** An answer has come. */
  isAnswered = false;
  readonly #sessions: UdpSessions;
  #target: Target | undefined;
  /** Among whom its instance was found last. */
  #found: Takers | undefined;
  #upstream: UdpUpstream | undefined;
  #tried: readonly Target[] = NONE;
  #last: Uint8Array | undefined;
  #requests = 0;
  #responses = 0;
  #clientAt: number;
  #upstreamAt: number;

  constructor(sessions: UdpSessions, client: UdpClient) {
    this.#sessions = sessions;
    this.client = client;
    this.#clientAt = this.#upstreamAt = sessions.engine.touch();
    this.#arm();
  }

  /** It has taken as many datagrams as it may. */
  get isFull(): boolean {
    const { maxRequests } = this.#sessions.frontend.limits;
    return maxRequests > 0 && this.#requests >= maxRequests;
  }

  /** Whether its instance is still one of those, or finishes what it has begun: the client stays with it then. */
  isOf(takers: Takers): boolean {
    if (takers === this.#found) return true;
    const target = this.#target;
    if (target !== undefined && !isAmong(takers, target)) return false;
    this.#found = takers;
    return true;
  }

  /** A datagram of the client. */
  request(datagram: Uint8Array): void {
    const { engine, frontend } = this.#sessions;
    this.#requests++;
    this.#clientAt = engine.time;
    engine.counters.overall(BYTES_IN, datagram.length);
    engine.counters.slot(frontend.slot, BYTES_IN, datagram.length);
    if (!this.isAnswered) this.#last = datagram.length <= KEPT_BYTES ? datagram : undefined;
    if (this.#upstream === undefined && !this.#open()) {
      this.#sessions.end(this);
      return;
    }
    this.#send(datagram);
  }

  /** A datagram of the instance. */
  answered(datagram: Uint8Array): void {
    const { engine, frontend, transport } = this.#sessions;
    const target = this.#target!;
    this.#upstreamAt = engine.time;
    if (!this.isAnswered) engine.outcomes.answered(target);
    this.isAnswered = true;
    this.#last = undefined;
    engine.counters.overall(BYTES_OUT, datagram.length);
    engine.counters.slot(frontend.slot, BYTES_OUT, datagram.length);
    engine.counters.slot(target.slot, BYTES_OUT, datagram.length);
    target.state.bytes += datagram.length;
    transport.reply(this.client, datagram);
    const { maxResponses } = frontend.limits;
    if (maxResponses > 0 && ++this.#responses >= maxResponses) this.#sessions.end(this);
  }

  /** Nobody listens there (ICMP), or it cannot be reached: to the next candidate, with what was not answered. */
  refused(why: string): void {
    const { engine } = this.#sessions;
    const target = this.#target!;
    engine.counters.overall(CONNECT_FAILURES);
    engine.counters.slot(target.slot, CONNECT_FAILURES);
    engine.outcomes.connectFailed(target, why);
    this.#tried = [...this.#tried, target];
    this.close();
    const unanswered = this.#last;
    if (unanswered === undefined || !this.#open()) this.#sessions.end(this);
    else this.#send(unanswered);
  }

  /** No socket could be had, which is our own doing and says nothing about the instance. */
  lacked(lack: Lack): void {
    this.#sessions.engine.onLack(lack);
    this.#sessions.end(this);
  }

  /** `deadline` has passed; the sessions ask whether it is over. */
  isOver(now: number): boolean {
    this.#arm();
    return this.deadline <= now;
  }

  /** Lets go of its instance. */
  close(): void {
    const target = this.#target;
    if (target === undefined) return;
    this.#upstream?.close();
    this.#upstream = undefined;
    this.#target = undefined;
    target.state.inFlight--;
    this.#sessions.engine.counters.slot(target.slot, IN_FLIGHT, -1);
  }

  #open(): boolean {
    const { engine, transport } = this.#sessions;
    const target = this.#sessions.choose(this.client, this.#tried);
    if (target === undefined) return false;
    this.#target = target;
    target.state.inFlight++;
    engine.counters.slot(target.slot, IN_FLIGHT);
    engine.counters.slot(target.slot, REQUESTS);
    engine.counters.slot(target.slot, CONNECTIONS);
    this.#upstream = transport.open(this, target);
    return true;
  }

  #send(datagram: Uint8Array): void {
    const target = this.#target!;
    this.#sessions.engine.counters.slot(target.slot, BYTES_IN, datagram.length);
    target.state.bytes += datagram.length;
    this.#upstream!.send(datagram);
  }

  #arm(): void {
    const { clientIdleTimeout, upstreamIdleTimeout } = this.#sessions.frontend.limits;
    this.deadline = Math.min(this.#clientAt + clientIdleTimeout, this.#upstreamAt + upstreamIdleTimeout);
  }
}

/** By id and place: one that was registered anew elsewhere is another. */
function isAmong({ targets, draining = [] }: Takers, { id, host, port }: Target): boolean {
  if (draining.includes(id)) return true;
  return targets.some((one) => one.id === id && one.host === host && one.port === port);
}
