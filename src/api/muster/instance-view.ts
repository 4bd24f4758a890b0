import type { Check } from '../../catalog/rows.ts';
import { serviceKey } from '../../catalog/tables.ts';
import {
  addressOf,
  aggregate,
  type Instance,
  NODE_MAINTENANCE,
  SERVICE_MAINTENANCE,
} from '../../catalog/views.ts';
import { judgeChecks } from '../../discovery/passing.ts';
import { formatHostPort } from '../../lib/host-port.ts';
import type { TargetOut } from './traffic.ts';
import { type CheckView, type InstanceView, MAX_OUTPUT, type State } from './wire.ts';

/** What the dashboard shows of an instance. `out` is what the balancer holds against it. */
export function instanceView(
  instance: Instance,
  out: TargetOut | undefined,
  known: InstanceView | undefined,
  now: number | null,
): InstanceView {
  const { service, checks } = instance;
  const { state, reason } = standing(checks, out);
  const isBalancers = state === 'ejected' || state === 'draining';
  return {
    key: known?.key ?? serviceKey(service.node, service.id),
    service: service.name,
    id: service.id,
    node: service.node,
    address: addressOf(instance),
    port: service.port,
    tags: service.tags,
    weight: state === 'warning' ? service.weights.warning : service.weights.passing,
    state,
    since: isBalancers && out !== undefined ? out.since : known?.state === state ? known.since : now,
    reason,
    probeAt: isBalancers && out !== undefined ? out.probeAt : null,
    checks: checks.map(checkView),
  };
}

/** host:port under which the balancer knows an instance. */
export function addressKey({ address, port }: { address: string; port: number }): string {
  return formatHostPort(address, port);
}

/** The state word of an instance and the sentence behind it: what keeps traffic away most firmly comes first. */
export function standing(
  checks: readonly Check[],
  out: Pick<TargetOut, 'state' | 'reason'> | undefined,
): { state: State; reason: string } {
  const status = aggregate(checks);
  if (status === 'maintenance') return { state: status, reason: maintenanceReason(checks) };
  // The balancer has a rule of its own, fabio's, which is kinder than DNS's and the API's.
  const kept = out === undefined && judgeChecks(checks).out === '' ? KEPT : '';
  if (status === 'critical') return { state: status, reason: checksReason(checks, 'critical') + kept };
  if (out !== undefined) return { state: out.state, reason: `${out.state} by the balancer: ${out.reason}` };
  if (status === 'warning') return { state: status, reason: checksReason(checks, 'warning') + kept };
  return { state: 'passing', reason: '' };
}

const KEPT = '; the balancer sends it requests all the same, as a check of its own passes';

function maintenanceReason(checks: readonly Check[]): string {
  const check = checks.find(({ id }) => id === NODE_MAINTENANCE || id.startsWith(SERVICE_MAINTENANCE));
  const what = check?.id === NODE_MAINTENANCE ? 'its node is in maintenance' : 'in maintenance';
  return check === undefined || check.notes === '' ? what : `${what}: ${check.notes}`;
}

function checksReason(checks: readonly Check[], status: Check['status']): string {
  const failing = checks.filter((check) => check.status === status);
  const first = failing[0];
  if (first === undefined) return '';
  const what = first.serviceId === '' ? 'node check' : 'check';
  const said = firstLine(first.output);
  const more = failing.length > 1 ? ` (and ${failing.length - 1} more)` : '';
  return `${what} “${first.name || first.id}” is ${status}${said === '' ? '' : `: ${said}`}${more}`;
}

/** Long enough for a sentence on a screen; the whole output stands below it. */
const MAX_LINE = 200;

function firstLine(text: string): string {
  const line = text.trim().split('\n', 1)[0] ?? '';
  return line.length > MAX_LINE ? `${line.slice(0, MAX_LINE)}…` : line;
}

/** A check of a node is shown with each of its instances: rows never change, so one view does for all. */
const views = new WeakMap<Check, CheckView>();

export function checkView(check: Check): CheckView {
  const { id, name, status, type, serviceId, output } = check;
  const ofNode = serviceId === '';
  const known = ofNode ? views.get(check) : undefined;
  if (known !== undefined) return known;
  const view = {
    id,
    name,
    status,
    type,
    ofNode,
    output: status === 'passing' ? '' : output.slice(0, MAX_OUTPUT),
  };
  if (ofNode) views.set(check, view);
  return view;
}
