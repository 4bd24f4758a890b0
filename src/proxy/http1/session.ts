/**
 * One client's connection: requests are read, sent on their way, answered, one after the other. No I/O in here:
 * events come in as method calls, what is to be done goes out through the links.
 */
import { BYTES_IN, BYTES_OUT, IN_FLIGHT, OWN_4XX, OWN_5XX, REQUESTS } from '../counters.ts';
import { Body, BY_CHUNKS, BY_LENGTH, NO_BODY } from './body.ts';
import { composeRequest } from './compose.ts';
import { Dispatch } from './dispatch.ts';
import type { Engine } from './engine.ts';
import { MAX_FORWARDS } from './fields.ts';
import type { Forwarding } from './forwarding.ts';
import type { ClientLink, UpstreamLink } from './links.ts';
import { Carry, OUT, READ } from './memory.ts';
import { composePage } from './page.ts';
import { refusalOf } from './refusals.ts';
import { Reply } from './reply.ts';
import { METHOD_HEAD, METHOD_OPTIONS, METHOD_OTHER } from './request-head.ts';

/** Between requests, or inside a request's head. */
const IDLE = 0;
const EXCHANGE = 1;
const TUNNEL = 2;
/** The last answer is on its way; what still comes is dropped. */
const DROPPING = 3;
const CLOSED = 4;

/** Pipelined bytes kept while an exchange is under way; then the client waits. */
const PIPELINE = 16_384;

export class Session {
  readonly dispatch: Dispatch;
  readonly reply: Reply;
  /** Of the present request. */
  minor = 1;
  isHead = false;
  upgrading = false;
  /** When `expired` is to be called (engine time); Infinity: never. */
  deadline = Number.POSITIVE_INFINITY;
  readonly #engine: Engine;
  readonly #link: ClientLink;
  readonly #forwarding: Forwarding;
  readonly #body = new Body();
  readonly #carry = new Carry();
  #stage = IDLE;
  #closing = false;
  /** The client sent FIN. */
  #ended = false;
  #upstreamSlow = false;
  #clientSlow = false;
  #reading = true;
  /** Inside the loop over the client's bytes: it goes on by itself after an exchange. */
  #consuming = false;
  #startedAt: number;

  constructor(engine: Engine, link: ClientLink, forwarding: Forwarding) {
    this.#engine = engine;
    this.#link = link;
    this.#forwarding = forwarding;
    this.dispatch = new Dispatch(engine, this);
    this.reply = new Reply(engine, this);
    this.#startedAt = engine.touch();
    this.deadline = this.#startedAt + engine.limits.headTimeout;
  }

  // Events of the client's connection

  received(start: number, end: number): void {
    const { memory, limits, counters } = this.#engine;
    this.#engine.touch();
    counters.overall(BYTES_IN, end - start);
    if (this.#stage >= DROPPING) return;
    if (this.#stage === TUNNEL) {
      this.#sendUpstream(start, end);
      return;
    }
    const carry = this.#carry;
    if (carry.length > 0) {
      carry.append(memory, start, end);
      if (this.#stage === IDLE) {
        // Without a line end nothing new can be said about a head: a slow one costs its lines, not its bytes.
        const lineEnd = memory.indexOf(10, start);
        if ((lineEnd < 0 || lineEnd >= end) && carry.length <= limits.maxLine) return;
      }
      this.#consumeCarried();
      return;
    }
    if (this.#stage === IDLE) this.#startHead();
    const used = this.#consumeAll(start, end);
    if (used < end && this.#stage < DROPPING) {
      carry.append(memory, used, end);
      this.#flow();
    }
  }

  /** The client sent FIN: it may still wait for its answer. */
  ended(): void {
    this.#ended = true;
    if (this.#stage === TUNNEL) {
      this.dispatch.upstream?.end();
      this.arm();
    } else if (this.#stage === IDLE) this.#close();
    else if (this.#stage === EXCHANGE && !this.#body.done) {
      // Half a request: never to look like a whole one.
      this.#engine.counters.overall(IN_FLIGHT, -1);
      this.dispatch.release(false);
      this.dispatch.forget();
      this.#close();
    }
  }

  /** The client took what was queued for it. */
  drained(): void {
    this.#clientSlow = false;
    this.dispatch.upstream?.resume();
    if (this.#stage !== CLOSED) this.arm();
  }

  /** The client's connection is gone. */
  gone(): void {
    if (this.#stage === EXCHANGE || this.#stage === TUNNEL) this.#engine.counters.overall(IN_FLIGHT, -1);
    this.#stage = CLOSED;
    this.deadline = Number.POSITIVE_INFINITY;
    this.#carry.clear();
    this.dispatch.release(false);
    this.dispatch.forget();
  }

  /** `deadline` has passed. */
  expired(): void {
    const { dispatch, reply } = this;
    switch (this.#stage) {
      case IDLE:
        if (this.#carry.length === 0) this.#close();
        else this.#refuse(408, 'the request head did not arrive in time');
        return;
      case EXCHANGE: {
        if (dispatch.isConnecting) {
          dispatch.connectExpired();
          return;
        }
        const waitsForClient = !this.#body.done && !this.#upstreamSlow;
        dispatch.release(false);
        if (reply.headSent) this.#abort();
        else if (waitsForClient) this.#refuse(408, 'the request body did not arrive in time');
        else
          this.#fail(
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
    if (this.#stage === IDLE && this.#carry.length === 0) this.#close();
  }

  /** Whether an exchange or a tunnel is under way. */
  get isBusy(): boolean {
    return this.#stage === EXCHANGE || this.#stage === TUNNEL || this.#carry.length > 0;
  }

  // Events of the backend's connection

  upstreamReceived(start: number, end: number): void {
    this.#engine.touch();
    if (this.#stage === TUNNEL) {
      this.sendToClient(start, end);
      this.arm();
    } else this.reply.received(start, end);
  }

  upstreamEnded(upstream: UpstreamLink): void {
    if (this.#stage === TUNNEL) {
      this.#link.end();
      this.arm();
    } else if (!this.reply.ended()) this.#lost(upstream);
  }

  /** Reset, or closed altogether. `isClean`: without an error. */
  upstreamClosed(upstream: UpstreamLink, isClean: boolean): void {
    if (this.#stage === TUNNEL) {
      this.#engine.counters.overall(IN_FLIGHT, -1);
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
    this.#consumeCarried();
    this.#flow();
    if (this.#stage !== CLOSED) this.arm();
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
    if (!this.#body.done) {
      this.#consumeCarried();
      this.#flow();
    }
    this.arm();
  }

  /** Every candidate was tried, or the request may not be sent again. */
  undeliverable(): void {
    const { failure } = this.dispatch;
    const service = this.#service();
    if (this.reply.headSent) this.#abort();
    else if (failure === 'none')
      this.#fail(503, `${service} has no healthy instance. Look at the health checks of its instances`);
    else if (failure === 'refused')
      this.#fail(
        502,
        `${service} could not be reached: its instances refuse connections. Check that they run and listen`,
      );
    else if (failure === 'connect-timeout')
      this.#fail(504, `${service} could not be reached in time: its instances do not take connections`);
    else
      this.#fail(
        502,
        `${service} closed the connection before it answered. The request may have been acted upon; it was not repeated further`,
      );
  }

  // Called by reply

  /** Whether the client's connection ends behind this response; decided when its head is written. */
  decideClose(endsWithConnection: boolean): boolean {
    const refusedUpgrade = this.upgrading && this.#carry.length > 0;
    const lastOne = this.#ended && this.#carry.length === 0;
    // With the body still coming, a client that hears "close" may stop sending it (RFC 9112 §9.6).
    if (endsWithConnection || refusedUpgrade || lastOne || !this.#body.done || this.#engine.draining)
      this.#closing = true;
    return this.#closing;
  }

  sendToClient(start: number, end: number): void {
    this.#engine.counters.overall(BYTES_OUT, end - start);
    if (this.#link.send(start, end)) return;
    this.#clientSlow = true;
    this.dispatch.upstream?.pause();
  }

  /** The response is complete. `keep`: its connection can carry another exchange. */
  replied(keep: boolean): void {
    const { route, target } = this.dispatch;
    const engine = this.#engine;
    const now = engine.time;
    engine.counters.answered(route!.slot, target!.slot, this.reply.status, now - this.#startedAt);
    engine.outcomes.answered(target!);
    this.dispatch.release(keep && this.#body.done && !this.#upstreamSlow && !engine.draining);
    this.#over(now);
  }

  /** What the backend says cannot be understood. */
  badResponse(why: string): void {
    this.dispatch.release(false);
    if (this.reply.headSent) this.#abort();
    else this.#fail(502, `${this.#service()} sent a response that is not valid HTTP/1.1: ${why}`);
  }

  startTunnel(): void {
    const { route, target } = this.dispatch;
    const engine = this.#engine;
    engine.counters.answered(route!.slot, target!.slot, 101, engine.time - this.#startedAt);
    engine.outcomes.answered(target!);
    this.#stage = TUNNEL;
    const carry = this.#carry;
    while (carry.length > 0) {
      const end = carry.load(engine.memory);
      this.#sendUpstream(READ, end);
      carry.skip(end - READ);
    }
    if (this.#ended) this.dispatch.upstream?.end();
    this.#flow();
    this.arm();
  }

  /** Sets the deadline for what the session waits for now. */
  arm(): void {
    const { limits } = this.#engine;
    this.deadline = this.#engine.time + this.#patience(limits);
  }

  #patience(limits: Engine['limits']): number {
    switch (this.#stage) {
      case IDLE:
        return limits.keepAliveTimeout;
      case DROPPING:
        return this.#clientSlow ? limits.stallTimeout : limits.lingerTimeout;
      case TUNNEL:
        return this.#ended ? Math.min(limits.tunnelTimeout, limits.stallTimeout) : limits.tunnelTimeout;
    }
    if (this.dispatch.isConnecting) return limits.connectTimeout;
    if (this.#clientSlow || this.#upstreamSlow) return limits.stallTimeout;
    if (!this.#body.done && !this.reply.headSent) return limits.bodyTimeout;
    return this.reply.begun ? limits.responseSilence : limits.responseTimeout;
  }

  // Requests

  /** The first byte of a head starts its time; on a new connection it has run since accept. */
  #startHead(): void {
    if (this.#startedAt === 0) this.deadline = this.#engine.time + this.#engine.limits.headTimeout;
  }

  #consumeCarried(): void {
    if (this.#consuming) return;
    const carry = this.#carry;
    while (carry.length > 0 && this.#stage < TUNNEL) {
      const used = this.#consumeAll(READ, carry.load(this.#engine.memory));
      if (this.#stage >= DROPPING || used === READ) break;
      carry.skip(used - READ);
    }
    if (this.#stage >= DROPPING) carry.clear();
    this.#flow();
    if (this.#ended && this.#stage === IDLE) this.#close();
  }

  /** The position up to which bytes were used. */
  #consumeAll(start: number, end: number): number {
    this.#consuming = true;
    let p = start;
    while (p < end && this.#stage < TUNNEL) {
      const used = this.#consume(p, end);
      if (used === p) break;
      p = used;
    }
    this.#consuming = false;
    return p;
  }

  #consume(start: number, end: number): number {
    if (this.#stage === IDLE) return this.#readHead(start, end);
    if (this.#body.done || this.dispatch.isConnecting) return start;
    return this.#passBody(start, end);
  }

  #readHead(start: number, end: number): number {
    const engine = this.#engine;
    const r = engine.request.scan(engine.memory, start, end, engine.limits);
    if (r > 0) return this.#begin(r, end);
    if (r === 0) return start;
    const { status, text } = refusalOf(r);
    this.#refuse(status, text);
    return end;
  }

  #begin(bodyStart: number, end: number): number {
    const engine = this.#engine;
    const { request: head, memory } = engine;
    const { fields } = head;
    this.#startedAt = engine.time;
    this.minor = head.minor;
    this.isHead = head.method === METHOD_HEAD;
    this.upgrading = head.wantsUpgrade();
    this.#closing = head.wantsClose();
    this.#stage = EXCHANGE;
    this.reply.reset();
    engine.counters.overall(REQUESTS);
    engine.counters.overall(IN_FLIGHT);
    const body = this.#body;
    body.begin(
      fields.chunked ? BY_CHUNKS : fields.contentLength > 0 ? BY_LENGTH : NO_BODY,
      fields.contentLength,
    );
    const bodyEnd = body.done ? bodyStart : body.advance(memory, bodyStart, end);
    if (body.failed) {
      this.#refuse(400, 'the chunked body is malformed');
      return end;
    }
    const maxForwards = head.method === METHOD_OPTIONS ? this.#maxForwards() : -1;
    if (maxForwards === 0) {
      this.#answer(200, '');
      return bodyEnd;
    }
    const route = engine.routes.match(memory, head.hostStart, head.hostEnd, head.pathStart, head.pathEnd);
    if (route === undefined) {
      this.#answer(404, 'no route leads from this host and path to a service. See the list of routes');
      return bodyEnd;
    }
    engine.counters.slot(route.slot, REQUESTS);
    const rewrite = engine.rewrite;
    rewrite.strip = route.strip;
    rewrite.forwarding = this.#forwarding;
    rewrite.upgrade = this.upgrading;
    rewrite.maxForwards = maxForwards - 1;
    const out = composeRequest(memory, head, OUT, rewrite);
    memory.copyWithin(out, bodyStart, bodyEnd);
    const isSafe = head.method !== METHOD_OTHER;
    this.dispatch.begin(route, engine.transport.keep(OUT, out + bodyEnd - bodyStart), isSafe && body.done);
    return bodyEnd;
  }

  /** The number in Max-Forwards; -1 when there is none that counts (RFC 9110 §7.6.2). */
  #maxForwards(): number {
    const { request, memory } = this.#engine;
    const { fields } = request;
    const line = fields.find(MAX_FORWARDS);
    if (line < 0) return -1;
    fields.trim(memory, line);
    let value = 0;
    for (let p = fields.valueStart; p < fields.valueEnd; p++) {
      const digit = memory[p]! - 48;
      if (digit < 0 || digit > 9 || value > 1e6) return -1;
      value = value * 10 + digit;
    }
    return fields.valueEnd === fields.valueStart ? -1 : value;
  }

  #passBody(start: number, end: number): number {
    const body = this.#body;
    const used = body.advance(this.#engine.memory, start, end);
    if (body.failed) {
      this.dispatch.release(false);
      if (this.reply.headSent) this.#abort();
      else this.#refuse(400, 'the chunked body is malformed');
      return end;
    }
    this.dispatch.sentMore();
    this.#sendUpstream(start, used);
    return used;
  }

  #sendUpstream(start: number, end: number): void {
    const { upstream } = this.dispatch;
    if (upstream !== undefined && !upstream.send(start, end)) {
      this.#upstreamSlow = true;
      this.#flow();
    }
    this.arm();
  }

  /** Reads from the client while there is somewhere to put it. */
  #flow(): void {
    const isFull = this.#stage === EXCHANGE && this.#carry.length > PIPELINE;
    const isHeld = this.#upstreamSlow && (this.#stage === TUNNEL || !this.#body.done);
    const reading = this.#stage >= DROPPING || !(isFull || isHeld);
    if (reading === this.#reading) return;
    this.#reading = reading;
    if (reading) this.#link.resume();
    else this.#link.pause();
  }

  // Ends of an exchange

  /** The request cannot be trusted or has not come: answered, and nothing after it is read. */
  #refuse(status: number, text: string): void {
    if (this.#stage === IDLE) {
      this.minor = 1;
      this.isHead = false;
    } else this.#engine.counters.overall(IN_FLIGHT, -1);
    this.#page(status, text, true);
    this.#closing = true;
    this.#close();
  }

  #fail(status: number, text: string): void {
    this.#answer(status, text);
  }

  /** An answer of our own. The connection goes on if the request was complete. */
  #answer(status: number, text: string): void {
    if (!this.#body.done || this.#engine.draining || (this.#ended && this.#carry.length === 0))
      this.#closing = true;
    this.#page(status, text, this.#closing);
    this.#over(this.#engine.time);
  }

  #page(status: number, text: string, closes: boolean): void {
    const { counters, memory, date } = this.#engine;
    if (status >= 400) counters.overall(status < 500 ? OWN_4XX : OWN_5XX);
    const connection = closes ? 'close' : this.minor === 0 ? 'keep-alive' : undefined;
    this.sendToClient(OUT, composePage(memory, OUT, { status, text, isHead: this.isHead, connection, date }));
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
    this.dispatch.forget();
    this.#stage = DROPPING;
    this.#carry.clear();
    this.#link.finish();
    this.arm();
  }

  #over(now: number): void {
    this.#engine.counters.overall(IN_FLIGHT, -1);
    this.dispatch.forget();
    this.#upstreamSlow = false;
    if (this.#closing) {
      this.#close();
      return;
    }
    this.#stage = IDLE;
    this.#startedAt = 0;
    this.deadline = now + this.#engine.limits.keepAliveTimeout;
    if (this.#carry.length > 0) {
      this.deadline = now + this.#engine.limits.headTimeout;
      this.#consumeCarried();
    }
    if (!this.#consuming) this.#flow();
  }

  /** Behind everything sent. Input that is still to come is read and dropped for a while, or a reset would overtake the answer. */
  #close(): void {
    const isClean =
      this.#body.done && this.#carry.length === 0 && (this.#stage !== IDLE || this.#startedAt === 0);
    this.#stage = DROPPING;
    this.#carry.clear();
    this.#flow();
    if (isClean && !this.#ended) this.#link.finish();
    else this.#link.linger();
    this.arm();
  }
}
