import { isSame } from '../lib/same.ts';
import type { ServiceDefinition } from './definition.ts';
import { serviceChecksOf, serviceOf } from './make.ts';
import type { Registry } from './registry.ts';

/** What of a check is found out. */
const FOUND: ReadonlySet<string> = new Set(['status', 'output']);

/** Whether a service is registered as `registerService` would, with no check left of an earlier definition of it. */
export function isRegistered(
  registry: Pick<Registry, 'service' | 'check' | 'checksOf'>,
  definition: ServiceDefinition,
): boolean {
  const service = serviceOf(definition, 'api');
  const checks = serviceChecksOf(definition, service, 'api');
  const ids = new Set(checks.map(({ id }) => id));
  const known = registry.service(service.id);
  const tags = service.enableTagOverride ? known?.tags : service.tags;
  return (
    isSame({ ...service, tags }, known) &&
    checks.every((check) => isSame(check, registry.check(check.id), FOUND)) &&
    registry.checksOf(service.id).every(({ id }) => ids.has(id) || !isNumbered(id, service.id))
  );
}

/** Whether a check has the ID that one of this service gets without one of its own. */
function isNumbered(id: string, service: string): boolean {
  return id === `service:${service}` || id.startsWith(`service:${service}:`);
}
