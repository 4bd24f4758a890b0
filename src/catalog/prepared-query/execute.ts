import type { Check, PreparedQuery, QueriedService, StringMap } from '../rows.ts';
import type { Reader } from '../tables.ts';
import { type Instance, instancesOf } from '../views.ts';

/** The instances that a query asks for, in the order of nodes and IDs. */
export function executeQuery(reader: Reader, { service: asked }: Pick<PreparedQuery, 'service'>): Instance[] {
  // There is no mesh, so nobody speaks it.
  if (asked.connect) return [];
  return instancesOf(reader, asked.service).filter(
    ({ node, service, checks }) =>
      isUsable(checks, asked) &&
      hasPairs(node.meta, asked.nodeMeta) &&
      hasPairs(service.meta, asked.serviceMeta) &&
      fitsTags(service.tags, asked.tags ?? []),
  );
}

function isUsable(checks: readonly Check[], { onlyPassing, ignoreCheckIds }: QueriedService): boolean {
  return checks.every(
    ({ id, status }) =>
      status === 'passing' || (status === 'warning' && !onlyPassing) || (ignoreCheckIds ?? []).includes(id),
  );
}

function hasPairs(meta: StringMap | null, wanted: StringMap | null): boolean {
  return Object.entries(wanted ?? {}).every(
    ([key, value]) => meta !== null && Object.hasOwn(meta, key) && meta[key] === value,
  );
}

/** True when an instance has all of `wanted` and none of those behind "!"; tags compare without regard to case. */
export function fitsTags(tags: readonly string[], wanted: readonly string[]): boolean {
  const own = new Set(tags.map((tag) => tag.toLowerCase()));
  return wanted.every((tag) => {
    const folded = tag.toLowerCase();
    return folded.startsWith('!') ? !own.has(folded.slice(1)) : own.has(folded);
  });
}
