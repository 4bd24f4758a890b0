/** Which instances are replaced because their checks fail: arithmetic, looked at afresh each time. */

export interface HealPolicy {
  /** An instance whose checks fail for so long (ms) is replaced. */
  readonly after: number;
  /** Not before it has run for so long (ms): until then it may still be starting. */
  readonly initialDelay: number;
  /** At most so many replacements within `window`. */
  readonly most: number;
  /** Ms. */
  readonly window: number;
  /** When a larger share than this fails at once, it is not the instances: nothing is replaced. */
  readonly holdAbove: number;
}

export interface Patient {
  readonly id: string;
  readonly startedAt: number;
  /** Since when its checks fail; undefined: they do not. */
  readonly failingSince: number | undefined;
}

export interface Treatment {
  /** Ids, the longest failing first. */
  readonly replace: readonly string[];
  /** Why others that would be due are left alone; "" when there are none. */
  readonly held: string;
}

/** `healed`: when instances were replaced before, ms since the epoch. */
export function heal(
  now: number,
  patients: readonly Patient[],
  healed: readonly number[],
  policy: HealPolicy,
): Treatment {
  const due = patients
    .filter(
      ({ startedAt, failingSince }) =>
        failingSince !== undefined &&
        now - failingSince >= policy.after &&
        now - startedAt >= policy.initialDelay,
    )
    .sort((a, b) => a.failingSince! - b.failingSince!);
  if (due.length === 0) return { replace: [], held: '' };
  const failing = patients.filter(({ failingSince }) => failingSince !== undefined).length;
  // One of one is no share: a single instance is replaced, too.
  if (failing > 1 && failing / patients.length > policy.holdAbove)
    return {
      replace: [],
      held: `${failing} of ${patients.length} instances fail at once: that is hardly their own fault, none is replaced`,
    };
  const recent = healed.filter((at) => now - at < policy.window).length;
  const replace = due.slice(0, Math.max(0, policy.most - recent)).map(({ id }) => id);
  const left = due.length - replace.length;
  return {
    replace,
    held: left === 0 ? '' : `${left} more wait: at most ${policy.most} are replaced at a time`,
  };
}
