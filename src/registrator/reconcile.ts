import type { PresentService } from './target.ts';
import { type ContainerName, partsOfId, type WantedService } from './wanted.ts';

/** What was last put where, to tell what a registry does not show: the check, and when a verdict was given. */
export interface Put {
  readonly print: string;
  readonly at: number;
  /** Whose it is. */
  readonly container: ContainerName;
}

export interface Reconciliation {
  readonly wanted: ReadonlyMap<string, WantedService>;
  readonly present: readonly PresentService[];
  /** By ID. */
  readonly put: ReadonlyMap<string, Put>;
  /** As a present service would show it. */
  readonly print: (service: WantedService) => string;
  readonly hostname: string;
  /** Also remove what this run has not put there. */
  readonly cleanup: boolean;
  /** Registrations that stay though nothing wants them. */
  readonly isKept: (present: PresentService) => boolean;
  /** Milliseconds since the epoch. */
  readonly now: number;
}

export interface Steps {
  readonly puts: readonly WantedService[];
  readonly removals: readonly PresentService[];
}

/** A verdict is given again after so long, well within its TTL. */
const VERDICT_AFTER = 3_600_000;

/** What has to be done so that what is present is what is wanted. Touches nothing that is not of this host. */
export function stepsOf(given: Reconciliation): Steps {
  const { wanted, present, put, print, hostname, cleanup, isKept, now } = given;
  const puts: WantedService[] = [];
  // In a key/value store an ID may stand under several names.
  const byId = new Map<string, PresentService[]>();
  for (const one of present) byId.set(one.id, [...(byId.get(one.id) ?? []), one]);
  for (const service of wanted.values()) {
    const last = put.get(service.id);
    const isThere = byId.get(service.id)?.some((one) => one.print === print(service)) === true;
    const isSame = last === undefined ? service.check === undefined : last.print === fullPrint(service);
    const isFresh = service.verdict === undefined || (last !== undefined && now - last.at < VERDICT_AFTER);
    if (!isThere || !isSame || !isFresh) puts.push(service);
  }
  const isOurs = (one: PresentService) => one.owner === hostname || partsOfId(one.id)?.host === hostname;
  const removals = present.filter((one) => {
    const service = wanted.get(one.id);
    // The same ID under the name that it had before.
    if (service !== undefined)
      return one.name !== service.name && (cleanup || put.has(one.id)) && isOurs(one);
    return isOurs(one) && (cleanup || put.has(one.id)) && !isKept(one);
  });
  return { puts, removals };
}

/** Everything of a service that a registration says. */
export function fullPrint(service: WantedService): string {
  const { id, name, address, port, tags, meta, tagOverride, check, verdict } = service;
  return JSON.stringify([id, name, address, port, tags, tagOverride, Object.entries(meta), check, verdict]);
}
