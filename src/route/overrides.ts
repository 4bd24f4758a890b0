/** What route commands do to the targets that are there: deletions and weights, applied to one route in the order of their lines. */
import type { DeleteCommand, RouteCommand, WeightCommand } from './commands.ts';

/** Commands with the route ("host/path") that their source means; "" for any. */
export interface Overrides {
  readonly deletions: readonly (DeleteCommand & { readonly route: string })[];
  readonly weights: readonly (WeightCommand & { readonly route: string })[];
}

export const NO_OVERRIDES: Overrides = { deletions: [], weights: [] };

/** Those among the commands. `pathKey`: what stands for a path in a route's id. */
export function overridesOf(commands: readonly RouteCommand[], pathKey: (path: string) => string): Overrides {
  const withRoute = <Command extends { source: string }>(command: Command) => ({
    ...command,
    route: command.source === '' ? '' : routeOf(command.source, pathKey),
  });
  const deletions = commands.flatMap((one) => (one.command === 'del' ? [withRoute(one)] : []));
  const weights = commands.flatMap((one) => (one.command === 'weight' ? [withRoute(one)] : []));
  return deletions.length + weights.length === 0 ? NO_OVERRIDES : { deletions, weights };
}

/** What a command's source means as a route's id. */
function routeOf(source: string, pathKey: (path: string) => string): string {
  const slash = source.indexOf('/');
  const host = slash < 0 ? source : source.slice(0, slash);
  const path = slash >= 0 ? source.slice(slash) : source.startsWith(':') ? '' : '/';
  return `${host.toLowerCase()}${pathKey(path)}`;
}

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
  /** Where the command stands that took it out; "": it stays. */
  readonly deletedBy: string;
  /** Share that a command gave it; undefined: as it asks for itself. */
  readonly weight: number | undefined;
}

/** No command is about it. */
export const STAYS: Verdict = { deletedBy: '', weight: undefined };

/** One verdict for each target of a route ("host/path"), in their order. */
export function judge(route: string, targets: readonly Overridden[], overrides: Overrides): Verdict[] {
  const deletions = overrides.deletions.filter((command) => command.route === '' || command.route === route);
  const deletedBy = targets.map((target) =>
    deletions.find(
      ({ line, service, destination, tags }) =>
        line > target.line &&
        (service === '' || service === target.service) &&
        (destination === '' || isSameUrl(destination, target.destination)) &&
        hasAll(target.tags, tags),
    ),
  );
  const shares: (number | undefined)[] = targets.map(() => undefined);
  for (const { line, route: where, service, tags, weight } of overrides.weights) {
    if (where !== route) continue;
    const matching = targets.flatMap((target, i) => {
      const gone = deletedBy[i]?.line ?? Number.POSITIVE_INFINITY;
      const isThere = target.line < line && gone > line;
      return isThere && (service === '' || service === target.service) && hasAll(target.tags, tags)
        ? [i]
        : [];
    });
    for (const i of matching) shares[i] = Math.max(0, weight) / matching.length;
  }
  return targets.map((_, i) => ({ deletedBy: deletedBy[i]?.place ?? '', weight: shares[i] }));
}

function hasAll(tags: readonly string[], wanted: readonly string[]): boolean {
  return wanted.every((tag) => tags.includes(tag));
}

/** A slash at the end makes no difference. */
function isSameUrl(a: string, b: string): boolean {
  return a.replace(/\/$/, '') === b.replace(/\/$/, '');
}
