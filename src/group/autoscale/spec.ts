import { type AutoscaleMode, Autoscaler } from './autoscaler.ts';
import type { HpaOptions } from './hpa.ts';
import { POLICIES, type PolicyName } from './policies.ts';
import type { ScheduleWindow } from './schedule.ts';
import type { SignalSpec } from './signals.ts';
import type { TargetTrackingOptions } from './target-tracking.ts';

/** Autoscaling as the configuration describes it; times in ms. */
export interface AutoscaleSpec {
  readonly min: number;
  readonly max: number;
  readonly mode: AutoscaleMode;
  /** Between two decisions. */
  readonly interval: number;
  readonly policy: PolicyName;
  /** One entry for each policy; those of the policy chosen count. */
  readonly target: TargetTrackingOptions;
  readonly hpa: HpaOptions;
  readonly signal: readonly SignalSpec[];
  readonly schedule: readonly ScheduleWindow[];
}

/** What `[group.autoscale]` says where it says nothing. */
export const DEFAULTS: Omit<AutoscaleSpec, 'max' | 'signal'> = {
  min: 1,
  mode: 'on',
  interval: 10_000,
  policy: 'target',
  target: { stabilization: 600_000, initialization: 60_000 },
  hpa: {
    tolerance: 0.1,
    out: {
      stabilization: 0,
      rates: [
        { instances: 4, period: 15_000 },
        { share: 1, period: 15_000 },
      ],
      select: 'max',
    },
    in: { stabilization: 300_000, rates: [{ share: 1, period: 15_000 }], select: 'max' },
  },
  schedule: [],
};

export function createAutoscaler(spec: AutoscaleSpec): Autoscaler {
  const { min, max, mode, schedule } = spec;
  return new Autoscaler({ min, max, mode, schedule, policy: POLICIES[spec.policy](spec) });
}
