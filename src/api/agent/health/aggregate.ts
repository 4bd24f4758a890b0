import { type AggregatedStatus, NODE_MAINTENANCE, SERVICE_MAINTENANCE } from '../../../catalog/views.ts';
import type { LocalCheck } from '../../../registry/local.ts';
import type { Registry } from '../../../registry/registry.ts';
import type { ApiRequest } from '../../endpoint.ts';
import { agentHealthCheck } from '../views.ts';

/** Status codes of the answers, so that a plain health probe may ask. */
export const CODES: Record<AggregatedStatus, number> = {
  passing: 200,
  warning: 429,
  critical: 503,
  maintenance: 503,
};

/** Health of a service of this agent: its checks and those of the node, the worst decides. */
export function serviceHealth(
  registry: Registry,
  id: string,
): { status: AggregatedStatus; checks: object[] } {
  const checks = [...registry.checksOf(id), ...registry.checksOf('')];
  return {
    status: worst(checks),
    checks: checks.map((check) => agentHealthCheck(check, registry.node.name)),
  };
}

function worst(checks: readonly LocalCheck[]): AggregatedStatus {
  if (checks.some(({ id }) => id === NODE_MAINTENANCE || id.startsWith(SERVICE_MAINTENANCE)))
    return 'maintenance';
  if (checks.some(({ status }) => status === 'critical')) return 'critical';
  return checks.some(({ status }) => status === 'warning') ? 'warning' : 'passing';
}

/** True when the client wants a word instead of JSON. */
export function wantsText({ query, headers }: ApiRequest): boolean {
  return query.get('format') === 'text' || (headers.accept ?? '').startsWith('text/plain');
}
