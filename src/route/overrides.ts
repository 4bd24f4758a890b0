/** What route commands do to the targets that are there: deletions and weights, applied to one route in the order of their lines. */
import type { DeleteCommand, WeightCommand } from './commands.ts';

/** Commands with the place their source means, as routes have it; "" for any. */
export interface Overrides {
  readonly deletions: readonly (DeleteCommand & { readonly place: string })[];
  readonly weights: readonly (WeightCommand & { readonly place: string })[];
}

export const NO_OVERRIDES: Overrides = { deletions: [], weights: [] };

/** A target as the commands see it. */
export interface Overridden {
  readonly service: string;
  /** URL. */
  readonly destination: string;
  readonly tags: readonly string[];
  /** Line of the command that added it; 0: it was there before all commands. */
  readonly line: number;
}

export interface Verdict {
  /** Line of the command that took it out; 0: it stays. */
  readonly deletedBy: number;
  /** Share that a command gave it; undefined: as it asks for itself. */
  readonly weight: number | undefined;
}

const STAYS: Verdict = { deletedBy: 0, weight: undefined };

/** One verdict for each target of the route at `place` ("host/path"), in their order. */
export function judge(place: string, targets: readonly Overridden[], overrides: Overrides): Verdict[] {
  if (overrides === NO_OVERRIDES) return targets.map(() => STAYS);
  const deletions = overrides.deletions.filter((command) => command.place === '' || command.place === place);
  const deletedBy = targets.map(
    (target) =>
      deletions.find(
        ({ line, service, destination, tags }) =>
          line > target.line &&
          (service === '' || service === target.service) &&
          (destination === '' || isSameUrl(destination, target.destination)) &&
          hasAll(target.tags, tags),
      )?.line ?? 0,
  );
  const shares: (number | undefined)[] = targets.map(() => undefined);
  for (const { line, place: where, service, tags, weight } of overrides.weights) {
    if (where !== place) continue;
    const matching = targets.flatMap((target, i) => {
      const gone = deletedBy[i] ?? 0;
      const isThere = target.line < line && (gone === 0 || gone > line);
      return isThere && (service === '' || service === target.service) && hasAll(target.tags, tags)
        ? [i]
        : [];
    });
    for (const i of matching) shares[i] = Math.max(0, weight) / matching.length;
  }
  return targets.map((_, i) => ({ deletedBy: deletedBy[i] ?? 0, weight: shares[i] }));
}

function hasAll(tags: readonly string[], wanted: readonly string[]): boolean {
  return wanted.every((tag) => tags.includes(tag));
}

/** A slash at the end makes no difference. */
function isSameUrl(a: string, b: string): boolean {
  return a.replace(/\/$/, '') === b.replace(/\/$/, '');
}
