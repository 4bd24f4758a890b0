import { isDeepStrictEqual } from 'node:util';
import type { Client, ServiceEntry } from '../client/index.ts';
import { messageOf } from '../errors.ts';
import type { Clock } from '../lib/clock.ts';
import type { Logger } from '../lib/log.ts';
import {
  type DiscoveredInstance,
  type Discovery,
  type InstanceChange,
  type InstanceListener,
  zoneOf,
} from './instance.ts';
import { DEFAULT_RULE, judgeChecks, type PassingRule } from './passing.ts';
import { REMOVALS, Removals } from './removals.ts';
import { ServiceWatches } from './service-watches.ts';
import { type AskOptions, followViews } from './views.ts';

export interface RegistryDiscoveryOptions extends Pick<AskOptions, 'consistency' | 'interval' | 'random'> {
  readonly client: Client;
  /** Only services with a tag that begins so are looked at. */
  readonly tagPrefix: string;
  readonly rule?: PassingRule;
  readonly clock: Clock;
  readonly log: Logger;
}

/**
 * Instances of all services that have a route tag, in any registry with Consul's HTTP API. The list of services is watched, and each
 * of those with such a tag on its own: a change of one costs one answer. What was known stays while the registry is away, and for a
 * while when it forgets too much at once (`removals.ts`).
 */
export function followRegistry(options: RegistryDiscoveryOptions, listener: InstanceListener): Discovery {
  const { client, tagPrefix, rule = DEFAULT_RULE, clock, log } = options;
  const known = new Map<string, ReadonlyMap<string, DiscoveredInstance>>();
  /**
   * Services that tell of an instance, by its id, the one that began last at the end, which counts: who is registered anew under another
   * name is for a moment in both, as each service answers on its own.
   */
  const tellers = new Map<string, string[]>();
  const removals = new Removals();
  /** Services of which instances are kept although the registry does not know them any more, with what it says. */
  const held = new Map<string, { cancel: () => void; entries: readonly ServiceEntry[] }>();
  const stopped = new AbortController();
  let isAway = false;
  /** Services whose first answer is due, of those of the first list. */
  const due = new Set<string>();
  let isListed = false;
  let becomeWhole = (): void => {};
  const whole = new Promise<void>((resolve) => {
    becomeWhole = resolve;
  });
  /** Name of the node whose agent answers. */
  let answering = '';
  const learnWhoAnswers = async (): Promise<void> => {
    const self = await client.agent.self({ signal: stopped.signal });
    answering = self.Config.NodeName;
  };
  const meet = (): void => {
    // Who may not be asked, or is away: then every node is judged by its checks alone.
    learnWhoAnswers().catch(() => {
      answering = '';
    });
  };
  const ask: AskOptions = {
    ...options,
    onTrouble(error) {
      if (isAway) return;
      isAway = true;
      log.warn('the registry does not answer; the routes stay as they are', { why: messageOf(error) });
    },
  };
  const isBack = (): void => {
    if (!isAway) return;
    isAway = false;
    log.info('the registry answers again');
    meet();
  };

  const look = (service: string, entries: readonly ServiceEntry[]): void => {
    isBack();
    const before = known.get(service) ?? new Map<string, DiscoveredInstance>();
    const after = new Map<string, DiscoveredInstance>();
    for (const entry of entries) {
      const instance = discovered(entry, rule, answering);
      after.set(instance.id, instance);
    }
    const gone = [...before].filter(([id]) => !after.has(id));
    const wait = held.get(service);
    if (wait !== undefined && gone.length === 0) letGo(service);
    else if (wait !== undefined || !removals.admits(gone.length, count(known), clock.now())) {
      if (wait === undefined) hold(service, gone.length);
      for (const [id, instance] of gone) after.set(id, instance);
      // When the time is over this is what is true, unless there is a later answer.
      held.get(service)!.entries = entries;
    }
    change(service, before, after);
    if (due.delete(service) && due.size === 0) becomeWhole();
  };

  const hold = (service: string, gone: number): void => {
    if (held.size === 0)
      log.warn('the registry has forgotten many instances at once; they are kept for a while', {
        service,
        gone,
        seconds: REMOVALS.patience / 1_000,
      });
    const cancel = clock.after(REMOVALS.patience, () => {
      const entries = held.get(service)?.entries ?? [];
      held.delete(service);
      const after = entries.map((entry) => discovered(entry, rule, answering));
      change(
        service,
        known.get(service) ?? new Map<string, DiscoveredInstance>(),
        new Map(after.map((instance) => [instance.id, instance])),
      );
    });
    held.set(service, { cancel, entries: [] });
  };

  const letGo = (service: string): void => {
    held.get(service)?.cancel();
    held.delete(service);
  };

  const beginTelling = (id: string, service: string): void => {
    tellers.set(id, [...(tellers.get(id) ?? []), service]);
  };

  const endTelling = (id: string, service: string): void => {
    const rest = (tellers.get(id) ?? []).filter((one) => one !== service);
    if (rest.length === 0) tellers.delete(id);
    else tellers.set(id, rest);
  };

  const change = (
    service: string,
    before: ReadonlyMap<string, DiscoveredInstance>,
    after: ReadonlyMap<string, DiscoveredInstance>,
  ): void => {
    const changes: InstanceChange[] = [];
    /** What counts of an instance of which this service says `own`. */
    const told = (id: string, own: DiscoveredInstance | undefined): DiscoveredInstance | undefined => {
      const teller = tellers.get(id)?.at(-1);
      if (teller === undefined || teller === service) return own;
      return known.get(teller)?.get(id);
    };
    let came = 0;
    for (const id of new Set([...before.keys(), ...after.keys()])) {
      const old = told(id, before.get(id));
      if (!before.has(id)) {
        beginTelling(id, service);
        came++;
      } else if (!after.has(id)) endTelling(id, service);
      const instance = told(id, after.get(id));
      if (!isDeepStrictEqual(old, instance)) changes.push({ id, before: old, after: instance });
    }
    removals.came(came);
    if (after.size === 0) known.delete(service);
    else known.set(service, after);
    if (changes.length > 0) listener(changes);
  };

  const watches = new ServiceWatches(client, ask, look);

  const lookAtServices = (services: Record<string, string[]>): void => {
    isBack();
    const wanted = new Set(routedServices(services, tagPrefix));
    if (isListed) watches.addBehind(wanted);
    else
      for (const service of wanted) {
        due.add(service);
        watches.add(service);
      }
    isListed = true;
    if (due.size === 0) becomeWhole();
    for (const service of watches.dropAllBut(wanted)) look(service, []);
  };

  let round = new AbortController();
  const followServices = (): void => {
    round = new AbortController();
    void followViews(
      {
        once: (read) => client.catalog.services(read),
        watch: (read) => client.catalog.watchServices(read),
      },
      (services) => {
        if (!stopped.signal.aborted) lookAtServices(services);
      },
      ask,
      round.signal,
    );
  };
  meet();
  followServices();

  return {
    *instances() {
      for (const [service, instances] of known)
        for (const [id, instance] of instances) if (tellers.get(id)?.at(-1) === service) yield instance;
    },
    whole,
    resync() {
      round.abort();
      watches.restart();
      followServices();
    },
    stop() {
      stopped.abort();
      for (const { cancel } of held.values()) cancel();
      round.abort();
      watches.stop();
    },
  };
}

function count(known: ReadonlyMap<string, ReadonlyMap<string, unknown>>): number {
  let sum = 0;
  for (const instances of known.values()) sum += instances.size;
  return sum;
}

/** The same once. Throws `client.*`. */
export async function registryInstances({
  client,
  tagPrefix,
  rule = DEFAULT_RULE,
}: Pick<RegistryDiscoveryOptions, 'client' | 'tagPrefix' | 'rule'>): Promise<DiscoveredInstance[]> {
  const { NodeName } = (await client.agent.self()).Config;
  const services = routedServices(await client.catalog.services(), tagPrefix);
  const entries = await Promise.all(services.map((service) => client.health.service(service)));
  return entries.flat().map((entry) => discovered(entry, rule, NodeName));
}

function routedServices(services: Readonly<Record<string, readonly string[]>>, tagPrefix: string): string[] {
  return Object.entries(services).flatMap(([name, tags]) =>
    tags.some((tag) => tag.trimStart().startsWith(tagPrefix)) ? [name] : [],
  );
}

function discovered(
  { Node: node, Service: service, Checks: checks }: ServiceEntry,
  rule: PassingRule,
  answering: string,
): DiscoveredInstance {
  const all = checks.map(({ CheckID, ServiceID, Name, Status, Notes }) => ({
    id: CheckID,
    serviceId: ServiceID,
    name: Name,
    status: Status,
    notes: Notes,
  }));
  const isWarning = checks.some(({ Status }) => Status === 'warning');
  const { Passing = 1, Warning = 1 } = service.Weights ?? {};
  return {
    id: `${node.Node}/${service.ID}`,
    service: service.Service,
    node: node.Node,
    serviceId: service.ID,
    host: service.Address === '' ? node.Address : service.Address,
    port: service.Port ?? 0,
    tags: service.Tags ?? [],
    meta: service.Meta ?? null,
    datacenter: node.Datacenter,
    weight: isWarning ? Warning : Passing,
    ...zoneOf(service.Meta, node.Meta),
    ...judgeChecks(all, rule, node.Node === answering),
  };
}
