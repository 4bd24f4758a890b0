/**
 * One client's connection: requests are read, sent on their way, answered, one after the other. No I/O in here:
 * events come in as method calls, what is to be done goes out through the links.
 */
import { answeredIn } from '../../balance/measure.ts';
import type { RouteLimitsSpec } from '../../route/handling.ts';
import { BYTES_IN, BYTES_OUT, IN_FLIGHT, OWN_4XX, OWN_5XX, TUNNELS } from '../counters.ts';
import type { ProxyLimits } from '../limits.ts';
import { Dispatch } from './dispatch.ts';
import type { Engine } from './engine.ts';
import type { LoggedExchange } from './exchange-log.ts';
import type { Forwarding } from './forwarding.ts';
import type { Frontend } from './frontend.ts';
import { Intake } from './intake.ts';
import type { ClientLink, UpstreamLink } from './links.ts';
import { OUT, READ } from './memory.ts';
import { composePage, type OwnPage, sentence, undelivered } from './page.ts';
import { Reply } from './reply.ts';
import { CLOSED, DROPPING, EXCHANGE, IDLE, TUNNEL } from './stages.ts';
import type { Stick } from './sticky.ts';

const NOTHING = new Uint8Array();

export class Session {
  readonly intake: Intake;
  readonly dispatch: Dispatch;
  readonly reply: Reply;
  /** When `expired` is to be called (engine time); Infinity: never. */
  deadline: number;
  stage = IDLE;
  /** For the access log; undefined without one, or between requests. */
  exchange: LoggedExchange | undefined;
  /** The client does not take what we have for it. */
  clientSlow = false;
  readonly #engine: Engine;
  readonly #link: ClientLink;
  readonly #frontend: Frontend;
  /** The present request's route says more than where it goes. */
  #isSpecial = false;
  /** Those of the listener, or of the route of the present request. */
  #limits: ProxyLimits;
  /** Where the client of the present request was before; undefined where that does not matter. */
  #stick: Stick | undefined;
  #closing = false;
  /** The client sent FIN. */
  #ended = false;
  #upstreamSlow = false;
  #reading = true;
  /** Of the present request; 0 between requests, but not before the first: its time runs from accept. */
  #startedAt: number;

  /** `forwarding`: what instances are told of this client. */
  constructor(engine: Engine, link: ClientLink, frontend: Frontend, forwarding: Forwarding) {
    this.#engine = engine;
    this.#link = link;
    this.#frontend = frontend;
    this.#limits = frontend.limits;
    this.intake = new Intake(engine, this, frontend, forwarding);
    this.dispatch = new Dispatch(engine, this);
    this.reply = new Reply(engine, this);
    this.#startedAt = engine.touch();
    this.deadline = this.#startedAt + frontend.limits.headTimeout;
  }

  // Events of the client's connection

  received(start: number, end: number): void {
    const now = this.#engine.touch();
    this.#engine.counters.overall(BYTES_IN, end - start);
    if (this.stage >= DROPPING) return;
    if (this.stage === TUNNEL) {
      this.sendUpstream(start, end);
      return;
    }
    // The first byte of a later head starts its time.
    if (this.stage === IDLE && this.#startedAt === 0 && this.intake.carry.length === 0)
      this.deadline = now + this.#frontend.limits.headTimeout;
    this.intake.received(start, end);
    this.#settle();
  }

  /** The client sent FIN: it may still wait for its answer. */
  ended(): void {
    this.#ended = true;
    if (this.stage === TUNNEL) {
      this.dispatch.upstream?.end();
      this.arm();
    } else if (this.stage === IDLE) this.#settle();
    else if (this.stage === EXCHANGE && !this.intake.body.done) {
      // Half a request: never to look like a whole one.
      this.#engine.counters.overall(IN_FLIGHT, -1);
      this.dispatch.release(false);
      this.dispatch.forget();
      this.#close();
    }
  }

  /** The client took what was queued for it. */
  drained(): void {
    this.clientSlow = false;
    this.dispatch.upstream?.resume();
    if (this.stage === CLOSED) return;
    this.arm();
    this.intake.resume();
    this.#settle();
  }

  /** A slow peer took a part of what waits for it: its time begins anew. */
  progressed(): void {
    this.#engine.touch();
    if (this.stage !== CLOSED) this.arm();
  }

  /** The client's connection is gone. */
  gone(): void {
    this.#logExchange();
    this.reply.forget();
    if (this.#isSpecial) this.#forgetRoute();
    if (this.stage === EXCHANGE || this.stage === TUNNEL) this.#engine.counters.overall(IN_FLIGHT, -1);
    if (this.stage === TUNNEL) this.#engine.counters.overall(TUNNELS, -1);
    this.stage = CLOSED;
    this.deadline = Number.POSITIVE_INFINITY;
    this.intake.carry.clear();
    this.dispatch.release(false);
    this.dispatch.forget();
  }

  /** `deadline` has passed. */
  expired(): void {
    const { dispatch, reply } = this;
    switch (this.stage) {
      case IDLE:
        if (this.clientSlow) {
          this.#link.destroy();
          this.gone();
        } else if (this.intake.carry.length === 0) this.#close();
        else this.refuse(408, 'the request head did not arrive in time');
        return;
      case EXCHANGE: {
        if (dispatch.isConnecting) {
          dispatch.connectExpired();
          return;
        }
        const waitsForClient = !this.intake.body.done && !this.#upstreamSlow;
        dispatch.release(false);
        if (reply.headSent) this.#abort();
        else if (waitsForClient) this.refuse(408, 'the request body did not arrive in time');
        else
          this.answer(
            504,
            `${this.#service()} did not answer in time. Try again, or look at its instances' health and load`,
          );
        return;
      }
      default:
        this.#link.destroy();
        this.gone();
    }
  }

  /** No request after the present one; an idle connection ends now. */
  drain(): void {
    if (this.stage === IDLE && this.intake.carry.length === 0) this.#close();
  }

  // Events of the backend's connection

  upstreamReceived(start: number, end: number): void {
    this.#engine.touch();
    if (this.stage === TUNNEL) {
      this.sendToClient(start, end);
      this.arm();
    } else this.reply.received(start, end);
  }

  upstreamEnded(upstream: UpstreamLink): void {
    if (this.stage === TUNNEL) {
      this.#link.end();
      this.arm();
    } else if (!this.reply.ended()) this.#lost(upstream);
  }

  /** Reset, or closed altogether. `isClean`: without an error. */
  upstreamClosed(upstream: UpstreamLink, isClean: boolean): void {
    if (this.stage === TUNNEL) {
      this.#engine.counters.overall(IN_FLIGHT, -1);
      this.#engine.counters.overall(TUNNELS, -1);
      this.dispatch.release(false);
      this.#close();
    } else if (!isClean || !this.reply.ended()) this.#lost(upstream);
  }

  #lost(upstream: UpstreamLink): void {
    this.#upstreamSlow = false;
    this.dispatch.lost(upstream);
  }

  upstreamDrained(): void {
    this.#upstreamSlow = false;
    this.intake.resume();
    this.#settle();
    if (this.stage !== CLOSED) this.arm();
  }

  // Called by dispatch

  /** The request waits for a connection, or for room in one. */
  holdRequest(): void {
    this.#upstreamSlow = true;
    this.#flow();
    this.arm();
  }

  /** The request's bytes are with a backend. */
  sent(accepted: boolean): void {
    this.#upstreamSlow = !accepted;
    if (!this.intake.body.done) {
      this.intake.resume();
      this.#settle();
    }
    this.arm();
  }

  /** Every candidate was tried, or the request may not be sent again. */
  undeliverable(): void {
    if (this.reply.headSent) {
      this.#abort();
      return;
    }
    const { status, text } = undelivered(this.dispatch.failure, this.#service());
    this.answer(status, text);
  }

  /** What the client speaks, when that is not what it says to the engine. */
  get proto(): ClientLink['proto'] {
    return this.#link.proto;
  }

  // Called by reply

  /** Lines of our own for the answer to this client; empty for none. */
  get responseExtra(): Uint8Array {
    const { extras } = this.#engine;
    const strict = extras === undefined || !this.#frontend.secure ? NOTHING : extras.strictTransport;
    return this.#stick === undefined ? strict : this.#withCookie(this.#stick, strict);
  }

  #withCookie(stick: Stick, before: Uint8Array): Uint8Array {
    const { target } = this.dispatch;
    if (target === undefined) return before;
    return Buffer.concat([before, this.#engine.sticky.line(stick, target, this.#frontend.secure)]);
  }

  /** Whether the client's connection ends behind this response; decided when its head is written. */
  decideClose(endsWithConnection: boolean): boolean {
    const refusedUpgrade = this.intake.upgrading && this.intake.carry.length > 0;
    const lastOne = this.#ended && this.intake.carry.length === 0;
    // With the body still coming, a client that hears "close" may stop sending it (RFC 9112 §9.6).
    if (endsWithConnection || refusedUpgrade || lastOne || !this.intake.body.done || this.#frontend.draining)
      this.#closing = true;
    return this.#closing;
  }

  sendToClient(start: number, end: number): void {
    this.#engine.counters.overall(BYTES_OUT, end - start);
    if (this.exchange !== undefined) this.exchange.size += end - start;
    const { target } = this.dispatch;
    if (target !== undefined) target.state.bytes += end - start;
    if (this.#link.send(start, end)) return;
    this.clientSlow = true;
    this.dispatch.upstream?.pause();
  }

  /** The response is complete. `keep`: its connection can carry another exchange. */
  replied(keep: boolean): void {
    const { route, target } = this.dispatch;
    const engine = this.#engine;
    const now = engine.time;
    const { status } = this.reply;
    engine.counters.answered(route!.slot, target!.slot, status, now - this.#startedAt);
    answeredIn(target!.state, now - this.#startedAt);
    if (status >= 502 && status <= 504) engine.outcomes.erred(target!, status, route!.targets);
    else engine.outcomes.answered(target!);
    this.dispatch.release(keep && this.intake.body.done && !this.#upstreamSlow && !this.#frontend.draining);
    this.#over();
  }

  /** What the backend says cannot be understood. */
  badResponse(why: string): void {
    this.dispatch.release(false);
    if (this.reply.headSent) this.#abort();
    else this.answer(502, `${this.#service()} sent a response that is not valid HTTP/1.1: ${why}`);
  }

  startTunnel(): void {
    const { route, target } = this.dispatch;
    const engine = this.#engine;
    engine.counters.answered(route!.slot, target!.slot, 101, engine.time - this.#startedAt);
    engine.outcomes.answered(target!);
    this.stage = TUNNEL;
    this.dispatch.settled();
    engine.counters.overall(TUNNELS);
    const carry = this.intake.carry;
    while (carry.length > 0) {
      const end = carry.load(engine.memory);
      this.sendUpstream(READ, end);
      carry.skip(end - READ);
    }
    if (this.#ended) this.dispatch.upstream?.end();
    this.#flow();
    this.arm();
  }

  /** ms that a request of it waits for an instance to have room, at most. */
  get waitTimeout(): number {
    return this.#frontend.limits.waitTimeout;
  }

  /** Sets the deadline for what the session waits for now. */
  arm(): void {
    this.deadline = this.#engine.time + this.#patience(this.#limits);
  }

  #patience(limits: ProxyLimits): number {
    switch (this.stage) {
      case IDLE:
        if (this.clientSlow) return limits.stallTimeout;
        return this.intake.carry.length > 0 ? limits.headTimeout : limits.keepAliveTimeout;
      case DROPPING:
        return this.clientSlow ? limits.stallTimeout : limits.lingerTimeout;
      case TUNNEL:
        return this.#ended ? Math.min(limits.tunnelTimeout, limits.stallTimeout) : limits.tunnelTimeout;
    }
    if (this.dispatch.isQueued) return limits.waitTimeout;
    if (this.dispatch.isConnecting) return limits.connectTimeout;
    if (this.clientSlow || this.#upstreamSlow) return limits.stallTimeout;
    if (!this.intake.body.done && !this.reply.headSent) return limits.bodyTimeout;
    return this.reply.begun ? limits.responseSilence : limits.responseTimeout;
  }

  // Called by intake

  /** A request begins. */
  begin(wantsClose: boolean): void {
    this.stage = EXCHANGE;
    this.#startedAt = this.#engine.time;
    this.#closing = wantsClose;
    this.reply.reset();
  }

  /** The request's route has limits of its own, or is to know the client again. */
  accept(stick: Stick | undefined, limits: RouteLimitsSpec | undefined): void {
    this.#isSpecial = true;
    this.#stick = stick;
    if (limits !== undefined) this.#limits = { ...this.#frontend.limits, ...limits };
  }

  #forgetRoute(): void {
    this.#isSpecial = false;
    this.#stick = undefined;
    this.#limits = this.#frontend.limits;
    this.intake.forget();
  }

  /** It cannot be read further, or not be passed on. */
  badBody(status: number, text: string): void {
    this.dispatch.release(false);
    if (this.reply.headSent) this.#abort();
    else this.refuse(status, text);
  }

  sendUpstream(start: number, end: number): void {
    const { upstream } = this.dispatch;
    if (upstream !== undefined) upstream.target.state.bytes += end - start;
    if (upstream !== undefined && !upstream.send(start, end)) {
      this.#upstreamSlow = true;
      this.#flow();
    }
    this.arm();
  }

  /** Reads from the client while there is somewhere to put it. */
  #flow(): void {
    const isHeld = this.#upstreamSlow && (this.stage === TUNNEL || !this.intake.body.done);
    const reading = this.stage >= DROPPING || !(isHeld || this.intake.isFull);
    if (reading === this.#reading) return;
    this.#reading = reading;
    if (reading) this.#link.resume();
    else this.#link.pause();
  }

  /** After the client's bytes were looked at: what follows from where we stand now. */
  #settle(): void {
    this.#flow();
    if (!this.#ended || this.stage !== IDLE) return;
    // Requests that came before its FIN are still answered, as soon as it takes the answers.
    if (!this.clientSlow || this.intake.carry.length === 0) this.#close();
  }

  /** It is over, one way or the other. */
  #logExchange(): void {
    const { exchange } = this;
    if (exchange === undefined) return;
    this.exchange = undefined;
    exchange.target = this.dispatch.target;
    exchange.service = this.dispatch.route?.service ?? '';
    const { remotePort = 0 } = this.#link;
    this.#engine.log?.end(exchange, this.intake.address, remotePort, this.#frontend.secure);
  }

  // Ends of an exchange

  /** The request cannot be trusted or has not come: answered, and nothing after it is read. */
  refuse(status: number, text: string): void {
    if (this.stage === IDLE) {
      this.intake.minor = 1;
      this.intake.isHead = false;
    } else this.#engine.counters.overall(IN_FLIGHT, -1);
    this.#page(status, text, true);
    this.#logExchange();
    this.#closing = true;
    this.#close();
  }

  /** An answer of our own. The connection goes on if the request was complete. */
  answer(status: number, text: string): void {
    this.#decideOwn();
    this.#page(status, text, this.#closing);
    this.#over();
  }

  #decideOwn(): void {
    if (!this.intake.body.done || this.#frontend.draining || (this.#ended && this.intake.carry.length === 0))
      this.#closing = true;
  }

  /** An answer of our own with a page as it is, and further field lines. */
  answerWith(page: OwnPage): void {
    this.#decideOwn();
    this.#send(page, this.#closing);
    this.#over();
  }

  #page(status: number, text: string, closes: boolean): void {
    this.#send(sentence(status, text), closes);
  }

  #send(page: OwnPage, closes: boolean): void {
    const { counters, memory, date } = this.#engine;
    const { status } = page;
    const { exchange } = this;
    if (exchange !== undefined) exchange.status = status;
    counters.own(status);
    if (status >= 400) counters.overall(status < 500 ? OWN_4XX : OWN_5XX);
    const connection = closes ? 'close' : this.intake.minor === 0 ? 'keep-alive' : undefined;
    this.sendToClient(OUT, composePage(memory, OUT, page, { isHead: this.intake.isHead, connection, date }));
    if (exchange !== undefined) exchange.size = this.intake.isHead ? 0 : Buffer.byteLength(page.body);
  }

  #service(): string {
    return `service ${this.dispatch.route?.service ?? '?'}`;
  }

  /** The response cannot be finished and the client has a part of it. */
  #abort(): void {
    if (this.reply.endsWithConnection) {
      this.#link.reset();
      this.gone();
      return;
    }
    this.#engine.counters.overall(IN_FLIGHT, -1);
    this.#logExchange();
    this.reply.forget();
    this.dispatch.forget();
    this.stage = DROPPING;
    this.intake.carry.clear();
    this.#link.finish();
    this.arm();
  }

  #over(): void {
    this.#logExchange();
    this.#engine.counters.overall(IN_FLIGHT, -1);
    this.dispatch.forget();
    if (this.#isSpecial) this.#forgetRoute();
    this.#upstreamSlow = false;
    if (this.#closing) {
      this.#close();
      return;
    }
    this.stage = IDLE;
    this.#startedAt = 0;
    this.arm();
    if (this.intake.isRunning) return;
    this.intake.resume();
    this.#settle();
  }

  /** Behind everything sent. Input that is still to come is read and dropped for a while, or a reset would overtake the answer. */
  #close(): void {
    const isClean =
      this.intake.body.done &&
      this.intake.carry.length === 0 &&
      (this.stage !== IDLE || this.#startedAt === 0);
    this.stage = DROPPING;
    this.intake.carry.clear();
    this.#flow();
    if (isClean && !this.#ended) this.#link.finish();
    else this.#link.linger();
    this.arm();
  }
}
