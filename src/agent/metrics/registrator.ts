import type { RegistratorState } from '../../registrator/registrator.ts';
import { type Metric, type Metrics, single } from './metric.ts';

/** What the registrator is read from; undefined where there is none. */
export interface RegistratorSources {
  readonly registrator: { readonly state: RegistratorState } | undefined;
}

function of(
  type: 'counter' | 'gauge',
  help: string,
  read: (state: RegistratorState) => number | undefined,
): Metric<RegistratorSources> {
  return single(type, help, ({ registrator }) => registrator && read(registrator.state));
}

export const registratorMetrics: Metrics<RegistratorSources> = {
  muster_registrator_up_to_date: of(
    'gauge',
    '1 when the registrations were in line with what runs at the last comparison, 0 while it cannot be made.',
    ({ comparedAt, trouble }) => (comparedAt !== undefined && trouble === undefined ? 1 : 0),
  ),
  muster_registrator_containers: of('gauge', 'Containers that run.', (state) => state.containers),
  muster_registrator_services: of('gauge', 'Registrations that stand.', (state) => state.services),
  muster_registrator_registrations_total: of(
    'counter',
    'Services that were registered, or anew.',
    (state) => state.puts,
  ),
  muster_registrator_removals_total: of(
    'counter',
    'Services that were taken out.',
    (state) => state.removals,
  ),
  muster_registrator_problems_total: of(
    'counter',
    'Services and variables that cannot be used as they are, each told once for its container.',
    (state) => state.problems,
  ),
  muster_registrator_comparisons_total: of(
    'counter',
    'Comparisons of what runs with what is registered that came to their end.',
    (state) => state.comparisons,
  ),
  muster_registrator_comparison_errors_total: of(
    'counter',
    'Comparisons that failed, engine or registry being away.',
    (state) => state.errors,
  ),
  muster_registrator_comparison_seconds_total: of(
    'counter',
    'How long comparisons took in all.',
    (state) => state.milliseconds / 1000,
  ),
  muster_registrator_engine_losses_total: of(
    'counter',
    'How often the container engine was lost, or could not be reached again.',
    (state) => state.engineLosses,
  ),
  muster_registrator_last_success_timestamp_seconds: of(
    'gauge',
    'When the last comparison ended well, in seconds since the epoch.',
    ({ comparedAt }) => comparedAt && comparedAt / 1000,
  ),
};
