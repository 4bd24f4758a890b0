import { type Check, type CheckStatus, MEMBER_CHECK } from '../catalog/rows.ts';
import { NODE_MAINTENANCE, SERVICE_MAINTENANCE } from '../catalog/views.ts';
import type { Doubt } from './instance.ts';

/** Which instances get traffic; the names of the settings are fabio's. */
export interface PassingRule {
  /** `registry.consul.service.status`: a check in one of these counts as healthy. */
  readonly statuses: readonly CheckStatus[];
  /** `registry.consul.checksRequired`: whether one healthy check of the instance is enough or all must be. */
  readonly checksRequired: 'one' | 'all';
}

export const DEFAULT_RULE: PassingRule = { statuses: ['passing'], checksRequired: 'one' };

/** What of a check counts. */
type Judged = Pick<Check, 'id' | 'serviceId' | 'name' | 'status' | 'notes'>;

/** Whether an instance gets traffic: `out` is why not, "" when it does. */
export interface Verdict {
  readonly out: string;
  readonly doubt?: Doubt;
  /** It is in maintenance and well. */
  readonly drains?: true;
}

const IN: Verdict = { out: '' };

/**
 * Why an instance gets no traffic, or "" when it does. `checks` are those of its node and its own. The node's agent being down and
 * maintenance of node or instance take it out whatever its own checks say; other checks of the node bear on nothing. An instance
 * without a check of its own is out: nothing says that it is alive. `answers`: it was the agent of this very node that told of the
 * checks, so that it is not down, whatever the servers have not heard of it.
 */
export function judgeChecks(
  checks: readonly Judged[],
  rule: PassingRule = DEFAULT_RULE,
  answers = false,
): Verdict {
  const verdict = judge(checks, rule, answers);
  if (verdict.out === '' || verdict.doubt !== undefined) return verdict;
  const others = checks.filter((check) => !isMaintenance(check));
  return judge(others, rule, answers).out === '' ? { ...verdict, drains: true } : verdict;
}

function isMaintenance({ id, serviceId }: Judged): boolean {
  return id.startsWith(SERVICE_MAINTENANCE) || (serviceId === '' && id === NODE_MAINTENANCE);
}

function judge(checks: readonly Judged[], rule: PassingRule, answers: boolean): Verdict {
  const own: Judged[] = [];
  for (const check of checks) {
    const isOfNode = check.serviceId === '';
    if (isOfNode && check.id === NODE_MAINTENANCE)
      return { out: withNotes('its node is in maintenance', check) };
    if (isOfNode && check.id === MEMBER_CHECK && check.status === 'critical' && !answers)
      return { out: `the agent of its node is down (check "${MEMBER_CHECK}")`, doubt: 'dead' };
    if (check.id.startsWith(SERVICE_MAINTENANCE)) {
      if (check.status === 'critical') return { out: withNotes('it is in maintenance', check) };
    } else if (!isOfNode) own.push(check);
  }
  if (own.length === 0) return { out: 'it has no check of its own, so nothing says that it is alive' };
  const unhealthy = own.filter(({ status }) => !rule.statuses.includes(status));
  const isIn = rule.checksRequired === 'all' ? unhealthy.length === 0 : unhealthy.length < own.length;
  const first = unhealthy[0];
  if (isIn || first === undefined) return IN;
  const more = unhealthy.length > 1 ? `, and ${unhealthy.length - 1} more` : '';
  return { out: `check "${first.name || first.id}" is ${first.status}${more}`, doubt: 'failing' };
}

function withNotes(what: string, { notes }: Judged): string {
  return notes === '' ? what : `${what}: ${notes}`;
}
