/**
 * Dependencies followed by this process's own change feed: what changed is looked at again, in the tick of the commit, and
 * what did not keeps its value, so that a change in one of 10,000 instances costs as much as one instance.
 */

import type { Catalog } from '../../catalog/catalog.ts';
import type { ChangeBatch } from '../../catalog/feed.ts';
import { sortByDistance } from '../../catalog/near.ts';
import type { Check, KvEntry, Node as NodeRow, Service } from '../../catalog/rows.ts';
import { fold, nodeKey, serviceKey } from '../../catalog/tables.ts';
import { topic } from '../../catalog/topics.ts';
import { type Instance, instanceOf } from '../../catalog/views.ts';
import type { CatalogNode, NodeEntry, ServiceEntry } from '../../client/index.ts';
import { touchedServices } from '../../discovery/catalog.ts';
import { MusterError } from '../../errors.ts';
import type { Dependency } from '../dependencies/dependency.ts';
import { HealthService, KeyPair, listOf } from '../dependencies/values.ts';
import { fromBytes, type Value } from '../language/index.ts';
import { followFile } from './files.ts';
import type { Follower, Source } from './source.ts';
import { accepts, dependencyValue, instanceValue, pairValue, stateOf } from './wire.ts';

export interface CatalogSourceOptions {
  readonly catalog: Catalog;
  /** This node's name and datacenter. */
  readonly node: string;
  readonly datacenter: string;
}

/** Between two looks at what cannot be had here (ms); it is said each time. */
const RETRY = 60_000;

export class CatalogSource implements Source {
  readonly #options: CatalogSourceOptions;

  constructor(options: CatalogSourceOptions) {
    this.#options = options;
  }

  follow(dependency: Dependency, follower: Follower): () => void {
    if (dependency.kind === 'file') return followFile(dependency.path, follower);
    const { catalog, datacenter } = this.#options;
    if (
      dependency.kind !== 'datacenters' &&
      dependency.datacenter !== '' &&
      dependency.datacenter !== datacenter
    ) {
      const message = `this agent knows datacenter ${datacenter} only; ask an agent of ${dependency.datacenter} with \`muster template -consul-addr\``;
      follower.trouble(new MusterError('request.invalid', message), RETRY);
      return () => {};
    }
    const view =
      dependency.kind === 'service' ? new ServiceView(dependency, this.#options) : this.#view(dependency);
    const look = (batch: ChangeBatch | undefined): void => {
      const value = view.value(batch);
      if (value === undefined) follower.absent?.();
      else follower.value(value);
    };
    // Subscribed before the first look, both in one tick: nothing can happen in between.
    const unsubscribe = catalog.feed.subscribe((batch) => {
      if (view.concerns(batch)) look(batch);
    });
    look(undefined);
    return unsubscribe;
  }

  #view(dependency: Exclude<Dependency, { kind: 'service' | 'file' }>): View {
    const { catalog, datacenter, node: own } = this.#options;
    const on = (name: string, look: () => unknown): View => ({
      concerns: ({ topics }) => topics.has(name),
      value: () => dependencyValue(dependency, look()),
    });
    switch (dependency.kind) {
      case 'services':
        return on(topic.services, () => servicesOf(catalog));
      case 'nodes':
        return on(topic.nodes, () => {
          const rows = catalog.all('nodes');
          if (dependency.near !== '')
            sortByDistance(catalog, { own, source: ownName(dependency.near, own) }, rows, ({ name }) => name);
          return rows.map(nodeEntry);
        });
      case 'node': {
        const name = dependency.name === '' ? own : dependency.name;
        return on(topic.node(name), () => nodeWithServices(catalog, name));
      }
      case 'datacenters':
        return { concerns: () => false, value: () => dependencyValue(dependency, [datacenter]) };
      case 'key':
        return {
          concerns: ({ topics }) => topics.has(topic.key(dependency.key)),
          value: () => {
            const entry = catalog.get('kv', dependency.key);
            if (entry === undefined) return dependency.mustExist ? undefined : null;
            return fromBytes(entry.value);
          },
        };
      case 'pairs': {
        const { prefix } = dependency;
        return {
          concerns: ({ changes }) =>
            changes.some(({ table, key }) => table === 'kv' && key.startsWith(prefix)),
          value: () =>
            listOf(
              KeyPair,
              catalog.prefix('kv', prefix).map((entry) => pair(prefix, entry)),
            ),
        };
      }
    }
  }
}

/** One dependency over the catalog. */
interface View {
  concerns(batch: ChangeBatch): boolean;
  /** After a batch; undefined: at the beginning. Answers undefined while there is no value. */
  value(batch: ChangeBatch | undefined): Value | undefined;
}

const ownName = (near: string, own: string): string => (near === '_agent' ? own : near);

/** The instances of a service, each with the value it has in templates, in order. */
class ServiceView implements View {
  readonly #dependency: Dependency & { kind: 'service' };
  readonly #options: CatalogSourceOptions;
  readonly #topicName: string;
  /** By the key of the service's row; sorted by node and id. */
  #sorted: { key: string; node: string; id: string; value: Value }[] = [];

  constructor(dependency: Dependency & { kind: 'service' }, options: CatalogSourceOptions) {
    this.#dependency = dependency;
    this.#options = options;
    this.#topicName = topic.service(dependency.name);
  }

  concerns({ topics }: ChangeBatch): boolean {
    return topics.has(this.#topicName);
  }

  value(batch: ChangeBatch | undefined): Value {
    const { catalog, node: own } = this.#options;
    const { name, near } = this.#dependency;
    if (batch === undefined) {
      this.#sorted = catalog.list('services', 'name', fold(name)).flatMap((row) => this.#entry(row) ?? []);
      this.#sorted.sort(inOrder);
    } else for (const key of touchedServices(batch, catalog)) this.#look(key);
    const entries =
      near === ''
        ? this.#sorted
        : sortByDistance(catalog, { own, source: ownName(near, own) }, [...this.#sorted], ({ node }) => node);
    return listOf(
      HealthService,
      entries.map(({ value }) => value),
    );
  }

  /** Looks at one instance again. */
  #look(key: string): void {
    const row = this.#options.catalog.get('services', key);
    const at = this.#sorted.findIndex((entry) => entry.key === key);
    const entry =
      row === undefined || fold(row.name) !== fold(this.#dependency.name) ? undefined : this.#entry(row);
    if (entry === undefined) {
      if (at !== -1) this.#sorted.splice(at, 1);
    } else if (at !== -1 && inOrder(this.#sorted[at] as Ordered, entry) === 0) this.#sorted[at] = entry;
    else {
      if (at !== -1) this.#sorted.splice(at, 1);
      const place = this.#sorted.findIndex((other) => inOrder(other, entry) > 0);
      this.#sorted.splice(place === -1 ? this.#sorted.length : place, 0, entry);
    }
  }

  #entry(row: Service): { key: string; node: string; id: string; value: Value } | undefined {
    const { tag, filters } = this.#dependency;
    if (tag !== '' && !row.tags.some((one) => fold(one) === fold(tag))) return undefined;
    const instance = instanceOf(this.#options.catalog, row);
    if (instance === undefined) return undefined;
    const entry = serviceEntry(instance);
    const state = stateOf(entry.Checks);
    if (!accepts(filters, state)) return undefined;
    return {
      key: serviceKey(row.node, row.id),
      node: row.node,
      id: row.id,
      value: instanceValue(entry, state),
    };
  }
}

interface Ordered {
  readonly node: string;
  readonly id: string;
}

function inOrder(a: Ordered, b: Ordered): number {
  if (a.node !== b.node) return a.node < b.node ? -1 : 1;
  return a.id < b.id ? -1 : a.id > b.id ? 1 : 0;
}

function serviceEntry({ node, service, checks }: Instance): ServiceEntry {
  return { Node: nodeEntry(node), Service: agentService(service), Checks: checks.map(checkEntry) };
}

function nodeEntry(node: NodeRow): NodeEntry {
  return {
    ID: node.id,
    Node: node.name,
    Address: node.address,
    Datacenter: node.datacenter,
    TaggedAddresses: node.taggedAddresses,
    Meta: node.meta,
    CreateIndex: node.createIndex,
    ModifyIndex: node.modifyIndex,
  };
}

function agentService(service: Service): ServiceEntry['Service'] {
  const addresses = Object.entries(service.taggedAddresses ?? {});
  return {
    ID: service.id,
    Service: service.name,
    Tags: [...service.tags],
    Meta: service.meta ?? {},
    Port: service.port,
    Address: service.address,
    TaggedAddresses: Object.fromEntries(
      addresses.map(([name, { address, port }]) => [name, { Address: address, Port: port }]),
    ),
    Weights: { Passing: service.weights.passing, Warning: service.weights.warning },
    EnableTagOverride: service.enableTagOverride,
  };
}

function checkEntry(check: Check): ServiceEntry['Checks'][number] {
  return {
    Node: check.node,
    CheckID: check.id,
    Name: check.name,
    Status: check.status,
    Notes: check.notes,
    Output: check.output,
    ServiceID: check.serviceId,
    ServiceName: check.serviceName,
    ServiceTags: [...check.serviceTags],
    Type: check.type,
    CreateIndex: check.createIndex,
    ModifyIndex: check.modifyIndex,
  };
}

function servicesOf(catalog: Catalog): Record<string, string[]> {
  const tags = new Map<string, Set<string>>();
  for (const service of catalog.all('services')) {
    const all = tags.get(service.name) ?? new Set();
    tags.set(service.name, all);
    for (const tag of service.tags) all.add(tag);
  }
  return Object.fromEntries([...tags].map(([name, all]) => [name, [...all]]));
}

function nodeWithServices(catalog: Catalog, name: string): CatalogNode | null {
  const node = catalog.get('nodes', nodeKey(name));
  if (node === undefined) return null;
  const services = catalog.list('services', 'node', fold(name));
  return {
    Node: nodeEntry(node),
    Services: Object.fromEntries(services.map((service) => [service.id, agentService(service)])),
  };
}

function pair(prefix: string, entry: KvEntry): Value {
  return pairValue(prefix, entry.key, fromBytes(entry.value), {
    CreateIndex: entry.createIndex,
    ModifyIndex: entry.modifyIndex,
    LockIndex: entry.lockIndex,
    Flags: entry.flags,
    Session: entry.session,
  });
}
