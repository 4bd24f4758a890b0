/** A transport of arrays, for tests of the engine: what would go over a wire is kept as text. */
import type { Target } from '../../balance/balancer.ts';
import type { Span } from '../../lib/otlp.ts';
import type { RouteTable } from '../../route/table.ts';
import { CounterReader, Counters, createCounterBlock } from '../counters.ts';
import { completeLimits, type ProxyLimits } from '../limits.ts';
import type { Lack } from '../shortage.ts';
import { latin1 } from './bytes.ts';
import { Engine } from './engine.ts';
import { Frontend } from './frontend.ts';
import type { Asking, ClientLink, Transport, UpstreamLink } from './links.ts';
import { READ } from './memory.ts';
import { Session } from './session.ts';

const textOf = (bytes: Uint8Array) => String.fromCharCode(...bytes);

export class FakeUpstream implements UpstreamLink {
  sent = '';
  connected: boolean;
  lack: Lack | undefined;
  trouble = 'connection refused';
  reused = false;
  isSlow = false;
  isPaused = false;
  hasEnded = false;
  /** So many bytes may go to the client by themselves. */
  passable = 0;
  fate: 'open' | 'released' | 'destroyed' = 'open';
  readonly target: Target;
  readonly #world: World;
  #asking: Asking;

  constructor(world: World, target: Target, connected: boolean, asking: Asking) {
    this.#world = world;
    this.target = target;
    this.connected = connected;
    this.#asking = asking;
  }

  reuse(asking: Asking): void {
    this.fate = 'open';
    this.reused = true;
    this.#asking = asking;
  }

  /** Bytes from the backend, to whoever asked. */
  say(text: string): void {
    const bytes = latin1(text);
    this.#world.engine.memory.set(bytes, READ);
    this.#asking.upstreamReceived(READ, READ + bytes.length);
  }

  /** It is gone. */
  drop(isClean = true): void {
    this.#asking.upstreamClosed(this, isClean);
  }

  begin(bytes: Uint8Array, start: number, end: number): boolean {
    this.sent += textOf(bytes.subarray(start, end));
    return !this.isSlow;
  }

  send(start: number, end: number): boolean {
    return this.begin(this.#world.engine.memory, start, end);
  }

  pass(_to: ClientLink, length: number): void {
    this.passable = length;
  }

  pause(): void {
    this.isPaused = true;
  }

  resume(): void {
    this.isPaused = false;
  }

  end(): void {
    this.hasEnded = true;
  }

  release(): void {
    this.fate = 'released';
  }

  destroy(): void {
    this.fate = 'destroyed';
  }
}

/** One client in front of an engine, and whatever connections it opens behind it. */
export class World implements ClientLink, Transport {
  received = '';
  isSlow = false;
  isPaused = false;
  /** So many bytes may go to the instance by themselves. */
  passable = 0;
  fate: 'open' | 'ended' | 'finished' | 'lingering' | 'destroyed' | 'reset' = 'open';
  time = 0;
  readonly upstreams: FakeUpstream[] = [];
  readonly events: string[] = [];
  /** Of requests that are over. */
  readonly spans: Span[] = [];
  /** What was counted. */
  readonly counts = new CounterReader();
  readonly engine: Engine;
  readonly frontend: Frontend;
  readonly session: Session;
  /** New connections stand at once; otherwise a test calls `connected`. */
  connectsAtOnce = true;

  constructor(routes: RouteTable, limits: Partial<ProxyLimits> = {}) {
    const outcomes = {
      connectFailed: (target: Target) => this.events.push(`refused ${target.id}`),
      cut: (target: Target) => this.events.push(`cut ${target.id}`),
      answered: (target: Target) => this.events.push(`answered ${target.id}`),
      erred: (target: Target, status: number) => this.events.push(`erred ${target.id} ${status}`),
    };
    const block = createCounterBlock();
    this.counts.add(block);
    this.engine = new Engine(
      {
        limits: completeLimits(limits),
        counters: new Counters(block),
        outcomes,
        onSpans: (spans) => this.spans.push(...spans),
        now: () => this.time,
        wallClock: () => 0,
      },
      () => this,
    );
    this.engine.routes = routes;
    this.frontend = new Frontend({ limits: this.engine.limits, authority: 'proxy.test' });
    this.session = new Session(this.engine, this, this.frontend, this.frontend.forwardingFor('10.0.0.1'));
  }

  // Events

  /** Bytes from the client. */
  say(text: string): this {
    const bytes = latin1(text);
    this.engine.memory.set(bytes, READ);
    this.session.received(READ, READ + bytes.length);
    return this;
  }

  /** Bytes from the backend. */
  answer(text: string): this {
    const bytes = latin1(text);
    this.engine.memory.set(bytes, READ);
    this.session.upstreamReceived(READ, READ + bytes.length);
    return this;
  }

  connected(upstream = this.upstream): this {
    upstream.connected = true;
    this.session.dispatch.opened(upstream);
    return this;
  }

  closed(isClean = true, upstream = this.upstream): this {
    this.session.upstreamClosed(upstream, isClean);
    return this;
  }

  /** Lets time pass; the deadline is looked at. */
  wait(ms: number): this {
    this.time += ms;
    this.engine.touch();
    if (this.session.deadline <= this.time) this.session.expired();
    return this;
  }

  get upstream(): FakeUpstream {
    return this.upstreams[this.upstreams.length - 1]!;
  }

  // What the engine asks for

  open(asking: Asking, target: Target, fresh: boolean): UpstreamLink {
    const known = fresh
      ? undefined
      : this.upstreams.find((one) => one.target === target && one.fate === 'released');
    if (known !== undefined) {
      this.upstreams.splice(this.upstreams.indexOf(known), 1);
      this.upstreams.push(known);
      known.reuse(asking);
      return known;
    }
    const upstream = new FakeUpstream(this, target, this.connectsAtOnce, asking);
    this.upstreams.push(upstream);
    return upstream;
  }

  send(start: number, end: number): boolean {
    this.received += textOf(this.engine.memory.subarray(start, end));
    return !this.isSlow;
  }

  pass(_to: UpstreamLink, length: number): void {
    this.passable = length;
  }

  pause(): void {
    this.isPaused = true;
  }

  resume(): void {
    this.isPaused = false;
  }

  end(): void {
    this.fate = 'ended';
  }

  finish(): void {
    this.fate = 'finished';
  }

  linger(): void {
    this.fate = 'lingering';
  }

  destroy(): void {
    this.fate = 'destroyed';
  }

  reset(): void {
    this.fate = 'reset';
  }
}
