import type { Logger } from '../lib/log.ts';
import { Tally } from '../lib/tally.ts';
import type { Emergency } from './merge.ts';
import type { RouteProblem } from './view.ts';

/** Logs what is wrong with routes; with tags and commands once for all instances of a service that have it, which mostly all do. */
export class ProblemLog {
  readonly #log: Logger;
  /** How many instances have a problem, by `keyOf`. */
  readonly #reported = new Tally<string>();

  constructor(log: Logger) {
    this.#log = log;
  }

  /** One source of routes had the problems `before`, and now has those of `after`. */
  replace(before: readonly RouteProblem[], after: readonly RouteProblem[]): void {
    for (const problem of after) {
      if (!this.#reported.add(keyOf(problem))) continue;
      const { service, instance, tag, reason } = problem;
      this.#log.warn('a route tag could not be used as it is', { service, instance, tag, reason });
    }
    for (const problem of before) this.#reported.remove(keyOf(problem));
  }

  /** An emergency of a route has begun or, where it has none, ended. */
  emergency({ id, emergency }: { readonly id: string; readonly emergency: Emergency | undefined }): void {
    logEmergency(this.#log, 'route', id, emergency);
  }
}

/** `what`: of what `id` is the name. */
export function logEmergency(
  log: Logger,
  what: 'route' | 'service',
  id: string,
  emergency: Emergency | undefined,
): void {
  if (emergency === undefined)
    log.info(`enough instances of a ${what} are healthy again; the others get no requests any more`, {
      [what]: id,
    });
  else
    log.warn(`so few instances of a ${what} are healthy that those with failing checks get requests too`, {
      [what]: id,
      healthy: emergency.well,
      of: emergency.of,
    });
}

const keyOf = ({ service, tag, reason }: RouteProblem): string => `${service} ${tag} ${reason}`;
