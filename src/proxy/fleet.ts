import { randomInt, randomUUID } from 'node:crypto';
import { availableParallelism } from 'node:os';
import { RateTable } from '../balance/rate-limit.ts';
import { StateCells } from '../balance/shared-state.ts';
import { type ErrorCode, MusterError } from '../errors.ts';
import { Sockets } from '../lib/sockets.ts';
import type { TableOptions } from '../route/byte-table.ts';
import type { PoolDelta } from '../route/pool-spec.ts';
import type { RouteDelta } from '../route/spec.ts';
import { type Carriage, chooseTransport, type TransportChoice } from './choice.ts';
import { CounterReader, SLOTS } from './counters.ts';
import { type Delta, pack } from './deltas.ts';
import type { Ejection } from './ejector.ts';
import { AT_ONCE, type Farewell } from './farewell.ts';
import { FleetListeners } from './fleet-listeners.ts';
import { endedEarly, FleetMember } from './fleet-member.ts';
import { FleetReports, type ReportOptions } from './fleet-reports.ts';
import { completeLimits, type ProxyLimits } from './limits.ts';
import type { ListenAddress, ListenerSpec } from './listener-spec.ts';
import type { FromWorker, ToWorker } from './messages.ts';
import { WaitingCounts } from './neighbours.ts';
import { clientCeiling } from './open-files.ts';
import { Replacement } from './replacement.ts';
import type { ProxySettings } from './settings.ts';
import type { ChallengeAnswers, StoreSpec } from './tls/spec.ts';
import { TicketKeys } from './tls/ticket-keys.ts';
import { loadLibc } from './uring/libc.ts';

const NO_POOLS: PoolDelta = { version: 0, changed: [], removed: [] };

export interface FleetOptions extends ReportOptions {
  /** Default: as many as there are cores for this process, or one where the transport cannot share a port between threads. */
  workers?: number | undefined;
  /** Default: the better one of those that work here. */
  transport?: TransportChoice;
  /** Where every worker listens from the start; `open` and `close` change it later. */
  listeners: readonly ListenerSpec[];
  /** What to do with HTTP besides; `configure` changes it later. */
  settings?: ProxySettings;
  /** All routes, for a worker that starts. */
  snapshot: () => RouteDelta;
  limits?: Partial<ProxyLimits>;
  /** As the router has it. */
  table?: TableOptions;
  /** Own address for `by=` in Forwarded. */
  localAddress?: string;
  /** Where TCP and UDP go: all pools, for a worker that starts. */
  pools?: () => PoolDelta;
  /** The bundled worker; default: beside the bundle this runs from. */
  worker?: URL;
  /** Those of the process; default: each listener opens its own, and nobody hears of it. */
  sockets?: Sockets | undefined;
}

/** The main thread's handle on the proxy: starts workers, hands routes over, reads counters, replaces the dead. */
export class ProxyFleet {
  /** Live figures, read without asking anybody. */
  readonly counters: CounterReader;
  readonly #options: FleetOptions;
  readonly #members = new Set<FleetMember>();
  readonly #turns = new SharedArrayBuffer(SLOTS * Int32Array.BYTES_PER_ELEMENT);
  readonly #states = new StateCells(SLOTS);
  readonly #waiting = new WaitingCounts();
  readonly #name = `muster-proxy-${randomUUID()}`;
  readonly #rates = RateTable.memory(randomInt(2 ** 32));
  /** For cookies, unless the settings have one. */
  readonly #stickyKey = randomUUID();
  readonly #listeners: FleetListeners;
  readonly #replacement: Replacement;
  readonly #reports: FleetReports;
  readonly #stores = new Map<string, StoreSpec>();
  readonly #ticketKeys = new TicketKeys((keys) => this.#send({ type: 'ticket-keys', keys }));
  #challenges = 0;
  #settings: ProxySettings;
  #transport: TransportChoice = { name: 'net', why: 'nothing was chosen yet' };
  /** How many there are to be. */
  #workers = 1;
  #stopped: Promise<void> | undefined;

  /**
   * For a router that publishes to the fleet: it may do so from now on, also before and while `listen` runs.
   * `counters`: when slots are handed out before there is a fleet.
   */
  constructor(options: FleetOptions, counters = new CounterReader()) {
    this.#options = options;
    this.counters = counters;
    this.#settings = this.#complete(options.settings);
    this.#listeners = new FleetListeners(options.sockets ?? new Sockets());
    this.#reports = new FleetReports(this.#members, options);
    this.#replacement = new Replacement({
      start: () => this.#startWorker(),
      openMissing: () => this.#openMissing(),
      log: options.log,
    });
    for (const listener of options.listeners) this.#add(listener);
  }

  /** A fleet that listens. Throws `listen.*`. */
  static async start(options: FleetOptions, counters?: CounterReader): Promise<ProxyFleet> {
    const fleet = new ProxyFleet(options, counters);
    await fleet.listen();
    return fleet;
  }

  /** Starts the workers; resolves when they listen on all of their listeners. Throws `listen.*`. To be called once. */
  async listen(): Promise<void> {
    this.#transport = this.#options.transport ?? (await chooseTransport());
    this.#workers = this.#wanted();
    this.#warnOfFewFiles();
    // One finds out whether the port is free, and which it is; the others share it.
    const first = await this.#startFirst();
    const others = await Promise.allSettled(
      Array.from({ length: this.#workers - 1 }, () => this.#startWorker()),
    );
    const failed =
      first ?? others.map((one) => (one.status === 'rejected' ? one.reason : one.value)).find(Boolean);
    if (failed !== undefined) throw failed;
  }

  /** Better told at the start than by the first client that is refused for it. */
  #warnOfFewFiles(): void {
    const { maxConnections } = completeLimits(this.#options.limits);
    const clients = clientCeiling();
    if (clients < maxConnections)
      this.#options.log.warn('this process may open too few files for so many clients (ulimit -n)', {
        clients,
        'max-connections': maxConnections,
      });
  }

  async #startFirst(): Promise<Error | undefined> {
    const { name } = this.#transport;
    try {
      return await this.#startWorker();
    } catch (error) {
      if (this.#transport.name === name) throw error;
      // It was refused: there is another road.
      this.#workers = this.#wanted();
      return this.#startWorker();
    }
  }

  #wanted(): number {
    if (this.#transport.name === 'uring') return this.#options.workers ?? availableParallelism();
    const { workers = 1, log } = this.#options;
    if (workers > 1)
      log.warn('one worker carries all traffic: this transport cannot share a port between threads', {
        workers,
        transport: this.#transport.name,
        why: this.#transport.why,
      });
    return 1;
  }

  /** Where it listens, by listener, with the ports that were given for port 0. */
  get addresses(): ReadonlyMap<string, ListenAddress> {
    return this.#listeners.addresses;
  }

  /** Listens there too. Throws `listen.*`: then it does not, on any worker. */
  async open(listener: ListenerSpec): Promise<ListenAddress> {
    this.#add(listener);
    const failed = await this.#openMissing();
    if (failed !== undefined) {
      this.close(listener.id);
      throw failed;
    }
    return this.addresses.get(listener.id) ?? listener;
  }

  /** Takes no more connections there; the ones it has may go on for at most `patience` ms. */
  close(id: string, patience = 0): void {
    this.#listeners.remove(id);
    for (const member of this.#members) member.close(id, patience);
  }

  /** Which road to the kernel the workers take, why, and how many there are. */
  get carriage(): Carriage {
    const { name, why } = this.#transport;
    return { transport: name, why, workers: this.#members.size };
  }

  /** Hands a change of the routes to every worker: what comes from now on is routed by it. */
  publish(delta: RouteDelta): void {
    this.#change({ type: 'routes', delta });
  }

  /** Hands a change of the pools to every worker. */
  publishPools(delta: PoolDelta): void {
    this.#change({ type: 'pools', delta });
  }

  /** What the TLS listeners of a store show from now on. Open connections are not touched. */
  setCertificates(store: string, spec: StoreSpec): void {
    this.#stores.set(store, spec);
    this.#send({ type: 'certificates', store, spec });
  }

  /** What is answered to ACME authorities; resolves when every worker does so. */
  async setChallenges(answers: ChallengeAnswers): Promise<void> {
    const number = ++this.#challenges;
    await Promise.all([...this.#members].map((member) => member.answer(number, answers)));
  }

  /** Takes effect for requests that come when the workers have heard of it. */
  configure(settings: ProxySettings): void {
    this.#settings = this.#complete(settings);
    this.#send({ type: 'settings', settings: this.#settings });
  }

  /** All workers have to know each other's cookies. */
  #complete(settings: ProxySettings = {}): ProxySettings {
    return { stickyKey: this.#stickyKey, ...settings };
  }

  /** Instances that get no traffic at present, as any worker sees it. */
  ejections(): readonly Ejection[] {
    return this.#reports.ejections();
  }

  /** Takes no more connections, lets what is under way finish, ends the workers. Idempotent. */
  stop(farewell: Farewell = AT_ONCE): Promise<void> {
    this.#stopped ??= this.#stop(farewell);
    return this.#stopped;
  }

  async #stop(farewell: Farewell): Promise<void> {
    this.#ticketKeys.stop();
    this.#replacement.stop();
    // From here on only the workers have the sockets: once they take no more, clients are refused, and do not wait for nobody.
    this.#listeners.closeDoors();
    await Promise.all([...this.#members].map((member) => member.end(farewell)));
  }

  /** Resolves when the worker has told of all its listeners, with the first error among them. Rejects when it ends before. */
  async #startWorker(): Promise<Error | undefined> {
    const { limits = {}, table, localAddress, snapshot, pools = () => NO_POOLS, worker: url } = this.#options;
    const index = this.#freeIndex();
    const listeners = Array.from(this.#listeners.specs, (spec) =>
      this.#listeners.forWorker(spec, index, this.#workers),
    );
    const member = new FleetMember(url ?? new URL('./proxy-worker.js', import.meta.url), {
      transport: this.#transport.name,
      states: this.#states.shared,
      rates: this.#rates,
      listeners,
      limits,
      turns: this.#turns,
      neighbourhood: { name: this.#name, counts: this.#waiting.shared, index },
      localAddress,
      table,
      routes: snapshot(),
      pools: pools(),
      stores: this.#stores,
      ticketKeys: this.#ticketKeys.current,
      settings: this.#settings,
    });
    const { worker } = member;
    const opened = Promise.allSettled(listeners.map(({ id }) => member.told(id)));
    // Before it listens: deltas that are published meanwhile wait in its queue, behind the snapshot.
    this.#members.add(member);
    this.counters.add(member.counters);
    await new Promise<void>((resolve, reject) => {
      worker.on('message', (message: FromWorker) => {
        if (message.type === 'ready') resolve();
        this.#hear(member, message);
      });
      worker.on('error', (error) => {
        this.#options.log.error('a proxy worker failed', { error: error.stack ?? error.message });
        reject(error);
      });
      worker.on('exit', () => {
        reject(endedEarly());
        this.#lose(member);
      });
    });
    return firstError(await opened);
  }

  #freeIndex(): number {
    const taken = new Set([...this.#members].map(({ index }) => index));
    let index = 0;
    while (taken.has(index)) index++;
    return index;
  }

  /** Opens what a worker has not; resolves when all is told, with the first error. */
  async #openMissing(): Promise<Error | undefined> {
    const opened: Promise<void>[] = [];
    for (const spec of this.#listeners.specs) {
      for (const member of this.#members) {
        if (member.knows(spec.id)) continue;
        const heard = member.told(spec.id);
        opened.push(heard);
        member.send({ type: 'open', listener: this.#listeners.forWorker(spec, member.index, this.#workers) });
        // The first finds out which port it is.
        if (!this.addresses.has(spec.id)) await heard.catch(() => {});
      }
    }
    return firstError(await Promise.allSettled(opened));
  }

  #change(delta: Delta): void {
    const packed = pack(delta);
    for (const member of this.#members) member.change(packed);
  }

  /** To every worker. */
  #send(message: ToWorker): void {
    for (const member of this.#members) member.send(message);
  }

  #add(listener: ListenerSpec): void {
    this.#listeners.add(listener, () =>
      [...this.#members].flatMap((member) => member.descriptorsOf(listener.id)),
    );
  }

  #hear(member: FleetMember, message: FromWorker): void {
    switch (message.type) {
      case 'listening': {
        const { id, host, port, descriptors } = message;
        this.#listeners.found(id, { host, port });
        member.listens(id, descriptors);
        return;
      }
      case 'failed': {
        const { id, code, message: text } = message;
        member.fails(id, new MusterError(code as ErrorCode, text));
        return;
      }
      case 'ready':
        member.ready = true;
        return;
      case 'refused':
        member.refusal = message.why;
        return;
      default:
        this.#reports.hear(member, message);
    }
  }

  /** A worker is gone: its counts are kept; unless we stop, another takes its place. */
  #lose(member: FleetMember): void {
    this.#members.delete(member);
    this.#bury(member);
    member.abandon();
    this.#reports.lost(member);
    if (member.refusal !== undefined && this.#members.size === 0) this.#fallBack(member.refusal);
    if (member.ready) this.#replacement.died(Date.now() - member.startedAt);
  }

  /** Closes what it left open, and takes back what it alone would have taken back. */
  #bury({ index, estate, counters, ejections }: FleetMember): void {
    if (!estate.isEmpty) void loadLibc().then((libc) => estate.settle(libc));
    this.counters.retire(counters, (slot, inFlight) => this.#states.left(slot, inFlight));
    this.#waiting.forget(index);
    for (const { id, slot } of ejections.values())
      if (![...this.#members].some((other) => other.ejections.has(id))) this.#states.pardon(slot);
  }

  /** Without this transport: with Node's own sockets. */
  #fallBack(why: string): void {
    this.#transport = { name: 'net', why };
    this.#options.log.warn('going on with the sockets of Node: io_uring was refused', { why });
  }
}

function firstError(outcomes: readonly PromiseSettledResult<void>[]): Error | undefined {
  return outcomes.find((outcome) => outcome.status === 'rejected')?.reason;
}
