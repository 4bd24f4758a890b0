import type { CheckView } from '../../../src/api/muster/wire.ts';
import type { PastChanges } from '../../../src/api/muster/wire-history.ts';

export interface CheckMoment {
  readonly index: number;
  readonly at: number;
  readonly status: CheckView['status'];
  readonly output: string;
}

/** What a check of an instance (or of its node) said from each moment on, newest first. */
export function checkMoments({ changes }: PastChanges, id: string, service: string): CheckMoment[] {
  return changes
    .flatMap(({ index, time, what, id: changed, service: of, after }): CheckMoment[] => {
      if (what !== 'check' || changed !== id || after === null) return [];
      if (of !== '' && of.toLowerCase() !== service.toLowerCase()) return [];
      return [{ index, at: Date.parse(time), status: statusOf(after.Status), output: textOf(after.Output) }];
    })
    .reverse();
}

function statusOf(value: unknown): CheckView['status'] {
  return value === 'passing' || value === 'warning' ? value : 'critical';
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}
