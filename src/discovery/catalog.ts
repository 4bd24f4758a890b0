import { isDeepStrictEqual } from 'node:util';
import type { Catalog } from '../catalog/catalog.ts';
import type { ChangeBatch } from '../catalog/feed.ts';
import type { Service } from '../catalog/rows.ts';
import { fold, serviceKey } from '../catalog/tables.ts';
import { addressOf, aggregate, instanceOf } from '../catalog/views.ts';
import {
  type Concerns,
  type DiscoveredInstance,
  type Discovery,
  type InstanceChange,
  type InstanceListener,
  zoneOf,
} from './instance.ts';
import { DEFAULT_RULE, judgeChecks, type PassingRule } from './passing.ts';

export interface CatalogDiscoveryOptions {
  readonly catalog: Catalog;
  readonly rule?: PassingRule;
  /** Which services are followed. Default: all. */
  readonly concerns?: Concerns;
}

/**
 * Instances of this process's own catalog: listed at the start, then followed by its change feed, in the tick of
 * the commit. Only instances that a batch touches are looked at again, and each is looked at as it is now: what
 * the batch says is a hint where to look, never the truth itself.
 */
export function followCatalog(
  { catalog, rule = DEFAULT_RULE, concerns = () => true }: CatalogDiscoveryOptions,
  listener: InstanceListener,
): Discovery {
  /** By key of the service's row. */
  const known = new Map<string, DiscoveredInstance>();

  const look = (keys: Iterable<string>): void => {
    const changes: InstanceChange[] = [];
    for (const key of keys) {
      const before = known.get(key);
      const row = catalog.get('services', key);
      const after = row === undefined || !concerns(row) ? undefined : discovered(catalog, row, rule);
      if (before === undefined ? after === undefined : isDeepStrictEqual(before, after)) continue;
      if (after === undefined) known.delete(key);
      else known.set(key, after);
      if (before !== undefined && after !== undefined && before.id === after.id)
        changes.push({ id: after.id, before, after });
      else {
        // A node that changes the case of its name: the same row, another id.
        if (before !== undefined) changes.push({ id: before.id, before, after: undefined });
        if (after !== undefined) changes.push({ id: after.id, before: undefined, after });
      }
    }
    if (changes.length > 0) listener(changes);
  };
  const everything = (): Set<string> => {
    const keys = new Set(known.keys());
    for (const row of catalog.all('services')) if (concerns(row)) keys.add(serviceKey(row.node, row.id));
    return keys;
  };

  // Subscribed before listing, both in one tick: nothing can happen in between.
  const unsubscribe = catalog.feed.subscribe((batch) => look(touchedServices(batch, catalog)));
  look(everything());
  return {
    instances: () => known.values(),
    resync: () => look(everything()),
    reconsider: () => look(everything()),
    stop: unsubscribe,
  };
}

/** Keys of the services rows that the batch bears on. */
export function touchedServices(batch: ChangeBatch, catalog: Catalog): Set<string> {
  const keys = new Set<string>();
  const ofNode = (node: string) => {
    for (const service of catalog.list('services', 'node', fold(node)))
      keys.add(serviceKey(service.node, service.id));
  };
  for (const change of batch.changes) {
    switch (change.table) {
      case 'services':
        keys.add(change.key);
        break;
      case 'checks':
        for (const row of [change.before, change.after]) {
          if (row === undefined) continue;
          if (row.serviceId === '') ofNode(row.node);
          else keys.add(serviceKey(row.node, row.serviceId));
        }
        break;
      case 'nodes':
        for (const row of [change.before, change.after]) if (row !== undefined) ofNode(row.name);
        break;
    }
  }
  return keys;
}

function discovered(catalog: Catalog, row: Service, rule: PassingRule): DiscoveredInstance | undefined {
  const instance = instanceOf(catalog, row);
  if (instance === undefined) return undefined;
  const { node, service, checks } = instance;
  const isWarning = aggregate(checks) === 'warning';
  return {
    id: `${service.node}/${service.id}`,
    service: service.name,
    node: service.node,
    serviceId: service.id,
    host: addressOf(instance),
    port: service.port,
    tags: service.tags,
    meta: service.meta,
    datacenter: node.datacenter,
    weight: isWarning ? service.weights.warning : service.weights.passing,
    ...zoneOf(service.meta, node.meta),
    ...judgeChecks(checks, rule),
  };
}
