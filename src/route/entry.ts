import type { StrategyName } from '../balance/strategies.ts';
import type { DiscoveredInstance } from '../discovery/instance.ts';
import { formatHostPort } from '../lib/host-port.ts';
import type { RouteSpec, TargetSpec } from './spec.ts';
import { type RouteTag, targetUrl } from './tag.ts';
import type { RouteProblem, RouteView, TargetView } from './view.ts';
import { sharesOf, type Weighted, weightsOf } from './weights.ts';

/** One instance behind a route, by one of its tags. */
export interface Destination {
  readonly instance: DiscoveredInstance;
  readonly tag: RouteTag;
  readonly slot: number;
  /** As `TargetView.obstacle`. */
  readonly obstacle: string;
  /** Tags that make no routes. */
  readonly otherTags: readonly string[];
}

export interface EntrySettings {
  readonly strategy: StrategyName;
  /** Whether the route stays, and answers 503, when none of its instances can take a request. */
  readonly staysEmpty: boolean;
}

/** A route on the main thread: all that contributes to it. What the workers get is computed from this. */
export class Entry {
  readonly id: string;
  readonly host: string;
  readonly path: string;
  readonly slot: number;
  readonly #settings: EntrySettings;
  /** By instance id. */
  readonly #destinations = new Map<string, Destination>();
  #view: RouteView | undefined;
  /** What the workers have of it. */
  published: RouteSpec | undefined;

  constructor(place: { id: string; host: string; path: string; slot: number }, settings: EntrySettings) {
    this.id = place.id;
    this.host = place.host;
    this.path = place.path;
    this.slot = place.slot;
    this.#settings = settings;
  }

  get isEmpty(): boolean {
    return this.#destinations.size === 0;
  }

  /** False when another tag of the instance already leads here; the newer one counts. */
  set(destination: Destination): boolean {
    const isNew = !this.#destinations.has(destination.instance.id);
    this.#destinations.set(destination.instance.id, destination);
    this.#view = undefined;
    return isNew;
  }

  delete(instance: string): void {
    this.#destinations.delete(instance);
    this.#view = undefined;
  }

  /** What the workers should have of it; undefined when it is not in force. */
  spec(): RouteSpec | undefined {
    const usable = this.#usable();
    if (usable.length === 0 && !this.#holdsItsPlace()) return undefined;
    const weights = weightsOf(usable.map(weighted));
    const targets = usable.map(
      ({ instance: { id, host, port }, slot }, i): TargetSpec => ({
        id,
        host,
        port,
        weight: weights[i] ?? 0,
        slot,
      }),
    );
    const { id, host, path, slot } = this;
    const { strategy } = this.#settings;
    return { id, service: this.#service(), host, path, strip: this.#strip(), strategy, slot, targets };
  }

  view(): RouteView {
    this.#view ??= this.#makeView();
    return this.#view;
  }

  /** Instances that ask for another `strip=` than most: a request is rewritten before its instance is chosen. */
  conflicts(): RouteProblem[] {
    const strip = this.#strip();
    return this.#usable()
      .filter(({ tag }) => tag.strip !== strip)
      .map(({ instance, tag }) => ({
        service: instance.service,
        instance: instance.id,
        tag: tag.tag,
        reason: `the other instances of ${this.id} say strip=${strip}, which is used for all`,
      }));
  }

  #usable(): Destination[] {
    const usable: Destination[] = [];
    for (const destination of this.#destinations.values())
      if (destination.instance.out === '' && destination.obstacle === '') usable.push(destination);
    return usable;
  }

  /**
   * Whether the route stays though nobody can take a request: then it is answered 503. Healthy instances that the data
   * path cannot serve as their tag asks (an access rule, another path) hold the place in any case: the next best route
   * would send the request past the rule. TCP routes only share the list with those for HTTP.
   */
  #holdsItsPlace(): boolean {
    for (const { instance, tag } of this.#destinations.values())
      if (tag.protocol !== 'tcp' && (instance.out === '' || this.#settings.staysEmpty)) return true;
    return false;
  }

  #service(): string {
    const names = new Set<string>();
    for (const { instance } of this.#destinations.values()) names.add(instance.service);
    return [...names].sort().join(', ');
  }

  /** What most say; among equals the first by the alphabet, so that all nodes agree. */
  #strip(): string {
    const counts = new Map<string, number>();
    for (const { tag } of this.#usable()) counts.set(tag.strip, (counts.get(tag.strip) ?? 0) + 1);
    const [most] = [...counts].sort(([a, x], [b, y]) => y - x || (a < b ? -1 : 1));
    return most?.[0] ?? '';
  }

  #makeView(): RouteView {
    const all = [...this.#destinations.values()];
    const healthy = all.filter(({ instance }) => instance.out === '');
    const shares = sharesOf(weightsOf(healthy.map(weighted)));
    const shareOf = new Map(healthy.map(({ instance }, i) => [instance.id, shares[i] ?? 0]));
    const targets = all.map(
      ({ instance, tag, slot, obstacle, otherTags }): TargetView => ({
        instance: instance.id,
        service: instance.service,
        node: instance.node,
        serviceId: instance.serviceId,
        host: instance.host,
        port: instance.port,
        url: targetUrl(tag.protocol, formatHostPort(instance.host, instance.port)),
        share: shareOf.get(instance.id) ?? 0,
        fixedWeight: tag.weight,
        options: tag.options,
        tags: otherTags,
        slot,
        out: instance.out,
        obstacle,
      }),
    );
    const { id, host, path, slot } = this;
    return {
      id,
      host,
      path,
      service: this.#service(),
      strategy: this.#settings.strategy,
      strip: this.#strip(),
      slot,
      isInForce: this.spec() !== undefined,
      targets,
    };
  }
}

function weighted({ tag, instance }: Destination): Weighted {
  return { fixed: tag.weight, relative: instance.weight };
}
