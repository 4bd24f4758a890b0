/** Which instances a group starts and which it lets go: numbers and names only, looked at afresh each time. */

export interface PlannedInstance {
  readonly id: string;
  /** Which edition of the group's template it was started from; they are counted. */
  readonly edition: number;
  readonly startedAt: number;
  /** Since when its checks pass; undefined: they do not. */
  readonly readySince: number | undefined;
}

export interface UpdatePolicy {
  /** So many more than the size there may be during an update. */
  readonly maxSurge: number;
  /** So many fewer than the size may be ready. */
  readonly maxUnavailable: number;
  /** A new instance counts as ready once its checks have passed for this long, ms. */
  readonly minReady: number;
}

/** Whether a new instance has passed for as long as it must before others go for it. */
export function isProven(readySince: number | undefined, now: number, { minReady }: UpdatePolicy): boolean {
  return readySince !== undefined && now - readySince >= minReady;
}

export interface PlanInput {
  readonly now: number;
  readonly size: number;
  /** Without those that are already leaving. */
  readonly instances: readonly PlannedInstance[];
  /** How many are leaving: with nothing to spare the next one waits for their numbers, ports and addresses. */
  readonly leaving: number;
  /** The edition that all are to have. */
  readonly edition: number;
  /** How many of it are wanted for now; the others stay as they are. */
  readonly wanted: number;
  readonly policy: UpdatePolicy;
}

export interface Plan {
  /** How many to start, of the edition wanted and of the one before. */
  readonly start: { readonly current: number; readonly previous: number };
  /** Ids. */
  readonly leave: readonly string[];
}

/**
 * While an update is under way there are at most `size + maxSurge` instances, and nothing is taken away that would
 * leave fewer than `size - maxUnavailable` ready. What is missing is made up for at once; what is too many goes: first
 * what is not ready, then what is old, then the youngest.
 */
export function plan({ now, size, instances, leaving, edition, wanted, policy }: PlanInput): Plan {
  // What is to be replaced has nothing to prove: while it passes it carries its share, however young it is.
  const isReady = (one: PlannedInstance) =>
    one.edition === edition ? isProven(one.readySince, now, policy) : one.readySince !== undefined;
  const current = instances.filter((one) => one.edition === edition);
  const previous = instances.filter((one) => one.edition !== edition);
  const target = { current: Math.min(wanted, size), previous: size - Math.min(wanted, size) };
  const isUpdating = previous.length > target.previous;

  const held = instances.length + (policy.maxSurge === 0 ? leaving : 0);
  const room = Math.max(0, size + (isUpdating ? policy.maxSurge : 0) - held);
  const startCurrent = Math.min(room, Math.max(0, target.current - current.length));
  const startPrevious = Math.min(room - startCurrent, Math.max(0, target.previous - previous.length));

  // Worst first: what is not ready carries nothing, what is young is cold.
  const worth = (one: PlannedInstance) => Number(one.readySince !== undefined) + Number(isReady(one));
  const worstFirst = (a: PlannedInstance, b: PlannedInstance) =>
    worth(a) - worth(b) || b.startedAt - a.startedAt || (a.id < b.id ? 1 : -1);
  const surplus = [
    ...previous.toSorted(worstFirst).slice(0, Math.max(0, previous.length - target.previous)),
    ...current.toSorted(worstFirst).slice(0, Math.max(0, current.length - target.current)),
  ].sort(
    (a, b) =>
      Number(isReady(a)) - Number(isReady(b)) ||
      Number(a.edition === edition) - Number(b.edition === edition),
  );
  const ready = instances.filter(isReady).length;
  let spare = ready - Math.max(0, size - (isUpdating ? policy.maxUnavailable : 0));
  const leave: string[] = [];
  for (const one of surplus) {
    if (isReady(one)) {
      if (spare <= 0) continue;
      spare--;
    } else if (isUpdating && instances.length - leave.length <= size - policy.maxUnavailable) continue;
    leave.push(one.id);
  }
  return { start: { current: startCurrent, previous: startPrevious }, leave };
}
