import { Hpa } from './hpa.ts';
import type { Policy } from './observation.ts';
import type { AutoscaleSpec } from './spec.ts';
import { TargetTracking } from './target-tracking.ts';

/** Every policy by the name it has in configuration. A new one is a file and a line here. */
export const POLICIES = {
  target: (spec: AutoscaleSpec) => new TargetTracking(spec.target),
  hpa: (spec: AutoscaleSpec) => new Hpa(spec.hpa),
} as const satisfies Record<string, (spec: AutoscaleSpec) => Policy>;

export type PolicyName = keyof typeof POLICIES;
