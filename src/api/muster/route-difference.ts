import type { RouteView } from './wire.ts';

/**
 * Routes whose keys are no longer there, and those that came or are others now. Both lists are in order of hosts, then of
 * paths from long to short, and hold the same objects where nothing changed: of tens of thousands few are looked at.
 */
export function difference(before: readonly RouteView[], after: readonly RouteView[]) {
  const gone = new Map<string, RouteView>();
  const come: RouteView[] = [];
  for (let old = 0, now = 0; old < before.length || now < after.length; ) {
    const [one, other] = [before[old], after[now]];
    if (one === other) {
      old++;
      now++;
    } else if (other === undefined || (one !== undefined && isFirst(one, other))) {
      gone.set((one as RouteView).key, one as RouteView);
      old++;
    } else {
      come.push(other);
      now++;
    }
  }
  for (const { key } of come) gone.delete(key);
  return { gone: gone.values(), come };
}

function isFirst(one: RouteView, other: RouteView): boolean {
  return one.host === other.host ? one.path >= other.path : one.host < other.host;
}
