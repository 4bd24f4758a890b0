import { checkKey, type Reader } from '../catalog/tables.ts';
import { expiredOutput } from '../health/kinds/ttl.ts';
import { kindOf } from '../health/kinds.ts';
import type { Logger } from '../lib/log.ts';
import { type ScriptsFrom, scriptRefusal } from './admit.ts';
import type { LocalDisk } from './disk.ts';
import type { LocalCheck, LocalService } from './local.ts';

export interface Restored {
  services: LocalService[];
  /** With how long, in ms, the last heartbeat of a TTL check is still good. */
  checks: { check: LocalCheck; ttlLeft?: number }[];
  /** Critical ones that are not carried out: without them their services would pass for healthy. */
  refused: LocalCheck[];
}

/**
 * What the disk kept, with the state that it had: a restart of the agent is no reason to take its services out of the
 * rotation. Probed checks come back as the catalog knows them, and are probed within moments; a heartbeat is good
 * until its time. `now` is in ms since the epoch. What cannot come back as it was is told to `logger`.
 */
export function restore(
  { services, checks, ttls }: ReturnType<LocalDisk['load']>,
  {
    catalog,
    node,
    now,
    scripts,
    logger,
  }: { catalog: Reader; node: string; now: number; scripts: ScriptsFrom; logger: Logger },
): Restored {
  const states = new Map(ttls.map((state) => [state.id, state]));
  const known = new Set(services.map(({ id }) => id));
  const restored: Restored = { services, checks: [], refused: [] };
  for (const check of checks) {
    if (check.serviceId !== '' && !known.has(check.serviceId)) {
      logger.warn('forgetting a check whose service is gone', { check: check.id, service: check.serviceId });
      continue;
    }
    const refusal = check.spec && scriptRefusal(check.spec, check.source, scripts);
    if (refusal) {
      restored.refused.push({ ...check, status: 'critical', output: refusal });
      logger.warn('a check may not run its program any more', {
        check: check.id,
        service: check.serviceId,
      });
      continue;
    }
    const kind = check.spec === null ? undefined : kindOf(check.spec);
    const state = states.get(check.id);
    if (kind === 'ttl' && state !== undefined) {
      const ttlLeft = Math.max(0, state.expires - now);
      const { status, output } =
        ttlLeft > 0 ? state : { status: 'critical' as const, output: expiredOutput(state.output) };
      restored.checks.push({ check: { ...check, status, output }, ttlLeft });
      continue;
    }
    const row =
      kind === 'ttl' || kind === undefined ? undefined : catalog.get('checks', checkKey(node, check.id));
    const { status, output } = row ?? check;
    restored.checks.push({ check: { ...check, status, output } });
  }
  return restored;
}
