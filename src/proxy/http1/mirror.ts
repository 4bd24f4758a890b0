/**
 * Copies of requests for other services. Whoever sent the request neither waits for them nor hears of them: a copy that cannot be sent
 * is left out, its answer is read and dropped, and there are never more than so many under way.
 */

import type { Target } from '../../balance/balancer.ts';
import { isFull } from '../../balance/candidates.ts';
import { IN_FLIGHT, REQUESTS } from '../counters.ts';
import { Body, BY_CHUNKS, BY_CLOSE, BY_LENGTH, NO_BODY } from './body.ts';
import type { Engine } from './engine.ts';
import type { Asking, UpstreamLink } from './links.ts';
import { Carry, READ } from './memory.ts';

/** Under way at a time in one worker. */
export const MOST_COPIES = 256;
/** Bytes of a request that are kept for its copy while its body comes, and of all such requests of a worker. */
export const MOST_DRAFT = 262_144;
const MOST_KEPT = 33_554_432;
/** How often (ms) it is told that copies are left out. */
const TELL = 60_000;
const NONE: readonly Target[] = [];
const OVER = -1;

export class Mirrors {
  readonly #engine: Engine;
  readonly #copies = new Set<Copy>();
  readonly #kept = { bytes: 0 };
  #leftOut = 0;
  #toldAt = Number.NEGATIVE_INFINITY;

  constructor(engine: Engine) {
    this.#engine = engine;
  }

  /** Under way. */
  get size(): number {
    return this.#copies.size;
  }

  /** Bytes of requests whose bodies are still coming. */
  get kept(): number {
    return this.#kept.bytes;
  }

  /**
   * A request that is on its way to an instance is to be copied. `block`: its head and what there is of its body, as they stay. The
   * answer wants the rest of the body, if there is any.
   */
  begin(service: string, block: Uint8Array, isWhole: boolean, isHead: boolean): Draft | undefined {
    if (isWhole) this.#send(service, block, isHead);
    else if (this.#kept.bytes < MOST_KEPT)
      return new Draft(this.#kept, block, (whole) => {
        if (whole === undefined) this.#leaveOut(service);
        else this.#send(service, whole, isHead);
      });
    else this.#leaveOut(service);
    return undefined;
  }

  #send(service: string, request: Uint8Array, isHead: boolean): void {
    const route = this.#engine.routes.mirror(service);
    const target = route?.balancer.next(NONE);
    if (route === undefined || target === undefined || isFull(target) || this.#copies.size >= MOST_COPIES) {
      this.#leaveOut(service);
      return;
    }
    const copy = new Copy(this.#engine, target, request, isHead, (status, ms) => {
      this.#copies.delete(copy);
      if (status > 0) this.#engine.counters.copied(route.slot, target.slot, status, ms);
    });
    this.#engine.counters.slot(route.slot, REQUESTS);
    this.#copies.add(copy);
    copy.open(false);
  }

  #leaveOut(service: string): void {
    this.#leftOut++;
    const { time } = this.#engine;
    if (time - this.#toldAt < TELL) return;
    this.#toldAt = time;
    this.#engine.onTrouble(
      `copies of requests for ${service} are left out (${this.#leftOut} so far): it has no healthy instance, or takes too long`,
    );
  }

  /** Gives up what takes too long. */
  sweep(now: number): void {
    for (const copy of this.#copies) if (copy.deadline <= now) copy.expired();
  }

  close(): void {
    for (const copy of this.#copies) copy.giveUp();
  }
}

/** A request whose body is still coming. */
export class Draft {
  #parts: Uint8Array[];
  #size = 0;
  readonly #kept: { bytes: number };
  readonly #done: (request: Uint8Array | undefined) => void;

  /** `kept`: what all drafts keep. `done` is told the whole request, or undefined when it is too long. */
  constructor(kept: { bytes: number }, block: Uint8Array, done: (request: Uint8Array | undefined) => void) {
    this.#kept = kept;
    this.#done = done;
    this.#parts = [block];
    this.#grow(block.length);
  }

  /** More of the body. False when it became too long: the draft is over. */
  add(memory: Uint8Array, start: number, end: number): boolean {
    this.#grow(end - start);
    if (this.#size <= MOST_DRAFT && this.#kept.bytes <= MOST_KEPT) {
      this.#parts.push(memory.slice(start, end));
      return true;
    }
    this.drop();
    this.#done(undefined);
    return false;
  }

  /** That was all. */
  send(): void {
    const whole = Buffer.concat(this.#parts);
    this.drop();
    this.#done(whole);
  }

  /** The request never came to its end. */
  drop(): void {
    this.#parts = [];
    this.#grow(-this.#size);
  }

  #grow(by: number): void {
    this.#size += by;
    this.#kept.bytes += by;
  }
}

/** One copy under way. */
class Copy implements Asking {
  readonly dispatch = { opened: (upstream: UpstreamLink) => this.#opened(upstream) };
  /** Engine time. */
  deadline: number;
  readonly #engine: Engine;
  readonly #target: Target;
  readonly #request: Uint8Array;
  readonly #isHead: boolean;
  readonly #onOver: (status: number, ms: number) => void;
  readonly #startedAt: number;
  readonly #body = new Body();
  #carry: Carry | undefined;
  #upstream: UpstreamLink | undefined;
  #hasBegun = false;
  #status = 0;
  #stays = false;

  /** `onOver` is told the status, 0 without one, and how long it took. */
  constructor(
    engine: Engine,
    target: Target,
    request: Uint8Array,
    isHead: boolean,
    onOver: (status: number, ms: number) => void,
  ) {
    this.#engine = engine;
    this.#target = target;
    this.#request = request;
    this.#isHead = isHead;
    this.#onOver = onOver;
    this.#startedAt = engine.time;
    this.deadline = engine.time + engine.limits.responseTimeout;
    target.state.inFlight++;
    engine.counters.slot(target.slot, IN_FLIGHT);
  }

  /** `fresh`: not by a connection that was idle. */
  open(fresh: boolean): void {
    const upstream = this.#engine.transport.open(this, this.#target, fresh);
    this.#upstream = upstream;
    if (upstream.connected) this.#opened(upstream);
  }

  #opened(upstream: UpstreamLink): void {
    this.#engine.counters.slot(this.#target.slot, REQUESTS);
    upstream.begin(this.#request, 0, this.#request.length);
  }

  upstreamReceived(start: number, end: number): void {
    this.#engine.touch();
    this.#hasBegun = true;
    const { memory } = this.#engine;
    const carry = this.#carry;
    if (carry === undefined) {
      const used = this.#read(start, end);
      if (used < 0 || used === end) return;
      this.#carry = new Carry();
      this.#carry.append(memory, used, end);
      return;
    }
    carry.append(memory, start, end);
    while (carry.length > 0) {
      const used = this.#read(READ, carry.load(memory));
      if (used < 0 || used === READ) return;
      carry.skip(used - READ);
    }
    this.#carry = undefined;
  }

  /** The position up to which bytes were used, or -1 when the copy is over. */
  #read(start: number, end: number): number {
    const { memory, response, responseLimits } = this.#engine;
    let at = start;
    while (this.#status === 0) {
      const behind = at === end ? 0 : response.scan(memory, at, end, responseLimits);
      if (behind === 0) return at;
      if (behind < 0 || response.status === 101) return this.#finish(false);
      at = behind;
      if (response.status >= 200) this.#begin();
    }
    at = this.#body.advance(memory, at, end);
    if (!this.#body.done && !this.#body.failed) return at;
    const isAll = at === end && (this.#carry === undefined || this.#carry.length === end - start);
    return this.#finish(this.#body.done && this.#stays && isAll);
  }

  #begin(): void {
    const { response } = this.#engine;
    const { fields, status } = response;
    this.#status = status;
    this.#stays = response.staysOpen();
    let kind = NO_BODY;
    if (status !== 204 && status !== 304 && !this.#isHead)
      kind = fields.chunked ? BY_CHUNKS : fields.contentLength >= 0 ? BY_LENGTH : BY_CLOSE;
    this.#body.begin(kind, fields.contentLength);
  }

  upstreamEnded(): void {
    this.#lost();
  }

  upstreamClosed(): void {
    this.#lost();
  }

  upstreamDrained(): void {}

  progressed(): void {}

  /** The connection is gone: it was the end of the answer, or it was idle for too long, or the copy is lost. */
  #lost(): void {
    const upstream = this.#upstream;
    if (upstream === undefined) return;
    if (this.#status === 0 && upstream.reused && !this.#hasBegun) {
      upstream.destroy();
      this.open(true);
      return;
    }
    if (this.#status === 0 && upstream.lack === undefined) {
      const { outcomes } = this.#engine;
      if (upstream.connected) outcomes.cut(this.#target);
      else outcomes.connectFailed(this.#target, upstream.trouble);
    }
    this.#finish(false);
  }

  expired(): void {
    if (this.#upstream?.connected === false)
      this.#engine.outcomes.connectFailed(this.#target, 'connect timed out');
    this.#finish(false);
  }

  giveUp(): void {
    this.#finish(false);
  }

  #finish(keep: boolean): -1 {
    const upstream = this.#upstream;
    if (upstream === undefined) return OVER;
    this.#upstream = undefined;
    this.#target.state.inFlight--;
    this.#engine.counters.slot(this.#target.slot, IN_FLIGHT, -1);
    if (this.#status > 0) this.#engine.outcomes.answered(this.#target);
    if (keep) upstream.release();
    else upstream.destroy();
    this.#onOver(this.#status, this.#engine.time - this.#startedAt);
    return OVER;
  }
}
