import type { StrategyName } from '../balance/strategies.ts';
import type { DiscoveredInstance } from '../discovery/instance.ts';
import { formatHostPort } from '../lib/host-port.ts';
import { Few } from './few.ts';
import { type HandlingSpec, handlingKey, PLAIN_HANDLING, sharedHandlings } from './handling.ts';
import { choiceOf, type Emergency, emergencyOf, isFar, type Member, partsOf, said } from './merge.ts';
import { judge, NO_OVERRIDES, type Overridden, type Overrides, STAYS, type Verdict } from './overrides.ts';
import type { RouteSpec, TargetSpec } from './spec.ts';
import { type RouteTag, targetUrl } from './tag.ts';
import type { RouteView, Standing, TargetView } from './view.ts';
import { type Weighted, weightsOf } from './weights.ts';

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
  /** Zone of the balancer; "" for none. */
  readonly zone: string;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}

export interface EntryPlace {
  readonly kind: RouteSpec['kind'];
  readonly host: string;
  readonly path: string;
  readonly slot: number;
}

type Mutable<Type> = { -readonly [Key in keyof Type]: Type[Key] };

/** A destination with what the commands say about it. `out`: why it gets nothing though nothing stands in the way. */
interface Judged extends Destination, Member {
  readonly tag: RouteTag;
  readonly verdict: Verdict;
  /** Why it would get nothing if there were enough others; "" when it is well. */
  readonly doubtful: string;
}

/** The key of a route among all. */
export function entryKey({ kind, host, path }: Omit<EntryPlace, 'slot'>): string {
  return kind === 'http' ? `${host}${path}` : `${kind} ${host}${path}`;
}

/** A route on the main thread: all that contributes to it. What the workers get is computed from this. */
export class Entry {
  readonly key: string;
  /** Host and path. */
  readonly id: string;
  readonly place: EntryPlace;
  readonly #settings: EntrySettings;
  /** By instance id. */
  readonly #destinations = new Few<string, Destination>();
  /** When each usable instance came, on a route where they begin slowly; 0 for those of the start. */
  #since: Map<string, number> | undefined;
  /** Set while too few instances are well, and those with failing checks are used too. */
  emergency: Emergency | undefined;
  #view: RouteView | undefined;
  /** What the workers have of it. */
  published: RouteSpec | undefined;

  constructor(place: EntryPlace, settings: EntrySettings) {
    this.key = entryKey(place);
    this.id = place.kind === 'http' ? this.key : `${place.host}${place.path}`;
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
    const { strategy, zone } = this.#settings;
    const choice = choiceOf(usable, weights, judged, zone);
    const sinceOf = this.#begins(usable, choice?.slowStart ?? 0);
    const handlings: HandlingSpec[] = [];
    const armOf = new Map<string, number>();
    const targets = usable.map(({ instance, slot, tag }, i): TargetSpec => {
      const { id, host, port } = instance;
      const since = sinceOf?.get(id) ?? 0;
      const key = handlingKey(tag.handling);
      const arm = armOf.get(key) ?? handlings.push(tag.handling) - 1;
      armOf.set(key, arm);
      const target: Mutable<TargetSpec> = { id, host, port, weight: weights[i] ?? 0, slot };
      // One by one: spread into it, they would take twice the memory where there are none.
      if (tag.target !== undefined) target.options = tag.target;
      if (tag.tls !== undefined) target.tls = tag.tls;
      if (arm !== 0) target.arm = arm;
      if (since !== 0) target.since = since;
      if (choice?.canary !== undefined && tag.traffic.canary !== undefined) target.canary = true;
      if (choice?.zone !== undefined && isFar(instance, zone)) target.far = true;
      return target;
    });
    if (handlings.length === 0) handlings.push(PLAIN_HANDLING);
    const { kind, host, path, slot } = this.place;
    return {
      id: this.key,
      kind,
      service: serviceOf(judged),
      host,
      path,
      handlings: sharedHandlings(handlings),
      strategy: said(judged, 'strategy') ?? strategy,
      ...(choice === undefined ? {} : { choice }),
      slot,
      targets,
    };
  }

  view(): RouteView {
    this.#view ??= this.#makeView();
    return this.#view;
  }

  /** When those who came later than the route itself did so. */
  #begins(usable: readonly Judged[], slowStart: number): ReadonlyMap<string, number> | undefined {
    if (slowStart === 0) {
      this.#since = undefined;
      return undefined;
    }
    const before = this.#since;
    const now = before === undefined ? 0 : this.#settings.now();
    this.#since = new Map(usable.map(({ instance: { id } }) => [id, before?.get(id) ?? now]));
    return this.#since;
  }

  #judged(): Judged[] {
    const all = this.#destinations.values();
    const overrides = this.#settings.overrides();
    // Hardly ever are there commands, and there may be tens of thousands of routes.
    const verdicts = overrides === NO_OVERRIDES ? [] : judge(this.id, all.map(overridden), overrides);
    const judged = all.map(({ instance, tag, slot, obstacle, otherTags, line }, i): Judged => {
      const verdict = verdicts[i] ?? STAYS;
      const isDeleted = verdict.deletedBy !== '';
      const out = instance.out || (isDeleted ? `a route command takes it out (${verdict.deletedBy})` : '');
      return { instance, tag, slot, obstacle, otherTags, line, verdict, out, isDeleted, doubtful: '' };
    });
    this.emergency = emergencyOf(judged);
    if (this.emergency === undefined) return judged;
    return judged.map((one) =>
      one.instance.doubt === 'failing' && !one.isDeleted ? { ...one, out: '', doubtful: one.out } : one,
    );
  }

  /**
   * Whether the route stays though nobody can take a request: then it is answered 503. Healthy instances that the data
   * path cannot serve as their tag asks hold the place in any case: the next best route
   * would send the request past the rule. What a command took out holds nothing.
   */
  #holdsItsPlace(judged: readonly Judged[]): boolean {
    if (this.place.kind !== 'http') return false;
    return judged.some(
      ({ instance, out, verdict }) =>
        out === '' || (this.#settings.staysEmpty && instance.out !== '' && verdict.deletedBy === ''),
    );
  }

  #makeView(): RouteView {
    const judged = this.#judged();
    const healthy = judged.filter(({ out }) => out === '');
    const { zone, strategy } = this.#settings;
    const weights = weightsOf(healthy.map(weighted));
    const choice = choiceOf(healthy, weights, judged, zone);
    const shares = partsOf(healthy, weights, choice, zone);
    const shareOf = new Map(healthy.map(({ instance }, i) => [instance.id, shares[i] ?? 0]));
    const targets = judged.map(
      ({ instance, tag, slot, obstacle, otherTags, verdict, out, doubtful }): TargetView => ({
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
        ...standingOf({
          doubtful,
          farZone: isFar(instance, zone) ? (instance.zone ?? '') : '',
          isCanary: choice?.canary !== undefined && tag.traffic.canary !== undefined,
          since: this.#since?.get(instance.id) ?? 0,
        }),
      }),
    );
    const { kind, host, path, slot } = this.place;
    return {
      id: this.id,
      kind,
      host,
      path,
      service: serviceOf(judged),
      strategy: said(judged, 'strategy') ?? strategy,
      ...(choice === undefined ? {} : { choice }),
      ...(this.emergency === undefined ? {} : { emergency: this.emergency }),
      handling: judged[0]?.tag.handling ?? PLAIN_HANDLING,
      slot,
      aliases: [...new Set(healthy.map(({ tag }) => tag.register))].filter((name) => name !== ''),
      isInForce: this.spec() !== undefined,
      targets,
    };
  }
}

/** Left out where there is nothing to say. */
function standingOf(standing: Standing): { standing?: Standing } {
  return Object.values(standing).some(Boolean) ? { standing } : {};
}

function serviceOf(judged: readonly Judged[]): string {
  return [...new Set(judged.map(({ instance }) => instance.service))].sort().join(', ');
}

function overridden({ instance, tag, otherTags, line }: Destination): Overridden {
  return { service: instance.service, destination: urlOf(instance, tag), tags: otherTags, line };
}

function urlOf({ host, port }: DiscoveredInstance, { destination, protocol }: RouteTag): string {
  return destination === '' ? targetUrl(protocol, formatHostPort(host, port)) : destination;
}

function weighted({ tag, instance, verdict }: Judged): Weighted {
  return { fixed: verdict.weight ?? tag.weight, relative: instance.weight };
}
