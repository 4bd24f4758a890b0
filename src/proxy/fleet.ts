import { Worker } from 'node:worker_threads';
import { type ErrorCode, MusterError } from '../errors.ts';
import { type BackoffPolicy, backoffDelay } from '../lib/backoff.ts';
import { formatHostPort } from '../lib/host-port.ts';
import type { Logger } from '../lib/log.ts';
import type { TableOptions } from '../route/byte-table.ts';
import type { RouteDelta } from '../route/spec.ts';
import { CounterReader, createCounterBlock, SLOTS } from './counters.ts';
import type { Ejection } from './ejector.ts';
import type { ProxyLimits } from './limits.ts';
import type { FromWorker, ToWorker, WorkerOrders } from './messages.ts';
import { describeShortage } from './shortage.ts';

/** A worker that dies is replaced at once the first time, later with a pause: one that dies at start must not spin. */
const REPLACE: BackoffPolicy = { base: 100, max: 5_000 };
/** A worker that lived so long (ms) starts the count of deaths anew. */
const STEADY = 10_000;

export interface FleetOptions {
  host: string;
  port: number;
  log: Logger;
  /** All routes, for a worker that starts. */
  snapshot: () => RouteDelta;
  limits?: Partial<ProxyLimits>;
  /** As the router has it. */
  table?: TableOptions;
  /** Own address for `by=` in Forwarded. */
  localAddress?: string;
  /** All workers have applied this version. */
  onApplied?: (version: number) => void;
  /** An instance was ejected, or is back. */
  onEjections?: (ejections: readonly Ejection[]) => void;
  /** The bundled worker; default: beside the bundle this runs from. */
  worker?: URL;
}

interface Member {
  readonly worker: Worker;
  readonly counters: SharedArrayBuffer;
  readonly startedAt: number;
  applied: number;
  /** By instance id. */
  readonly ejections: Map<string, Ejection>;
}

/**
 * The main thread's handle on the proxy: starts workers, hands routes over, reads counters, replaces the dead. One worker
 * with `node:net`, which cannot share a port between threads on Node 20; everything here holds for several.
 */
export class ProxyFleet {
  /** Live figures, read without asking anybody. */
  readonly counters: CounterReader;
  readonly #options: FleetOptions;
  readonly #members = new Set<Member>();
  readonly #turns = new SharedArrayBuffer(SLOTS * Int32Array.BYTES_PER_ELEMENT);
  #address: { host: string; port: number };
  #deaths = 0;
  #settled = 0;
  #stopping = false;
  #stopped: Promise<void> | undefined;
  #replacement: NodeJS.Timeout | undefined;

  /**
   * For a router that publishes to the fleet: it may do so from now on, also before and while `listen` runs.
   * `counters`: when slots are handed out before there is a fleet.
   */
  constructor(options: FleetOptions, counters = new CounterReader()) {
    this.#options = options;
    this.counters = counters;
    this.#address = { host: options.host, port: options.port };
  }

  /** A fleet that listens. Throws `listen.*`. */
  static async start(options: FleetOptions, counters?: CounterReader): Promise<ProxyFleet> {
    const fleet = new ProxyFleet(options, counters);
    await fleet.listen();
    return fleet;
  }

  /** Starts the workers; resolves when they listen. Throws `listen.*`. To be called once. */
  listen(): Promise<void> {
    return this.#startWorker();
  }

  /** Where it listens, with the port that was given for port 0. */
  get address(): { host: string; port: number } {
    return this.#address;
  }

  /** Which road to the kernel the workers take. */
  get transport(): 'net' {
    return 'net';
  }

  get workers(): number {
    return this.#members.size;
  }

  /** Hands a change of the routes to every worker; they swap their tables as soon as their loop turns. */
  publish(delta: RouteDelta): void {
    for (const member of this.#members) send(member, { type: 'routes', delta });
  }

  /** Instances that get no traffic at present, as any worker sees it. */
  ejections(): readonly Ejection[] {
    const all = new Map<string, Ejection>();
    for (const member of this.#members) for (const [id, ejection] of member.ejections) all.set(id, ejection);
    return [...all.values()];
  }

  /** Takes no more connections, lets what is under way finish for at most `patience` ms, ends the workers. Idempotent. */
  stop(patience = 0): Promise<void> {
    this.#stopped ??= this.#stop(patience);
    return this.#stopped;
  }

  async #stop(patience: number): Promise<void> {
    this.#stopping = true;
    clearTimeout(this.#replacement);
    await Promise.all(
      [...this.#members].map(async ({ worker }) => {
        const drained = new Promise<void>((resolve) => {
          worker.on('message', (message: FromWorker) => {
            if (message.type === 'drained') resolve();
          });
          worker.on('exit', () => resolve());
        });
        const late = new Promise<void>((resolve) => setTimeout(resolve, patience + 1_000).unref());
        worker.postMessage({ type: 'drain', patience } satisfies ToWorker);
        await Promise.race([drained, late]);
        await worker.terminate();
      }),
    );
  }

  async #startWorker(): Promise<void> {
    const { limits = {}, table, localAddress, snapshot, worker: url } = this.#options;
    const counters = createCounterBlock();
    const orders: WorkerOrders = {
      ...this.#address,
      limits,
      counters,
      turns: this.#turns,
      localAddress,
      table,
      routes: snapshot(),
    };
    const worker = new Worker(url ?? new URL('./proxy-worker.js', import.meta.url), { workerData: orders });
    const member: Member = { worker, counters, startedAt: Date.now(), applied: 0, ejections: new Map() };
    // Before it listens: deltas that are published meanwhile wait in its queue, behind the snapshot.
    this.#members.add(member);
    this.counters.add(counters);
    await new Promise<void>((resolve, reject) => {
      worker.on('message', (message: FromWorker) => {
        if (message.type === 'listening') resolve();
        if (message.type === 'failed') reject(new MusterError(message.code as ErrorCode, message.message));
        this.#hear(member, message);
      });
      worker.on('error', (error) => {
        this.#options.log.error('a proxy worker failed', { error: error.stack ?? error.message });
        reject(error);
      });
      worker.on('exit', () => {
        reject(new MusterError('internal', 'a proxy worker ended before it listened'));
        this.#lose(member);
      });
    });
  }

  #hear(member: Member, message: FromWorker): void {
    switch (message.type) {
      case 'listening':
        this.#address = { host: message.host, port: message.port };
        return;
      case 'applied': {
        member.applied = message.version;
        const version = Math.min(...[...this.#members].map(({ applied }) => applied));
        if (version > this.#settled) {
          this.#settled = version;
          this.#options.onApplied?.(version);
        }
        return;
      }
      case 'ejected': {
        const { id, host, port, why } = message.ejection;
        this.#options.log.warn('instance ejected', {
          instance: id,
          address: formatHostPort(host, port),
          why,
        });
        member.ejections.set(id, message.ejection);
        this.#options.onEjections?.(this.ejections());
        return;
      }
      case 'shortage':
        this.#options.log.warn(describeShortage(message.report));
        return;
      case 'returned':
        this.#options.log.info('instance no longer ejected', { instance: message.id });
        member.ejections.delete(message.id);
        this.#options.onEjections?.(this.ejections());
    }
  }

  /** A worker is gone: its counts are kept; unless we stop, another takes its place. */
  #lose(member: Member): void {
    this.#members.delete(member);
    this.counters.retire(member.counters);
    if (member.ejections.size > 0) this.#options.onEjections?.(this.ejections());
    if (this.#stopping || member.applied === 0) return;
    this.#deaths = Date.now() - member.startedAt > STEADY ? 0 : this.#deaths + 1;
    this.#replace();
  }

  #replace(): void {
    const delay = this.#deaths === 0 ? 0 : backoffDelay(REPLACE, this.#deaths - 1, Math.random());
    this.#options.log.error('a proxy worker died; starting another', { delay });
    this.#replacement = setTimeout(() => {
      this.#startWorker().catch((error: Error) => {
        this.#options.log.error('a proxy worker could not be started', { error: error.message });
        this.#deaths++;
        if (!this.#stopping) this.#replace();
      });
    }, delay);
  }
}

function send({ worker }: Member, message: ToWorker): void {
  worker.postMessage(message);
}
