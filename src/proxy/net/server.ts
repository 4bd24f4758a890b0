import { performance } from 'node:perf_hooks';
import type { TargetState } from '../../balance/balancer.ts';
import { formatHostPort } from '../../lib/host-port.ts';
import type { RouteTable } from '../../route/table.ts';
import { Counters, createCounterBlock } from '../counters.ts';
import { Engine, type Outcomes } from '../http1/engine.ts';
import { READ, READ_SIZE } from '../http1/memory.ts';
import { completeLimits, type ProxyLimits } from '../limits.ts';
import { Shortage, type ShortageReport } from '../shortage.ts';
import { Listener } from './listener.ts';
import { UpstreamPool } from './upstream-pool.ts';

/** How often deadlines are looked at: a timeout is at most this late. 10,000 connections take a millisecond per second. */
const SWEEP = 100;
const SWEEPS_PER_TICK = 5;

export interface ProxyServerOptions {
  host: string;
  port: number;
  limits?: Partial<ProxyLimits>;
  /** Where to count; a block of its own when not given. */
  counters?: SharedArrayBuffer;
  outcomes?: Outcomes;
  /** Something ran out; told at once, then at most once a minute. */
  onShortage?: (report: ShortageReport) => void;
  /** Own address for `by=` in Forwarded. */
  localAddress?: string | undefined;
  routes?: RouteTable;
}

const NO_OUTCOMES: Outcomes = { connectFailed() {}, cut() {}, answered() {} };

/** The HTTP/1.1 proxy on `node:net`: one listener, one engine, one pool, in the thread that starts it. */
export class ProxyServer {
  readonly #engine: Engine;
  readonly #pool: UpstreamPool;
  readonly #listener: Listener;
  readonly #timer: NodeJS.Timeout;
  #stopped: Promise<void> | undefined;

  private constructor(engine: Engine, pool: UpstreamPool, listener: Listener) {
    this.#engine = engine;
    this.#pool = pool;
    this.#listener = listener;
    let sweeps = 0;
    this.#timer = setInterval(() => {
      if (++sweeps % SWEEPS_PER_TICK === 0) engine.tick();
      const now = engine.touch();
      listener.sweep(now);
      pool.sweep(now);
    }, SWEEP);
    this.#timer.unref();
  }

  /** Throws `listen.*`. */
  static async start(options: ProxyServerOptions): Promise<ProxyServer> {
    const { host, port, outcomes = NO_OUTCOMES, onShortage = () => {} } = options;
    const now = () => performance.now();
    const shortage = new Shortage(onShortage, now);
    let pool: UpstreamPool | undefined;
    const engine = new Engine(
      {
        limits: completeLimits(options.limits),
        counters: new Counters(options.counters ?? createCounterBlock()),
        outcomes,
        onLack: (lack) => shortage.note(lack),
        now,
        wallClock: () => Date.now(),
      },
      (made) => {
        const { buffer } = made.memory;
        pool = new UpstreamPool(made, Buffer.from(buffer, READ, READ_SIZE));
        return pool;
      },
    );
    engine.routes = options.routes ?? engine.routes;
    const listener = await Listener.start(engine, pool!.readBuffer, {
      host,
      port,
      localAddress: options.localAddress,
    });
    const { address } = listener;
    engine.setAuthority(formatHostPort(address.host, address.port));
    return new ProxyServer(engine, pool!, listener);
  }

  get address(): { host: string; port: number } {
    return this.#listener.address;
  }

  /** Open client connections. */
  get connections(): number {
    return this.#listener.size;
  }

  /** Requests from now on see the new table; those under way are not touched. */
  setRoutes(routes: RouteTable): void {
    this.#engine.routes = routes;
  }

  /** An instance that nothing leads to any more: its idle connections end. */
  forget(state: TargetState): void {
    this.#pool.forget(state);
  }

  /** No request after the present or, for a moment, the next one on any connection; resolves when they are gone or after `patience` ms. */
  async drain(patience: number): Promise<void> {
    this.#engine.draining = true;
    await this.#listener.drain(patience);
  }

  /** Drains for at most `patience` ms, then ends everything. */
  stop(patience = 0): Promise<void> {
    this.#stopped ??= this.#stop(patience);
    return this.#stopped;
  }

  async #stop(patience: number): Promise<void> {
    await this.drain(patience);
    clearInterval(this.#timer);
    this.#listener.close();
    this.#pool.close();
  }
}
