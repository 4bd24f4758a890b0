/** The client's half of the exchanges: heads and bodies taken out of its bytes, pipelined ones kept for later. */

import type { Target } from '../../balance/balancer.ts';
import type { Handling } from '../../route/handling.ts';
import { IN_FLIGHT, NOT_FOUND, REQUESTS } from '../counters.ts';
import type { NoRouteSettings } from '../settings.ts';
import { openAccount } from './account.ts';
import { addresseeOf, authorityOf } from './authority.ts';
import { Body, BY_CHUNKS, BY_LENGTH, NO_BODY } from './body.ts';
import { hasLineEnd, move } from './bytes.ts';
import { composeRequest } from './compose.ts';
import { type Coding, chooseCoding } from './compression.ts';
import type { Engine } from './engine.ts';
import { ACCEPT_ENCODING, MAX_FORWARDS } from './fields.ts';
import type { Forwarding } from './forwarding.ts';
import type { Frontend } from './frontend.ts';
import { type Admission, judge } from './guard.ts';
import { admissionOf, pageOf } from './guard-pages.ts';
import { Carry, OUT, READ } from './memory.ts';
import type { Draft } from './mirror.ts';
import { answer, answerWith, badBody, refuse } from './own-answers.ts';
import { plainPage, tooLarge } from './page.ts';
import { refusalOf } from './refusals.ts';
import { METHOD_HEAD, METHOD_OPTIONS, METHOD_OTHER } from './request-head.ts';
import type { Session } from './session.ts';
import { DROPPING, EXCHANGE, IDLE, TUNNEL } from './stages.ts';

/** Pipelined bytes kept while an exchange is under way; then the client waits. */
const PIPELINE = 16_384;

export class Intake {
  /** The minor version of the present request. */
  minor = 1;
  isHead = false;
  /** It asks to leave HTTP, and may. */
  upgrading = false;
  /** Its body: `done` when there is none. */
  readonly body = new Body();
  /** What came and could not be used yet. */
  readonly carry = new Carry();
  /** Who asks, for strategies that send the same one to the same instance. */
  clientKey: number;
  /** Inside the loop over the client's bytes: it goes on by itself after an exchange. */
  isRunning = false;
  readonly #engine: Engine;
  readonly #session: Session;
  readonly #frontend: Frontend;
  readonly #forwarding: Forwarding;
  /** Bytes of the body that may still come. */
  #room = Number.POSITIVE_INFINITY;
  /** The request so far, for a copy that waits for the rest of it. */
  #draft: Draft | undefined;

  constructor(engine: Engine, session: Session, frontend: Frontend, forwarding: Forwarding) {
    this.#engine = engine;
    this.#session = session;
    this.#frontend = frontend;
    this.#forwarding = forwarding;
    this.clientKey = forwarding.clientKey;
  }

  /** Bytes of the client, outside of a tunnel. */
  received(start: number, end: number): void {
    const { memory } = this.#engine;
    const { carry } = this;
    if (carry.length === 0) {
      const used = this.#run(start, end);
      if (used < end && this.#session.stage < DROPPING) carry.append(memory, used, end);
      return;
    }
    carry.append(memory, start, end);
    if (this.#session.stage === IDLE) {
      // Without a line end nothing new can be said about a head: a slow one costs its lines, not its bytes.
      if (!hasLineEnd(memory, start, end) && carry.length <= this.#frontend.limits.maxLine) return;
    }
    this.resume();
  }

  /** Uses what was kept, as far as that is possible now. */
  resume(): void {
    if (this.isRunning) return;
    const { carry } = this;
    while (carry.length > 0 && this.#session.stage < TUNNEL) {
      const used = this.#run(READ, carry.load(this.#engine.memory));
      if (this.#session.stage >= DROPPING || used === READ) break;
      carry.skip(used - READ);
    }
    if (this.#session.stage >= DROPPING) carry.clear();
  }

  /** As much is kept as may be: the client has to wait. A head in pieces is bounded by its own limit instead. */
  get isFull(): boolean {
    const { stage, clientSlow } = this.#session;
    return this.carry.length > PIPELINE && (stage === EXCHANGE || (stage === IDLE && clientSlow));
  }

  /** The client's. */
  get address(): string {
    return this.#forwarding.address;
  }

  /** The position up to which bytes were used. */
  #run(start: number, end: number): number {
    this.isRunning = true;
    let p = start;
    while (p < end && this.#session.stage < TUNNEL) {
      const used = this.#use(p, end);
      if (used === p) break;
      p = used;
    }
    this.isRunning = false;
    return p;
  }

  #use(start: number, end: number): number {
    const session = this.#session;
    if (session.stage === IDLE) {
      // The next answer has to wait until the client takes the ones before: they lie in our memory.
      return session.clientSlow ? start : this.#readHead(start, end);
    }
    if (this.body.done || session.dispatch.isConnecting) return start;
    return this.#passBody(start, end);
  }

  #readHead(start: number, end: number): number {
    const engine = this.#engine;
    const r = engine.request.scan(engine.memory, start, end, this.#frontend.limits);
    if (r > 0) return this.#begin(r, end);
    if (r === 0) return start;
    const { status, text } = refusalOf(r);
    refuse(this.#session, status, text);
    return end;
  }

  /** A request's head is there: sends it on its way with what there is of its body. */
  #begin(bodyStart: number, end: number): number {
    const engine = this.#engine;
    const session = this.#session;
    const { request: head, memory, counters } = engine;
    const { fields } = head;
    this.minor = head.minor;
    this.isHead = head.method === METHOD_HEAD;
    this.upgrading = head.wantsUpgrade();
    session.begin(head.wantsClose());
    counters.overall(REQUESTS);
    if (engine.tells) openAccount(session);
    session.reply.coding = engine.compress === undefined ? undefined : this.#coding();
    counters.overall(IN_FLIGHT);
    const { body } = this;
    const kind = fields.chunked ? BY_CHUNKS : fields.contentLength > 0 ? BY_LENGTH : NO_BODY;
    body.begin(kind, fields.contentLength);
    const bodyEnd = body.done ? bodyStart : body.advance(memory, bodyStart, end);
    if (body.failed) {
      refuse(session, 400, 'the chunked body is malformed');
      return end;
    }
    const maxForwards = head.method === METHOD_OPTIONS ? this.#maxForwards() : -1;
    if (maxForwards === 0) {
      answer(session, 200, '');
      return bodyEnd;
    }
    const challenge =
      engine.challenges.size === 0 ? undefined : challengeAt(engine, head.pathStart, head.pathEnd);
    if (challenge !== undefined) {
      answerWith(session, plainPage(200, challenge));
      return bodyEnd;
    }
    const { secure } = this.#frontend;
    if (head.unresolved) this.#settlePath(engine);
    const { hostStart, hostEnd, pathStart, pathEnd } = head;
    let route = engine.routes.match(memory, hostStart, hostEnd, pathStart, pathEnd, secure);
    let target: Target | undefined;
    let admission: Admission | undefined;
    if (route?.special === true) {
      const verdict = judge(engine, this.#frontend, this.#forwarding, route);
      if (verdict.kind === 'pass') {
        route = verdict.route;
        target = verdict.target;
        this.#room = (route.handling.limits?.maxBody ?? Number.POSITIVE_INFINITY) - (bodyEnd - bodyStart);
        if (this.#room < 0) {
          refuse(session, 413, tooLarge(route.handling.limits?.maxBody ?? 0).text);
          return end;
        }
        this.clientKey = verdict.key;
        session.accept(verdict.stick, route.handling.limits);
        if (verdict.authorized !== undefined)
          admission = admissionOf(verdict, engine.credentials.realm(route.handling.auth ?? ''));
      } else {
        if (verdict.kind === 'none') counters.overall(NOT_FOUND);
        else counters.slot(route.slot, REQUESTS);
        answerWith(session, pageOf(verdict, this.#noRoute));
        return bodyEnd;
      }
    }
    if (route === undefined) {
      counters.overall(NOT_FOUND);
      answerWith(session, pageOf({ kind: 'none' }, this.#noRoute));
      return bodyEnd;
    }
    counters.slot(route.slot, REQUESTS);
    const { rewrite } = engine;
    const { handling } = route;
    rewrite.handling = handling;
    const addressee = addresseeOf(route, target);
    rewrite.host = addressee === undefined ? handling.host : authorityOf(addressee);
    rewrite.hostPort = addressee === undefined ? handling.hostPort : addressee.port;
    rewrite.extras = engine.extras;
    rewrite.fallbackHost = this.#frontend.authority;
    rewrite.forwarding = this.#forwarding;
    rewrite.upgrade = this.upgrading;
    rewrite.maxForwards = maxForwards - 1;
    const out = composeRequest(memory, head, OUT, rewrite);
    if (session.exchange !== undefined)
      engine.log?.composed(session.exchange, memory, OUT, engine.extras?.trace);
    move(memory, out, bodyStart, bodyEnd);
    const composed = engine.requests.keep(memory, OUT, out + bodyEnd - bodyStart);
    const repeatable = head.method !== METHOD_OTHER && body.done;
    const copied =
      admission === undefined && this.#isCopied(handling)
        ? memory.slice(OUT, out + bodyEnd - bodyStart)
        : undefined;
    if (admission === undefined) session.dispatch.begin(route, composed, repeatable, target);
    else session.dispatch.beginWhen(admission, route, composed, repeatable, target);
    if (copied !== undefined) this.#copy(handling, copied);
    return bodyEnd;
  }

  /** The instance sees the path that its route was found for, unless any other would have led there too. */
  #settlePath({ request, memory, routes }: Engine): void {
    if (request.isPathless) request.fillPath(memory);
    else if (!routes.ignoresPath(memory, request.hostStart, request.hostEnd, this.#frontend.secure))
      request.resolvePath(memory);
  }

  /** A part of the requests of some routes is; none that leaves HTTP, and none of somebody who is still being looked at. */
  #isCopied({ mirror }: Handling): boolean {
    return mirror !== undefined && !this.upgrading && (mirror.share === 1 || Math.random() < mirror.share);
  }

  #copy({ mirror }: Handling, block: Uint8Array): void {
    if (mirror === undefined) return;
    this.#draft = this.#engine.mirrors.begin(mirror.service, block, this.body.done, this.isHead);
  }

  /** The request is over, or never came to its end. */
  forget(): void {
    this.clientKey = this.#forwarding.clientKey;
    this.#room = Number.POSITIVE_INFINITY;
    this.#draft?.drop();
    this.#draft = undefined;
  }

  get #noRoute(): NoRouteSettings | undefined {
    return this.#frontend.isForCalls ? undefined : this.#engine.noRoute;
  }

  /** How the client takes a body compressed; undefined: not at all. */
  #coding(): Coding | undefined {
    const { request, memory } = this.#engine;
    const line = request.minor === 0 || this.isHead ? -1 : request.fields.find(ACCEPT_ENCODING);
    if (line < 0) return undefined;
    request.fields.trim(memory, line);
    const { valueStart, valueEnd } = request.fields;
    return chooseCoding(Buffer.from(memory.subarray(valueStart, valueEnd)).toString('latin1'));
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

  /** How much of the body is only to be passed on as it comes. */
  get ahead(): number {
    if (this.carry.length > 0 || this.#draft !== undefined) return 0;
    return Math.min(this.body.ahead, this.#room);
  }

  /** Event: so much of the body has gone to the instance. */
  passed(length: number): void {
    this.body.skip(length);
    this.#room -= length;
    this.#session.dispatch.sentMore();
  }

  #passBody(start: number, end: number): number {
    const session = this.#session;
    const used = this.body.advance(this.#engine.memory, start, end);
    if (this.body.failed) {
      badBody(session, 400, 'the chunked body is malformed');
      return end;
    }
    this.#room -= used - start;
    if (this.#room < 0) {
      badBody(session, 413, 'the request body is longer than this route takes');
      return end;
    }
    session.dispatch.sentBody(start, used);
    if (this.#draft !== undefined) this.#keepDraft(this.#draft, start, used);
    session.sendUpstream(start, used);
    return used;
  }

  /** More of the body, also for the copy. */
  #keepDraft(draft: Draft, start: number, end: number): void {
    const isKept = draft.add(this.#engine.memory, start, end);
    if (isKept && !this.body.done) return;
    this.#draft = undefined;
    if (isKept) draft.send();
  }
}

const CHALLENGE = '/.well-known/acme-challenge/';

/** The answer to an ACME authority, when the path is that of a challenge that waits for it. */
function challengeAt({ memory, challenges }: Engine, from: number, to: number): string | undefined {
  if (to - from <= CHALLENGE.length) return undefined;
  for (let i = 0; i < CHALLENGE.length; i++)
    if (memory[from + i] !== CHALLENGE.charCodeAt(i)) return undefined;
  let token = '';
  for (let i = from + CHALLENGE.length; i < to; i++) token += String.fromCharCode(memory[i]!);
  return challenges.get(token);
}
