import type { StrategyName } from '../balance/strategies.ts';
import type { DiscoveredInstance } from '../discovery/instance.ts';
import { formatHostPort } from '../lib/host-port.ts';
import { type HandlingSpec, handlingKey, PLAIN_HANDLING } from './handling.ts';
import { judge, type Overrides, type Verdict } from './overrides.ts';
import type { RouteSpec, TargetSpec } from './spec.ts';
import { type RouteTag, targetUrl } from './tag.ts';
import type { RouteView, TargetView } from './view.ts';
import { sharesOf, type Weighted, weightsOf } from './weights.ts';

/** One instance behind a route, by one of its tags or by a command. */
export interface Destination {
  readonly instance: DiscoveredInstance;
  readonly tag: RouteTag;
  readonly slot: number;
  /** As `TargetView.obstacle`. */
  readonly obstacle: string;
  /** Tags that make no routes. */
  readonly otherTags: readonly string[];
  /** Line of the command that added it; 0 for a tag. */
  readonly line: number;
}

export interface EntrySettings {
  readonly strategy: StrategyName;
  /** Whether the route stays, and answers 503, when none of its instances can take a request. */
  readonly staysEmpty: boolean;
  /** Commands in force. */
  readonly overrides: () => Overrides;
}

export interface EntryPlace {
  readonly kind: RouteSpec['kind'];
  readonly host: string;
  readonly path: string;
  readonly slot: number;
}

/** A destination with what the commands say about it. */
interface Judged extends Destination {
  readonly verdict: Verdict;
  /** Why it gets nothing though nothing stands in the way; "" when it does. */
  readonly out: string;
}

/** The key of a route among all. */
export function entryKey({ kind, host, path }: Omit<EntryPlace, 'slot'>): string {
  return kind === 'tcp' ? `tcp ${host}${path}` : `${host}${path}`;
}

/** A route on the main thread: all that contributes to it. What the workers get is computed from this. */
export class Entry {
  readonly key: string;
  /** Host and path. */
  readonly id: string;
  readonly place: EntryPlace;
  readonly #settings: EntrySettings;
  /** By instance id. */
  readonly #destinations = new Map<string, Destination>();
  #view: RouteView | undefined;
  /** What the workers have of it. */
  published: RouteSpec | undefined;

  constructor(place: EntryPlace, settings: EntrySettings) {
    this.key = entryKey(place);
    this.id = `${place.host}${place.path}`;
    this.place = place;
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

  /** The commands changed. */
  rejudge(): void {
    this.#view = undefined;
  }

  /** What the workers should have of it; undefined when it is not in force. */
  spec(): RouteSpec | undefined {
    const judged = this.#judged();
    const usable = judged.filter(({ out, obstacle }) => out === '' && obstacle === '');
    if (usable.length === 0 && !this.#holdsItsPlace(judged)) return undefined;
    const weights = weightsOf(usable.map(weighted));
    const handlings: HandlingSpec[] = [];
    const armOf = new Map<string, number>();
    const targets = usable.map(({ instance: { id, host, port }, slot, tag }, i): TargetSpec => {
      const key = handlingKey(tag.handling);
      const arm = armOf.get(key) ?? handlings.push(tag.handling) - 1;
      armOf.set(key, arm);
      return {
        id,
        host,
        port,
        weight: weights[i] ?? 0,
        slot,
        ...(tag.target === undefined ? {} : { options: tag.target }),
        ...(tag.tls === undefined ? {} : { tls: tag.tls }),
        ...(arm === 0 ? {} : { arm }),
      };
    });
    if (handlings.length === 0) handlings.push(PLAIN_HANDLING);
    const { kind, host, path, slot } = this.place;
    const { strategy } = this.#settings;
    return {
      id: this.key,
      kind,
      service: serviceOf(judged),
      host,
      path,
      handlings,
      strategy,
      slot,
      targets,
    };
  }

  view(): RouteView {
    this.#view ??= this.#makeView();
    return this.#view;
  }

  #judged(): Judged[] {
    const all = [...this.#destinations.values()];
    const verdicts = judge(
      this.id,
      all.map(({ instance, tag, otherTags, line }) => ({
        service: instance.service,
        destination: urlOf(instance, tag),
        tags: otherTags,
        line,
      })),
      this.#settings.overrides(),
    );
    return all.map((destination, i) => {
      const verdict = verdicts[i] as Verdict;
      const out =
        destination.instance.out ||
        (verdict.deletedBy === '' ? '' : `a route command takes it out (${verdict.deletedBy})`);
      return { ...destination, verdict, out };
    });
  }

  /**
   * Whether the route stays though nobody can take a request: then it is answered 503. Healthy instances that the data
   * path cannot serve as their tag asks hold the place in any case: the next best route
   * would send the request past the rule. What a command took out holds nothing.
   */
  #holdsItsPlace(judged: readonly Judged[]): boolean {
    if (this.place.kind === 'tcp') return false;
    return judged.some(
      ({ instance, out, verdict }) =>
        out === '' || (this.#settings.staysEmpty && instance.out !== '' && verdict.deletedBy === ''),
    );
  }

  #makeView(): RouteView {
    const judged = this.#judged();
    const healthy = judged.filter(({ out }) => out === '');
    const shares = sharesOf(weightsOf(healthy.map(weighted)));
    const shareOf = new Map(healthy.map(({ instance }, i) => [instance.id, shares[i] ?? 0]));
    const targets = judged.map(
      ({ instance, tag, slot, obstacle, otherTags, verdict, out }): TargetView => ({
        instance: instance.id,
        service: instance.service,
        node: instance.node,
        serviceId: instance.serviceId,
        host: instance.host,
        port: instance.port,
        url: urlOf(instance, tag),
        share: shareOf.get(instance.id) ?? 0,
        fixedWeight: verdict.weight ?? tag.weight,
        options: tag.options,
        tags: otherTags,
        slot,
        out,
        obstacle,
      }),
    );
    const { kind, host, path, slot } = this.place;
    return {
      id: this.id,
      kind,
      host,
      path,
      service: serviceOf(judged),
      strategy: this.#settings.strategy,
      handling: judged[0]?.tag.handling ?? PLAIN_HANDLING,
      slot,
      aliases: [...new Set(healthy.map(({ tag }) => tag.register))].filter((name) => name !== ''),
      isInForce: this.spec() !== undefined,
      targets,
    };
  }
}

function serviceOf(judged: readonly Judged[]): string {
  return [...new Set(judged.map(({ instance }) => instance.service))].sort().join(', ');
}

function urlOf({ host, port }: DiscoveredInstance, { destination, protocol }: RouteTag): string {
  return destination === '' ? targetUrl(protocol, formatHostPort(host, port)) : destination;
}

function weighted({ tag, instance, verdict }: Judged): Weighted {
  return { fixed: verdict.weight ?? tag.weight, relative: instance.weight };
}
