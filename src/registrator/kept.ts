import type { Put } from './reconcile.ts';
import { type ContainerName, partsOfId } from './wanted.ts';

export interface Keeping {
  /** Those that failed, and are to stay registered. */
  readonly failed: readonly ContainerName[];
  /** The IDs that those that failed gave themselves. */
  readonly failedIds: ReadonlySet<string>;
  /** Those that are there but could not be looked into. */
  readonly unclear: readonly ContainerName[];
  /** By ID. */
  readonly put: ReadonlyMap<string, Put>;
  readonly hostname: string;
}

/**
 * Which registrations stay though nothing wants them, by their ID: those of containers that failed, and those that may be of
 * one that could not be looked into. Whose an ID of somebody's own choice is, only the run knows that put it there: while
 * anything is unclear, one that an earlier run left may be of that.
 */
export function keptBy({ failed, failedIds, unclear, put, hostname }: Keeping): (id: string) => boolean {
  const kept = new Set([...failed, ...unclear].flatMap((one) => [one.id, one.name]));
  return (id) => {
    const parts = partsOfId(id);
    const named = parts?.host === hostname ? parts.container : undefined;
    const owner = put.get(id)?.container;
    if (named === undefined && owner === undefined && unclear.length > 0) return true;
    return failedIds.has(id) || kept.has(named ?? '') || kept.has(owner?.id ?? '');
  };
}
