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

export function createAutoscaler(spec: AutoscaleSpec): Autoscaler {
  const { min, max, mode, schedule } = spec;
  return new Autoscaler({ min, max, mode, schedule, policy: POLICIES[spec.policy](spec) });
}
