import type { CheckStatus } from '../catalog/rows.ts';
import type { CheckSpec } from './spec.ts';

/** What a check found out. */
export interface Outcome {
  readonly status: CheckStatus;
  readonly output: string;
}

export interface ProbeContext {
  /**
   * Aborted when the check is removed or the agent stops; the outcome is of no interest then. It lives as long as the check: a probe takes its listeners
   * back, and hands the signal to nobody who does not.
   */
  readonly signal: AbortSignal;
  /** Bytes of output to keep. */
  readonly outputMaxSize: number;
}

/** A kind that goes and looks, every interval. `probe` never rejects: trouble is a critical outcome. */
export interface ProbeKind {
  readonly mode: 'probe';
  /** True when the fields of this kind are set. */
  recognises(spec: CheckSpec): boolean;
  probe(spec: CheckSpec, context: ProbeContext): Promise<Outcome>;
}

/** A kind that is told its status: by its owner (`ttl`) or by the checks of another service (`alias`). */
export interface PassiveKind {
  readonly mode: 'told' | 'derived';
  recognises(spec: CheckSpec): boolean;
}

export type CheckKind = ProbeKind | PassiveKind;

export const critical = (output: string): Outcome => ({ status: 'critical', output });
export const passing = (output: string): Outcome => ({ status: 'passing', output });

/** What the exit code of a program says, wherever it ran; null when a signal ended it. */
export function statusOfExit(code: number | null): CheckStatus {
  if (code === 0) return 'passing';
  return code === 1 ? 'warning' : 'critical';
}
