/**
 * One client's connection: requests are read, sent on their way, answered, one after the other. No I/O in here:
 * events come in as method calls, what is to be done goes out through the links.
 */
import { answeredIn } from '../../balance/measure.ts';
import type { RouteLimitsSpec } from '../../route/handling.ts';
import { BYTES_IN, BYTES_OUT, IN_FLIGHT } from '../counters.ts';
import type { ProxyLimits } from '../limits.ts';
import { closeAccount } from './account.ts';
import { Dispatch } from './dispatch.ts';
import type { Engine } from './engine.ts';
import type { LoggedExchange } from './exchange-log.ts';
import type { Forwarding } from './forwarding.ts';
import type { Frontend } from './frontend.ts';
import { Intake } from './intake.ts';
import type { ClientLink, UpstreamLink } from './links.ts';
import { refuse, tooLate } from './own-answers.ts';
import { Passing } from './passing.ts';
import { patienceOf } from './patience.ts';
import { Reply } from './reply.ts';
import type { RequestSpan } from './spans.ts';
import { CLOSED, DROPPING, EXCHANGE, IDLE, TUNNEL } from './stages.ts';
import type { Stick } from './sticky.ts';
import { countTunnelOut } from './tunnel.ts';

export class Session {
  readonly intake: Intake;
  readonly dispatch: Dispatch;
  readonly reply: Reply;
  readonly passing: Passing;
  /** When `expired` is to be called (engine time); Infinity: never. */
  deadline: number;
  /** Of the present request (engine time); 0 between requests, but not before the first: its time runs from accept. */
  startedAt: number;
  stage = IDLE;
  /** For the access log; undefined without one, or between requests. */
  exchange: LoggedExchange | undefined;
  /** Undefined unless the present request's trace is recorded. */
  span: RequestSpan | undefined;
  /** The client does not take what we have for it. */
  clientSlow = false;
  /** The backend does not take what we have for it, or there is none yet. */
  upstreamSlow = false;
  /** The client sent FIN. */
  clientEnded = false;
  /** Where the client of the present request was before; undefined where that does not matter. */
  stick: Stick | undefined;
  readonly engine: Engine;
  readonly frontend: Frontend;
  readonly #link: ClientLink;
  /** The present request's route says more than where it goes. */
  #isSpecial = false;
  /** Those of the listener, or of the route of the present request. */
  #limits: ProxyLimits;
  #closing = false;
  #reading = true;

  /** `forwarding`: what instances are told of this client. */
  constructor(engine: Engine, link: ClientLink, frontend: Frontend, forwarding: Forwarding) {
    this.engine = engine;
    this.#link = link;
    this.frontend = frontend;
    this.#limits = frontend.limits;
    this.intake = new Intake(engine, this, frontend, forwarding);
    this.dispatch = new Dispatch(engine, this);
    this.reply = new Reply(engine, this);
    this.passing = new Passing(this, link);
    this.startedAt = engine.touch();
    this.deadline = this.startedAt + frontend.limits.headTimeout;
  }

  // Events of the client's connection

  received(start: number, end: number): void {
    const now = this.engine.touch();
    this.engine.counters.overall(BYTES_IN, end - start);
    if (this.stage >= DROPPING) return;
    if (this.stage === TUNNEL) {
      this.sendUpstream(start, end);
      return;
    }
    // The first byte of a later head starts its time.
    if (this.stage === IDLE && this.startedAt === 0 && this.intake.carry.length === 0)
      this.deadline = now + this.frontend.limits.headTimeout;
    this.intake.received(start, end);
    this.settle();
    this.passing.offerRequest();
  }

  /** The client sent FIN: it may still wait for its answer. */
  ended(): void {
    this.clientEnded = true;
    if (this.stage === TUNNEL) {
      this.dispatch.upstream?.end();
      this.arm();
    } else if (this.stage === IDLE) this.settle();
    else if (this.stage === EXCHANGE && (!this.intake.body.done || !this.dispatch.stepAside()))
      this.#giveUp();
  }

  /** Half a request must never look like a whole one. */
  #giveUp(): void {
    this.engine.counters.overall(IN_FLIGHT, -1);
    this.dispatch.release(false);
    this.dispatch.forget();
    this.close();
  }

  /** The client took what was queued for it. */
  drained(): void {
    this.clientSlow = false;
    this.dispatch.upstream?.resume();
    if (this.stage === CLOSED) return;
    this.arm();
    this.intake.resume();
    this.settle();
  }

  /** A slow peer took a part of what waits for it: its time begins anew. */
  progressed(): void {
    this.engine.touch();
    if (this.stage !== CLOSED) this.arm();
  }

  /** The client's connection is gone. */
  gone(): void {
    if (this.stage === EXCHANGE && this.span !== undefined) this.span.error = 'aborted';
    closeAccount(this);
    this.reply.forget();
    if (this.#isSpecial) this.#forgetRoute();
    if (this.stage === EXCHANGE) this.engine.counters.overall(IN_FLIGHT, -1);
    else if (this.stage === TUNNEL) countTunnelOut(this);
    this.stage = CLOSED;
    this.deadline = Number.POSITIVE_INFINITY;
    this.intake.carry.clear();
    this.dispatch.release(false);
    this.dispatch.forget();
  }

  /** `deadline` has passed. */
  expired(): void {
    switch (this.stage) {
      case IDLE:
        if (this.clientSlow) {
          this.#link.destroy();
          this.gone();
        } else if (this.intake.carry.length === 0) this.close();
        else refuse(this, 408, 'the request head did not arrive in time');
        return;
      case EXCHANGE:
        if (this.dispatch.isConnecting) this.dispatch.connectExpired();
        else tooLate(this);
        return;
      default:
        this.#link.destroy();
        this.gone();
    }
  }

  get isNew(): boolean {
    return this.stage === IDLE && this.startedAt !== 0 && this.intake.carry.length === 0;
  }

  /** No request after the present one; an idle connection ends now. */
  drain(): void {
    if (this.stage === IDLE && this.intake.carry.length === 0) this.close();
  }

  // Events of the backend's connection

  upstreamReceived(start: number, end: number): void {
    this.engine.touch();
    if (this.stage === TUNNEL) {
      this.sendToClient(start, end);
      this.arm();
    } else {
      this.reply.received(start, end);
      this.passing.offerResponse();
    }
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
      countTunnelOut(this);
      this.dispatch.release(false);
      this.close();
    } else if (!isClean || !this.reply.ended()) this.#lost(upstream);
  }

  #lost(upstream: UpstreamLink): void {
    this.upstreamSlow = false;
    this.dispatch.lost(upstream);
  }

  upstreamDrained(): void {
    this.upstreamSlow = false;
    this.intake.resume();
    this.settle();
    if (this.stage !== CLOSED) this.arm();
  }

  // Called by dispatch

  /** The request waits for a connection, or for room in one. */
  holdRequest(): void {
    this.upstreamSlow = true;
    this.#flow();
    this.arm();
  }

  /** The request's bytes are with a backend. */
  sent(accepted: boolean): void {
    this.upstreamSlow = !accepted;
    if (!this.intake.body.done) {
      this.intake.resume();
      this.settle();
    }
    this.arm();
  }

  /** ms that a request of it waits for an instance to have room, at most. */
  get waitTimeout(): number {
    return this.frontend.limits.waitTimeout;
  }

  // Called by reply, and for answers of our own

  /** Whether the client's connection ends behind this answer, as it `must` at times; decided when its head is written. */
  decideClose(must: boolean): boolean {
    const lastOne = this.clientEnded && this.intake.carry.length === 0;
    // With the body still coming, a client that hears "close" may stop sending it (RFC 9112 §9.6).
    if (must || lastOne || !this.intake.body.done || this.frontend.draining) this.#closing = true;
    return this.#closing;
  }

  sendToClient(start: number, end: number): void {
    this.sentToClient(end - start, this.#link.send(start, end));
  }

  /** So many bytes were given to the client; `accepted`: it takes more. */
  sentToClient(length: number, accepted: boolean): void {
    this.engine.counters.overall(BYTES_OUT, length);
    if (this.exchange !== undefined) this.exchange.size += length;
    const { target } = this.dispatch;
    if (target !== undefined) target.state.bytes += length;
    if (accepted) return;
    this.clientSlow = true;
    this.dispatch.upstream?.pause();
  }

  /** The response is complete. `keep`: its connection can carry another exchange. */
  replied(keep: boolean): void {
    const { route, target } = this.dispatch;
    const { engine } = this;
    const now = engine.time;
    const { status } = this.reply;
    engine.counters.answered(route!.slot, target!.slot, status, now - this.startedAt);
    answeredIn(target!.state, now - this.startedAt);
    if (status >= 502 && status <= 504) engine.outcomes.erred(target!, status, route!.targets);
    else engine.outcomes.answered(target!);
    this.dispatch.release(keep && this.intake.body.done && !this.upstreamSlow && !this.frontend.draining);
    this.over();
  }

  /** Sets the deadline for what the session waits for now. */
  arm(): void {
    this.deadline = this.engine.time + patienceOf(this, this.#limits);
  }

  // Called by intake

  /** What the client speaks, when that is not what it says to the engine. */
  get proto(): ClientLink['proto'] {
    return this.#link.proto;
  }

  /** The client's; 0 where it is not known. */
  get remotePort(): number {
    return this.#link.remotePort ?? 0;
  }

  /** A request begins. */
  begin(wantsClose: boolean): void {
    this.stage = EXCHANGE;
    this.startedAt = this.engine.time;
    this.#closing = wantsClose;
    this.reply.reset();
  }

  /** The request's route has limits of its own, or is to know the client again. */
  accept(stick: Stick | undefined, limits: RouteLimitsSpec | undefined): void {
    this.#isSpecial = true;
    this.stick = stick;
    if (limits !== undefined) this.#limits = { ...this.frontend.limits, ...limits };
  }

  #forgetRoute(): void {
    this.#isSpecial = false;
    this.stick = undefined;
    this.#limits = this.frontend.limits;
    this.intake.forget();
  }

  sendUpstream(start: number, end: number): void {
    const { upstream } = this.dispatch;
    this.sentUpstream(end - start, upstream === undefined || upstream.send(start, end));
  }

  /** So many bytes were given to the instance; `accepted`: it takes more. */
  sentUpstream(length: number, accepted: boolean): void {
    const { upstream } = this.dispatch;
    if (upstream !== undefined) upstream.target.state.bytes += length;
    if (!accepted) {
      this.upstreamSlow = true;
      this.#flow();
    }
    this.arm();
  }

  /** Reads from the client while there is somewhere to put it. */
  #flow(): void {
    const isHeld = this.upstreamSlow && (this.stage === TUNNEL || !this.intake.body.done);
    const reading = this.stage >= DROPPING || !(isHeld || this.intake.isFull);
    if (reading === this.#reading) return;
    this.#reading = reading;
    if (reading) this.#link.resume();
    else this.#link.pause();
  }

  /** After the client's bytes were looked at: what follows from where we stand now. */
  settle(): void {
    this.#flow();
    // One that was behind another: its rest will not come.
    const isHalf = this.stage === EXCHANGE && !this.intake.body.done && this.intake.carry.length === 0;
    if (this.clientEnded && isHalf) this.#giveUp();
    if (!this.clientEnded || this.stage !== IDLE) return;
    // Requests that came before its FIN are still answered, as soon as it takes the answers.
    if (!this.clientSlow || this.intake.carry.length === 0) this.close();
  }

  // Ends of an exchange

  /** The response cannot be finished and the client has a part of it. */
  abort(): void {
    if (this.span !== undefined) this.span.error = 'aborted';
    if (this.reply.endsWithConnection) {
      this.#link.reset();
      this.gone();
      return;
    }
    this.engine.counters.overall(IN_FLIGHT, -1);
    closeAccount(this);
    this.reply.forget();
    this.dispatch.forget();
    this.stage = DROPPING;
    this.intake.carry.clear();
    this.#link.finish();
    this.arm();
  }

  /** The answer is complete, whoever gave it. */
  over(): void {
    closeAccount(this);
    this.engine.counters.overall(IN_FLIGHT, -1);
    this.dispatch.forget();
    if (this.#isSpecial) this.#forgetRoute();
    this.upstreamSlow = false;
    if (this.#closing) {
      this.close();
      return;
    }
    this.stage = IDLE;
    this.startedAt = 0;
    this.arm();
    if (this.intake.isRunning) return;
    this.intake.resume();
    this.settle();
  }

  /** Behind everything sent. Input that is still to come is read and dropped for a while, or a reset would overtake the answer. */
  close(): void {
    const isClean =
      this.intake.body.done &&
      this.intake.carry.length === 0 &&
      (this.stage !== IDLE || this.startedAt === 0);
    this.stage = DROPPING;
    this.intake.carry.clear();
    this.#flow();
    if (isClean && !this.clientEnded) this.#link.finish();
    else this.#link.linger();
    this.arm();
  }
}
