/** What instances of one route say about choosing among them, made one: arithmetic over what is known of each. */
import { staying } from '../balance/tiers.ts';
import type { DiscoveredInstance } from '../discovery/instance.ts';
import type { ChoiceSpec } from './choice.ts';
import type { RouteTag, TagTraffic } from './tag.ts';

/** An instance behind a route, as far as it matters here. */
export interface Member {
  readonly instance: DiscoveredInstance;
  readonly tag: Pick<RouteTag, 'traffic'>;
  /** Why it gets nothing; "" when it does. */
  readonly out: string;
  /** A route command took it out. */
  readonly isDeleted: boolean;
}

/** The first that says anything about it counts. */
export function said<Name extends keyof TagTraffic>(
  members: readonly Pick<Member, 'tag'>[],
  name: Name,
): TagTraffic[Name] | undefined {
  return members.find(({ tag }) => tag.traffic[name] !== undefined)?.tag.traffic[name];
}

/** How many of the instances that should be there are well. */
export interface Emergency {
  readonly well: number;
  readonly of: number;
}

/**
 * Set when so few are well that the checks are believed less than the instances: then those with failing checks are used as well.
 * Who was taken out on purpose does not count.
 */
export function emergencyOf(members: readonly Member[]): Emergency | undefined {
  const threshold = said(members, 'panic') ?? 0;
  if (threshold === 0) return undefined;
  const counted = members.filter(
    ({ instance, isDeleted }) => !isDeleted && (instance.out === '' || instance.doubt !== undefined),
  );
  const well = counted.filter(({ instance }) => instance.out === '').length;
  const isFew = counted.length > 0 && well / counted.length < threshold;
  return isFew && counted.some(({ instance }) => instance.doubt === 'failing')
    ? { well, of: counted.length }
    : undefined;
}

/** Whether an instance stands in another zone; one that does not say where it stands is not far. */
export function isFar({ zone }: Pick<DiscoveredInstance, 'zone'>, own: string): boolean {
  return own !== '' && zone !== undefined && zone !== own;
}

/**
 * What the workers are told about choosing among `usable`, whose weights are given; undefined for nothing. `all`: those that are out
 * too. `zone`: the balancer's own, "" for none.
 */
export function choiceOf(
  usable: readonly Member[],
  weights: readonly number[],
  all: readonly Member[],
  zone: string,
): ChoiceSpec | undefined {
  const sticky = said(all, 'sticky');
  const by = said(all, 'by');
  const canary = canaryOf(usable);
  const slowStart = said(all, 'slowStart');
  const meant = meantOf(usable, weights, all, zone);
  const choice: ChoiceSpec = {
    ...(sticky === undefined ? {} : { sticky }),
    ...(by === undefined ? {} : { by }),
    ...(canary === undefined ? {} : { canary }),
    ...(slowStart === undefined ? {} : { slowStart }),
    ...(meant === undefined ? {} : { zone: meant }),
  };
  return Object.keys(choice).length === 0 ? undefined : choice;
}

/** None while all are in one arm: there is nothing to try out then, or nothing else. */
function canaryOf(usable: readonly Member[]): ChoiceSpec['canary'] {
  const arms = new Set(usable.map(({ tag }) => tag.traffic.canary !== undefined));
  return arms.size === 2 ? said(usable, 'canary') : undefined;
}

/** Undefined where no instance is far, or nobody knows. */
function meantOf(
  usable: readonly Member[],
  weights: readonly number[],
  all: readonly Member[],
  zone: string,
): number | undefined {
  if (!usable.some(({ instance }) => isFar(instance, zone))) return undefined;
  const near = usable.map(({ instance }) => !isFar(instance, zone));
  const count = near.filter(Boolean).length;
  const registered = all.filter(
    ({ instance, isDeleted }) =>
      !isDeleted && !isFar(instance, zone) && (instance.out === '' || instance.doubt !== undefined),
  ).length;
  const well = weights.reduce((sum, weight, i) => sum + (near[i] === true ? weight : 0), 0);
  // As if those that are out had the mean weight of the others.
  return count === 0 ? 0 : (well * Math.max(registered, count)) / count;
}

/** The part of all requests that each of `usable` gets, by its weight, arm and zone. */
export function partsOf(
  usable: readonly Member[],
  weights: readonly number[],
  choice: ChoiceSpec | undefined,
  zone: string,
): number[] {
  const parts = usable.map(() => 0);
  const divide = (members: readonly number[], part: number): void => {
    const sum = members.reduce((total, i) => total + weights[i]!, 0);
    for (const i of members) parts[i] = sum === 0 ? 0 : round((part * weights[i]!) / sum);
  };
  const byZone = (members: readonly number[], part: number): void => {
    const near = members.filter((i) => !isFar(usable[i]!.instance, zone));
    const distant = members.filter((i) => isFar(usable[i]!.instance, zone));
    if (choice?.zone === undefined || near.length === 0 || distant.length === 0) {
      divide(members, part);
      return;
    }
    const stays = staying(
      near.reduce((total, i) => total + weights[i]!, 0),
      choice.zone,
    );
    divide(near, part * stays);
    divide(distant, part * (1 - stays));
  };
  const everyone = usable.map((_, i) => i);
  const { canary } = choice ?? {};
  if (canary === undefined) byZone(everyone, 1);
  else {
    byZone(
      everyone.filter((i) => usable[i]!.tag.traffic.canary !== undefined),
      canary.share,
    );
    byZone(
      everyone.filter((i) => usable[i]!.tag.traffic.canary === undefined),
      1 - canary.share,
    );
  }
  return parts;
}

function round(value: number): number {
  return Math.round(value * 1e12) / 1e12;
}
