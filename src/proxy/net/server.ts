import { performance } from 'node:perf_hooks';
import type { TargetState } from '../../balance/balancer.ts';
import type { RateTable } from '../../balance/rate-limit.ts';
import { TargetStates } from '../../balance/states.ts';
import type { Span } from '../../lib/otlp.ts';
import { Pools } from '../../route/pools.ts';
import type { RouteTable } from '../../route/table.ts';
import { Counters, createCounterBlock } from '../counters.ts';
import { AT_ONCE, type Farewell } from '../farewell.ts';
import { Engine, type Outcomes } from '../http1/engine.ts';
import { readBufferOf } from '../http1/memory.ts';
import { completeLimits, type ProxyLimits } from '../limits.ts';
import type { ListenerSpec, Listening } from '../listener-spec.ts';
import type { Neighbours } from '../neighbours.ts';
import { Seats } from '../seats.ts';
import type { ProxySettings } from '../settings.ts';
import { Shortage, type ShortageReport } from '../shortage.ts';
import { Dialer } from '../tls/dialer.ts';
import { Keyring } from '../tls/keyring.ts';
import type { ChallengeAnswers } from '../tls/spec.ts';
import type { EnginePool, TransportKind } from '../transport.ts';
import type { ListenerHome, OpenListener } from './listener-kind.ts';
import { openListener } from './listener-kinds.ts';
import { UpstreamPool } from './upstream-pool.ts';

/** How often deadlines are looked at: a timeout is at most this late. 10,000 connections take a millisecond per second. */
const SWEEP = 100;
const SWEEPS_PER_TICK = 5;

export interface ProxyServerOptions {
  limits?: Partial<ProxyLimits>;
  /** Where to count; a block of its own when not given. */
  counters?: SharedArrayBuffer;
  outcomes?: Outcomes;
  /** Buckets of the rate limits; of its own when not given. */
  rates?: RateTable;
  /** Something ran out; told at once, then at most once a minute. */
  onShortage?: (report: ShortageReport) => void;
  /** Something besides the traffic does not work, in words. */
  onTrouble?: ((why: string) => void) | undefined;
  /** Takes the spans of a recorded request that is over. */
  onSpans?: ((spans: readonly Span[]) => void) | undefined;
  /** Own address for `by=` in Forwarded. */
  localAddress?: string | undefined;
  /** Servers in other threads that count load in common with this one. */
  neighbours?: Neighbours | undefined;
  routes?: RouteTable;
  /** Called before a request is routed: sets routes that are newer. */
  catchUp?: (() => void) | undefined;
  /** Where TCP and UDP go. */
  pools?: Pools;
  /** What TLS listeners show. */
  keyring?: Keyring;
}

const NO_POOLS = new Pools({
  states: new TargetStates(),
  random: Math.random,
  turns: new Int32Array(1),
});
const NO_OUTCOMES: Outcomes = { connectFailed() {}, cut() {}, answered() {}, erred() {} };

/** Node's own sockets: works everywhere. */
const NET: TransportKind = {
  now: () => performance.now(),
  pool: (engine) => new UpstreamPool(engine),
  open: openListener,
  stop: async () => {},
};

/** The proxy: one engine, one pool, any number of listeners, in the thread that makes it. */
export class ProxyServer {
  readonly #home: ListenerHome;
  readonly #pool: EnginePool;
  readonly #transport: TransportKind;
  readonly #listeners = new Map<string, OpenListener>();
  /** Closed, with connections that are not over yet. */
  readonly #leaving = new Set<OpenListener>();
  readonly #timer: NodeJS.Timeout;
  #stopped: Promise<void> | undefined;

  constructor(options: ProxyServerOptions = {}, transport: TransportKind = NET) {
    const {
      outcomes = NO_OUTCOMES,
      onShortage = () => {},
      onTrouble,
      onSpans,
      localAddress,
      neighbours,
    } = options;
    const { memory, now, soon } = transport;
    const shortage = new Shortage(onShortage, now);
    const onLack = shortage.note.bind(shortage);
    let pool: EnginePool | undefined;
    const engine = new Engine(
      {
        limits: completeLimits(options.limits),
        counters: new Counters(options.counters ?? createCounterBlock()),
        outcomes,
        onLack,
        onTrouble,
        onSpans,
        neighbours,
        rates: options.rates,
        now,
        wallClock: () => Date.now(),
        catchUp: options.catchUp,
        ...(memory === undefined ? {} : { memory }),
        ...(soon === undefined ? {} : { soon }),
      },
      (made) => {
        pool = transport.pool(made);
        return pool;
      },
    );
    if (options.routes !== undefined) engine.routes = options.routes;
    this.#transport = transport;
    this.#pool = pool!;
    const seats = new Seats(engine.limits.maxConnections, onLack, () => this.#pool.close());
    const { keyring = new Keyring(), pools = NO_POOLS } = options;
    const readBuffer = readBufferOf(engine.memory);
    this.#home = {
      engine,
      readBuffer,
      seats,
      keyring,
      dialer: new Dialer(),
      pools,
      bind: transport.bind,
      localAddress,
    };
    let sweeps = 0;
    this.#timer = setInterval(() => {
      if (++sweeps % SWEEPS_PER_TICK === 0) engine.tick();
      const time = engine.touch();
      seats.spare.takeBack();
      for (const listener of this.#listeners.values()) listener.sweep(time);
      for (const listener of this.#leaving) listener.sweep(time);
      engine.mirrors.sweep(time);
      this.#pool.sweep(time);
      engine.waiting.sweep();
    }, SWEEP);
    this.#timer.unref();
  }

  /** Takes connections there from now on; resolves with where. Rejects with `listen.*`. */
  async open(spec: ListenerSpec): Promise<Listening> {
    const listener = await this.#transport.open(this.#home, spec);
    this.#listeners.set(spec.id, listener);
    const { address, descriptors } = listener;
    return { ...address, descriptors };
  }

  /** Takes no more connections there; resolves when those it had are gone, or ended after the patience. */
  async close(id: string, farewell: Farewell): Promise<void> {
    const listener = this.#listeners.get(id);
    if (listener === undefined) return;
    this.#listeners.delete(id);
    this.#leaving.add(listener);
    await listener.drain(farewell);
    listener.close();
    this.#leaving.delete(listener);
  }

  /** Open client connections. */
  get connections(): number {
    return this.#home.seats.taken;
  }

  /** Requests from now on see the new table; those under way are not touched. */
  setRoutes(routes: RouteTable): void {
    this.#home.engine.routes = routes;
  }

  /** What to do with HTTP besides routing. */
  configure(settings: ProxySettings): void {
    this.#home.engine.configure(settings);
  }

  /** What is answered to ACME authorities from now on. */
  setChallenges({ http, certificates }: ChallengeAnswers): void {
    this.#home.engine.challenges = http;
    this.#home.keyring.challenges.replace({ certificates, clientCa: [] });
  }

  /** An instance that nothing leads to any more: its idle connections end. */
  forget(state: TargetState): void {
    this.#pool.forget(state);
  }

  /** No request after the present or, for a moment, the next one on any connection; then all is ended, at the latest after the patience. */
  stop(farewell: Farewell = AT_ONCE): Promise<void> {
    this.#stopped ??= this.#stop(farewell);
    return this.#stopped;
  }

  async #stop(farewell: Farewell): Promise<void> {
    await Promise.all([...this.#listeners.keys()].map((id) => this.close(id, farewell)));
    for (const listener of this.#leaving) listener.close();
    clearInterval(this.#timer);
    this.#home.engine.mirrors.close();
    this.#pool.close();
    this.#home.seats.spare.giveUp();
    await this.#transport.stop();
    await this.#home.engine.finishLog();
  }
}
