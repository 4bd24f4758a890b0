import { compareUtf8 } from '../lib/order.ts';
import type { Catalog } from './catalog.ts';
import type { Service } from './rows.ts';
import { topic } from './topics.ts';

/** A service under one of its spellings, with the tags of its instances in the order in which they have them first. */
export type NamedTags = readonly [name: string, tags: readonly string[]];

interface Known {
  /** Of the service's topic. */
  readonly index: number;
  readonly spellings: readonly NamedTags[];
}

/**
 * All services by name with the tags of their instances. Those of a service are looked at again only after a change
 * that concerns it: among 172,000 instances, looking at all of them for one took 60 ms.
 */
export class ServiceTags {
  readonly #catalog: Catalog;
  /** By folded name. */
  #known = new Map<string, Known>();

  constructor(catalog: Catalog) {
    this.#catalog = catalog;
  }

  /** In the order of their names. */
  all(): NamedTags[] {
    const catalog = this.#catalog;
    const now = new Map<string, Known>();
    const all: NamedTags[] = [];
    for (const folded of catalog.values('services', 'name')) {
      const index = catalog.indexOf(topic.service(folded));
      let entry = this.#known.get(folded);
      if (entry?.index !== index)
        entry = { index, spellings: tagsByName(catalog.list('services', 'name', folded)) };
      now.set(folded, entry);
      all.push(...entry.spellings);
    }
    this.#known = now;
    return all.sort(([a], [b]) => compareUtf8(a, b));
  }
}

/** The same for some instances, in the order in which the names occur. */
export function tagsByName(services: Iterable<Pick<Service, 'name' | 'tags'>>): NamedTags[] {
  const byName = new Map<string, Set<string>>();
  for (const { name, tags } of services) {
    let known = byName.get(name);
    if (known === undefined) {
      known = new Set();
      byName.set(name, known);
    }
    for (const tag of tags) known.add(tag);
  }
  return [...byName].map(([name, tags]) => [name, [...tags]]);
}
