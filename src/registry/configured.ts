import { messageOf } from '../errors.ts';
import type { Logger } from '../lib/log.ts';
import { admitChecks, noSuchService, type ScriptsFrom } from './admit.ts';
import type { StaticDefinitions } from './definition.ts';
import type { LocalCheck, LocalService, LocalState } from './local.ts';
import { checkOf, serviceChecksOf, serviceOf } from './make.ts';

/** Services and checks that the configuration wants to be here. */
export interface Configured {
  readonly services: readonly LocalService[];
  readonly checks: readonly LocalCheck[];
}

/** What of this node the configuration wanted last. */
export function configuredBefore(local: LocalState): {
  services: LocalService[];
  checks: LocalCheck[];
} {
  return {
    services: local.services().filter(({ source }) => source === 'config'),
    checks: local.checks().filter(({ source, type }) => source === 'config' && type !== 'maintenance'),
  };
}

/**
 * What the configuration defines. A definition that cannot be is reported, the others go on. Checks may belong to
 * services of the configuration and to those that are there already (`local`).
 */
export function configured(
  { services, checks }: StaticDefinitions,
  scripts: ScriptsFrom,
  local: LocalState,
  logger: Logger,
): Configured {
  const made: { services: LocalService[]; checks: LocalCheck[] } = { services: [], checks: [] };
  const attempt = (what: string, define: () => void) => {
    try {
      define();
    } catch (error) {
      logger.error(`could not register ${what} of the configuration`, { error: messageOf(error) });
    }
  };
  for (const definition of services) {
    attempt(`service ${definition.name}`, () => {
      const specs = definition.checks.map(({ spec }) => spec);
      admitChecks(specs, 'config', scripts);
      const service = serviceOf(definition, 'config');
      made.checks.push(...serviceChecksOf(definition, service, 'config'));
      made.services.push(service);
    });
  }
  for (const definition of checks) {
    attempt(`check ${definition.name}`, () => {
      admitChecks([definition.spec], 'config', scripts);
      const { serviceId } = definition;
      const service = made.services.findLast(({ id }) => id === serviceId) ?? local.service(serviceId);
      if (serviceId !== '' && service === undefined) throw noSuchService(serviceId);
      made.checks.push(checkOf(definition, service, 'config'));
    });
  }
  return made;
}
