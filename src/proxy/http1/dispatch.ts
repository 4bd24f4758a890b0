/** Where a request goes: candidates in order, what was tried, what may be sent again (RFC 9110 §9.2.2). */
import type { Target } from '../../balance/balancer.ts';
import { isFull, isTried } from '../../balance/candidates.ts';
import type { Route } from '../../route/table.ts';
import { CLASS_1XX, CONNECT_FAILURES, CUTS, IN_FLIGHT, REQUESTS, RETRIES, WAITED } from '../counters.ts';
import { nodeTurn } from '../node-turn.ts';
import { addresseeOf, readdressed } from './authority.ts';
import type { Engine } from './engine.ts';
import type { Admission } from './guard.ts';
import type { KeptRequest } from './kept-requests.ts';
import type { UpstreamLink } from './links.ts';
import { OUT } from './memory.ts';
import { answerWith, undeliverable } from './own-answers.ts';
import type { Session } from './session.ts';
import type { Waiter } from './waiting-room.ts';

/** How the last attempt ended. */
export type Failure = 'none' | 'refused' | 'no-tls' | 'cut' | 'connect-timeout' | 'lack' | 'busy';

const NONE: readonly Target[] = [];

export class Dispatch implements Waiter {
  route: Route | undefined;
  target: Target | undefined;
  upstream: UpstreamLink | undefined;
  failure: Failure = 'none';
  readonly #engine: Engine;
  readonly #session: Session;
  /** Filled after a failure only: most requests have none. */
  #tried: readonly Target[] = NONE;
  /** The request as it is sent: its head and what there was of its body. Undefined between exchanges. */
  #request: KeptRequest | undefined;
  /** It still lies at OUT of the engine's memory. */
  #isAtHand = false;
  #repeatable = false;
  /** It is all of the request that has come. */
  #isWhole = true;
  #sightings = 0;
  /** Set while somebody else decides whether the request may go on. */
  #waiting: object | undefined;
  /** All instances have as many requests as they may: it waits for one to have room. */
  #isQueued = false;
  /** Since when; engine time. */
  #queuedAt = 0;

  constructor(engine: Engine, session: Session) {
    this.#engine = engine;
    this.#session = session;
  }

  /**
   * Sends a request on its way that was put together at OUT. `composed` is its copy: it may be sent again after a cut when
   * `repeatable` (safe method, nothing of it outside the copy).
   */
  begin(route: Route, composed: KeptRequest, repeatable: boolean, first?: Target): void {
    this.#isAtHand = true;
    this.#begin(route, composed, repeatable, first);
    this.#isAtHand = false;
  }

  #begin(route: Route, composed: KeptRequest, repeatable: boolean, first?: Target): void {
    this.route = route;
    this.#request = composed;
    this.#repeatable = repeatable;
    this.#isWhole = true;
    this.#sightings = 0;
    this.failure = 'none';
    this.#tried = NONE;
    this.#engine.retries.deposit();
    if (first !== undefined && !isFull(first)) {
      this.#open(first, false);
      return;
    }
    // The head was written for it.
    this.target = addresseeOf(route, first);
    this.#next();
  }

  /** The same once it is known that the client may; until then the request waits here. */
  beginWhen(
    { allowed, refusal, answer }: Admission,
    route: Route,
    composed: KeptRequest,
    repeatable: boolean,
    first: Target | undefined,
  ): void {
    const waiting = { route };
    this.#waiting = waiting;
    this.route = route;
    this.#request = composed;
    this.#session.holdRequest();
    nodeTurn.isDue = true;
    void allowed.then((isAllowed) => {
      // Gone, or given up, in the meantime.
      if (this.#waiting !== waiting) return;
      this.#waiting = undefined;
      this.#engine.touch();
      const page = isAllowed ? answer : refusal;
      if (page === undefined) this.#begin(route, composed, repeatable, first);
      else answerWith(this.#session, page);
    });
  }

  /** Whether the request's bytes wait for a connection to be established. */
  get isConnecting(): boolean {
    return (
      this.#waiting !== undefined ||
      this.#isQueued ||
      (this.upstream !== undefined && !this.upstream.connected)
    );
  }

  /** Whether it waits for an instance to have room. */
  get isQueued(): boolean {
    return this.#isQueued;
  }

  #next(): void {
    const target = this.route!.balancer.next(this.#tried, this.#session.intake.clientKey);
    if (target !== undefined) this.#open(target, false);
    else if (this.#isAnyFull()) this.#queue(this.route!);
    else undeliverable(this.#session);
  }

  /** Whether an instance would do if it had room. */
  #isAnyFull(): boolean {
    return this.route!.targets.some((one) => one.weight > 0 && isFull(one) && !isTried(one, this.#tried));
  }

  #queue(route: Route): void {
    if (!this.#engine.waiting.enter(route, this, this.#session.waitTimeout)) {
      this.failure = 'busy';
      undeliverable(this.#session);
      return;
    }
    this.#isQueued = true;
    this.#queuedAt = this.#engine.time;
    this.#session.holdRequest();
  }

  /** Called by the waiting room, which then forgets it. */
  admit(): boolean {
    // Whoever came meanwhile may have room, and whoever left gets nothing more. A request is written for one handling: it stays with that.
    for (let next = this.route!.replacedBy; next !== undefined; next = next.replacedBy)
      if (next.arms === undefined) this.route = next;
    const target = this.route!.balancer.next(this.#tried, this.#session.intake.clientKey);
    if (target === undefined) return false;
    this.#isQueued = false;
    this.#engine.touch();
    this.#engine.counters.slot(target.slot, WAITED, this.#engine.time - this.#queuedAt);
    this.#open(target, false);
    return true;
  }

  /** It does not go to an instance again, nor to one with rules that it was not written for. */
  get isPicky(): boolean {
    return this.#tried.length > 0 || this.route?.arms !== undefined || this.route?.replacedBy !== undefined;
  }

  /** Its client says no more: those who do go first. False: it cannot wait any longer. */
  stepAside(): boolean {
    return !this.#isQueued || this.#engine.waiting.defer(this.route!, this);
  }

  #leaveQueue(): void {
    if (!this.#isQueued) return;
    this.#isQueued = false;
    this.#engine.waiting.leave(this.route!, this);
  }

  /**
   * The instance answers with a status that says that it cannot. True when another one is asked instead: the request may be
   * sent again, somebody is left who is well, and not too many are being repeated.
   */
  askedAgain(status: number): boolean {
    const { route, target } = this;
    if (route === undefined || target === undefined || !this.#repeatable) return false;
    if (this.#sightings >= this.#engine.limits.maxSightings) return false;
    const tried = [...this.#tried, target];
    const next = route.balancer.next(tried, this.#session.intake.clientKey);
    if (next === undefined || next.state.ejectedUntil !== 0) return false;
    if (!this.#engine.retries.withdraw(this.#engine.time)) return false;
    this.#engine.counters.slot(target.slot, CLASS_1XX - 1 + ((status / 100) | 0));
    this.#engine.outcomes.erred(target, status, route.targets);
    this.#session.span?.answered(status);
    this.#tried = tried;
    this.release(false);
    this.#session.reply.reset();
    this.#open(next, false);
    return true;
  }

  #open(target: Target, fresh: boolean): void {
    const { counters } = this.#engine;
    const before = this.target;
    if (before !== undefined && before !== target && this.route?.handling.hostOfTarget === true) {
      this.#request = readdressed(this.#request!, before, target);
      this.#isAtHand = false;
    }
    this.target = target;
    this.#session.span?.asks(target, this.#request!);
    target.state.inFlight++;
    counters.slot(target.slot, IN_FLIGHT);
    const upstream = this.#engine.transport.open(this.#session, target, fresh);
    this.upstream = upstream;
    if (upstream.connected) this.#send(upstream);
    else this.#session.holdRequest();
  }

  #send(upstream: UpstreamLink): void {
    const { counters } = this.#engine;
    if (++this.#sightings > 1) counters.overall(RETRIES);
    counters.slot(upstream.target.slot, REQUESTS);
    const { bytes, length } = this.#request!;
    const accepted = this.#isAtHand
      ? upstream.begin(this.#engine.memory, OUT, OUT + length)
      : upstream.begin(bytes, 0, length);
    this.#session.sent(accepted);
  }

  /** Event: the connection is there. */
  opened(upstream: UpstreamLink): void {
    this.#send(upstream);
  }

  /** More of the body was sent than the copy holds. */
  sentMore(): void {
    this.#repeatable = false;
    this.#isWhole = false;
  }

  /** [start, end) of the body was sent, too. It is kept where an instance may say that it has not looked at any of it. */
  sentBody(start: number, end: number): void {
    const { memory, requests } = this.#engine;
    this.#repeatable = false;
    if (!this.#isWhole || this.#request === undefined) return;
    const longer =
      this.upstream?.untouched === undefined ? undefined : requests.extend(this.#request, memory, start, end);
    if (longer === undefined) this.#isWhole = false;
    else this.#request = longer;
  }

  /** Event: the connection is gone, or sent FIN, before the response was complete. */
  lost(upstream: UpstreamLink): void {
    const { target } = upstream;
    const wasConnected = upstream.connected;
    this.release(false);
    if (upstream.lack !== undefined) {
      this.#failed('lack');
      this.#engine.onLack(upstream.lack);
      this.#tried = [...this.#tried, target];
      this.#next();
      return;
    }
    if (!wasConnected) {
      this.#connectFailed(target, target.tls === undefined ? 'refused' : 'no-tls', upstream.trouble);
      return;
    }
    this.#failed('cut');
    const isUntouched = upstream.untouched === true;
    const mayRepeat = this.#repeatable || (isUntouched && this.#isWhole);
    const again =
      mayRepeat && !this.#session.reply.begun && this.#sightings < this.#engine.limits.maxSightings;
    if (!upstream.reused && !isUntouched) {
      this.#engine.counters.slot(target.slot, CUTS);
      this.#engine.outcomes.cut(target);
    }
    if (!again) undeliverable(this.#session);
    else if (upstream.reused) this.#open(target, true);
    else if (isUntouched) this.#passOn(target);
    else if (!this.#engine.retries.withdraw(this.#engine.time)) undeliverable(this.#session);
    else {
      this.#tried = [...this.#tried, target];
      this.#next();
    }
  }

  /** The instance has not looked at it, which cost nobody anything: another one does, or itself over another connection. */
  #passOn(target: Target): void {
    const tried = [...this.#tried, target];
    const next = this.route!.balancer.next(tried, this.#session.intake.clientKey);
    if (next === undefined) {
      this.#open(target, true);
      return;
    }
    this.#tried = tried;
    this.#open(next, false);
  }

  /** The connect takes too long. */
  connectExpired(): void {
    const { target } = this;
    if (this.#isQueued) {
      this.#leaveQueue();
      this.failure = 'busy';
      undeliverable(this.#session);
      return;
    }
    if (target === undefined) {
      this.#waiting = undefined;
      this.failure = 'lack';
      undeliverable(this.#session);
      return;
    }
    this.release(false);
    this.#connectFailed(target, 'connect-timeout', 'connect timed out');
  }

  #connectFailed(target: Target, failure: Failure, why: string): void {
    this.#failed(failure);
    this.#engine.counters.slot(target.slot, CONNECT_FAILURES);
    this.#engine.counters.overall(CONNECT_FAILURES);
    this.#engine.outcomes.connectFailed(target, why);
    this.#tried = [...this.#tried, target];
    this.#next();
  }

  /** The last attempt came to nothing. */
  #failed(failure: Failure): void {
    this.failure = failure;
    this.#session.span?.failed(failure);
  }

  /** The exchange is over: keeps nothing of it. */
  forget(): void {
    this.#leaveQueue();
    this.#waiting = undefined;
    this.settled();
    this.#tried = NONE;
    this.route = undefined;
    this.target = undefined;
  }

  /** The request will not be sent again. */
  settled(): void {
    if (this.#request === undefined) return;
    this.#engine.requests.giveBack(this.#request);
    this.#request = undefined;
  }

  /** Parts from the upstream connection: it is kept for others or ended. */
  release(keep: boolean): void {
    const { upstream, target } = this;
    if (upstream === undefined || target === undefined) return;
    this.upstream = undefined;
    this.#session.span?.released();
    target.state.inFlight--;
    this.#engine.counters.slot(target.slot, IN_FLIGHT, -1);
    this.#engine.waiting.freed();
    if (keep) upstream.release();
    else upstream.destroy();
  }
}
