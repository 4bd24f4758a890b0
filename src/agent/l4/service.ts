import { Checks } from '../../discovery/checks.ts';
import type { DiscoveredInstance, Discovery, InstanceChange } from '../../discovery/instance.ts';
import { messageOf } from '../../errors.ts';
import type { Clock } from '../../lib/clock.ts';
import { compileGoRegexp } from '../../lib/go-regexp.ts';
import type { Logger } from '../../lib/log.ts';
import {
  BYTES_IN,
  BYTES_OUT,
  CONNECT_FAILURES,
  CONNECTIONS,
  type CounterReader,
  IN_FLIGHT,
  OPEN_CONNECTIONS,
} from '../../proxy/counters.ts';
import { choiceOf, type Emergency, emergencyOf, isFar, type Member as Judged } from '../../route/merge.ts';
import type { PoolKeeper, PoolTarget } from '../../route/pool-keeper.ts';
import { logEmergency } from '../../route/problem-log.ts';
import type { L4Plan } from './plan.ts';

/** Bytes as gobetween counts them: received from instances, transmitted to them. */
export interface Traffic {
  readonly received: number;
  readonly transmitted: number;
  /** In the last second. */
  readonly receivedPerSecond: number;
  readonly transmittedPerSecond: number;
}

export interface InstanceStats extends Traffic {
  readonly instance: DiscoveredInstance;
  /** Its checks say that it is well. */
  readonly isLive: boolean;
  /** It is in what its source lists; one that is not has connections that are not over yet. */
  readonly isDiscovered: boolean;
  /** Connections or sessions, since the start. */
  readonly connections: number;
  readonly active: number;
  readonly refused: number;
}

export interface ServiceStats extends Traffic {
  /** Clients at present. */
  readonly active: number;
  readonly instances: readonly InstanceStats[];
}

export interface ServiceParts {
  readonly keeper: PoolKeeper;
  readonly counters: CounterReader;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Logger;
}

interface Member {
  instance: DiscoveredInstance;
  isDiscovered: boolean;
}

/** How often (ms) bandwidths are computed. */
const SAMPLE = 1_000;

/** Follows the instances of one service, checks them and keeps its pool. */
export class L4Service {
  readonly plan: L4Plan;
  readonly #parts: ServiceParts;
  readonly #members = new Map<string, Member>();
  readonly #checks: Checks | undefined;
  readonly #discovery: Discovery;
  /** Rates by slot, of the last sample. */
  readonly #rates = new Map<number, Rate>();
  /** When each instance that gets traffic came, where they begin slowly; 0 for those of the start. Undefined before there were any. */
  #since: ReadonlyMap<string, number> | undefined;
  #emergency: Emergency | undefined;
  #cancel: () => void;
  #stopped = false;

  constructor(plan: L4Plan, parts: ServiceParts) {
    this.plan = plan;
    this.#parts = parts;
    const { clock, random, log } = parts;
    if (plan.check !== undefined)
      this.#checks = new Checks({ plan: plan.check, clock, random, log }, () => this.#publish());
    this.#publish();
    this.#discovery = plan.discover((changes) => this.#follow(changes));
    this.#cancel = clock.after(SAMPLE, () => this.#sample());
  }

  /** Place of its counters. */
  get slot(): number {
    return this.#parts.keeper.get(this.plan.name)?.slot ?? 0;
  }

  stats(): ServiceStats {
    const { counters } = this.#parts;
    const { slot } = this;
    return {
      ...this.#traffic(slot),
      active: counters.field(slot, OPEN_CONNECTIONS),
      instances: [...this.#members.values()].map((member) => this.#statsOf(member)),
    };
  }

  /** Idempotent; the pool is gone, connections that are open are not touched. */
  stop(): void {
    if (this.#stopped) return;
    this.#stopped = true;
    this.#cancel();
    this.#discovery.stop();
    this.#checks?.stop();
    const { keeper } = this.#parts;
    keeper.delete(this.plan.name);
    for (const id of this.#members.keys()) keeper.forget(this.plan.name, id);
  }

  #follow(changes: readonly InstanceChange[]): void {
    for (const { id, after } of changes) {
      const known = this.#members.get(id);
      if (after !== undefined) {
        this.#members.set(id, { instance: after, isDiscovered: true });
        this.#checks?.add(after);
        this.#look(after);
      } else if (known !== undefined) {
        known.isDiscovered = false;
        this.#checks?.remove(id);
      }
    }
    this.#forget();
    this.#publish();
  }

  /** What is wrong with an instance does not stop the others. */
  #look({ id, serverName = '' }: DiscoveredInstance): void {
    if (this.plan.names?.matching !== 'regexp') return;
    try {
      compileGoRegexp(serverName);
    } catch (error) {
      this.#parts.log.warn('an instance whose server name is no regular expression gets no traffic', {
        instance: id,
        name: serverName,
        why: messageOf(error),
      });
    }
  }

  #publish(): void {
    if (this.#stopped) return;
    const { name, strategy, names, listener, options, zone = '' } = this.plan;
    const members = [...this.#members.values()].flatMap((member) => this.#judged(member) ?? []);
    const emergency = emergencyOf(members);
    if ((emergency === undefined) !== (this.#emergency === undefined))
      logEmergency(this.#parts.log, 'service', name, emergency);
    this.#emergency = emergency;
    const isUsed = ({ out, doubt }: DiscoveredInstance) =>
      out === '' || (emergency !== undefined && doubt === 'failing');
    const usable = members.filter(({ instance }) => isUsed(instance));
    const weights = usable.map(({ instance }) => this.#shareOf(instance).weight);
    const choice = choiceOf(usable, weights, members, zone);
    const since = this.#begins(usable, choice?.slowStart ?? 0);
    const targets = new Map<string, PoolTarget>();
    for (const { instance } of usable) {
      const { id, host, port, serverName = '' } = instance;
      const { maxConnections = instance.maxConnections ?? 0 } = options ?? {};
      targets.set(id, {
        host,
        port,
        ...this.#shareOf(instance),
        maxConnections,
        serverName,
        tls: this.plan.upstreamTls,
        ...(since?.get(id) === undefined ? {} : { since: since.get(id) }),
        ...(choice?.zone !== undefined && isFar(instance, zone) ? { far: true } : {}),
      });
    }
    // Connections are left alone in any case; who sends datagrams may be led away from an instance.
    const datagrams = listener.protocol === 'udp';
    const draining = members.flatMap(({ instance }) => (instance.drains === true ? [instance.id] : []));
    this.#parts.keeper.set({
      id: name,
      datagrams,
      strategy,
      choice,
      rates: options?.rates,
      names,
      targets,
      ...(datagrams && draining.length > 0 ? { draining: draining.sort() } : {}),
    });
  }

  /** What is known of an instance; undefined when it is only kept for its connections. */
  #judged({ instance, isDiscovered }: Member): Judged | undefined {
    if (!isDiscovered) return undefined;
    const { slowStart = 0, panic = 0 } = this.plan.options ?? {};
    const traffic = {
      ...(slowStart === 0 ? {} : { slowStart }),
      ...(panic === 0 ? {} : { panic }),
    };
    const told = this.#checks?.judged(instance) ?? instance;
    return { instance: told, tag: { traffic }, out: told.out, isDeleted: false };
  }

  #shareOf({ weight, priority = 0 }: DiscoveredInstance): { weight: number; priority: number } {
    return this.plan.isWeighted ? { weight, priority } : { weight: 1, priority: 0 };
  }

  /** When those who came later than the first ones did so. */
  #begins(usable: readonly Judged[], slowStart: number): ReadonlyMap<string, number> | undefined {
    if (slowStart === 0 || (this.#since === undefined && usable.length === 0)) return undefined;
    const before = this.#since;
    const now = before === undefined ? 0 : this.#parts.clock.now();
    this.#since = new Map(usable.map(({ instance: { id } }) => [id, before?.get(id) ?? now]));
    return this.#since;
  }

  /** Members that are gone and have no connections any more. */
  #forget(): void {
    const { keeper, counters } = this.#parts;
    for (const [id, { isDiscovered }] of this.#members) {
      if (isDiscovered) continue;
      const slot = keeper.slotOf(this.plan.name, id);
      if (counters.field(slot, IN_FLIGHT) > 0) continue;
      this.#members.delete(id);
      this.#rates.delete(slot);
      keeper.forget(this.plan.name, id);
    }
  }

  #sample(): void {
    const { clock, keeper } = this.#parts;
    this.#cancel = clock.after(SAMPLE, () => this.#sample());
    this.#forget();
    this.#measure(this.slot);
    for (const id of this.#members.keys()) this.#measure(keeper.slotOf(this.plan.name, id));
  }

  #measure(slot: number): void {
    const { clock, counters } = this.#parts;
    const now = clock.now();
    const received = counters.field(slot, BYTES_OUT);
    const transmitted = counters.field(slot, BYTES_IN);
    const last = this.#rates.get(slot);
    const seconds = last === undefined ? 0 : (now - last.at) / 1_000;
    const rate = (total: number, before: number) =>
      seconds > 0 ? Math.round((total - before) / seconds) : 0;
    this.#rates.set(slot, {
      at: now,
      received,
      transmitted,
      receivedPerSecond: rate(received, last?.received ?? received),
      transmittedPerSecond: rate(transmitted, last?.transmitted ?? transmitted),
    });
  }

  #traffic(slot: number): Traffic {
    const { counters } = this.#parts;
    const { receivedPerSecond = 0, transmittedPerSecond = 0 } = this.#rates.get(slot) ?? {};
    const received = counters.field(slot, BYTES_OUT);
    const transmitted = counters.field(slot, BYTES_IN);
    return { received, transmitted, receivedPerSecond, transmittedPerSecond };
  }

  #statsOf({ instance, isDiscovered }: Member): InstanceStats {
    const { counters, keeper } = this.#parts;
    const slot = keeper.slotOf(this.plan.name, instance.id);
    return {
      ...this.#traffic(slot),
      instance,
      isLive: this.#checks?.isHealthy(instance.id) ?? true,
      isDiscovered,
      connections: counters.field(slot, CONNECTIONS),
      active: counters.field(slot, IN_FLIGHT),
      refused: counters.field(slot, CONNECT_FAILURES),
    };
  }
}

interface Rate extends Traffic {
  readonly at: number;
}
