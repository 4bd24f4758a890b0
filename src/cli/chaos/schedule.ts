/** Which fault when, and on whom: pure, so that a seed says it all. */
import type { Rule } from './plan.ts';

export interface Step {
  /** Milliseconds from the beginning. */
  readonly at: number;
  readonly rule: Rule;
  /** In [0, 1): which of those who could be hit. */
  readonly draw: number;
}

/** How much sooner or later than `every` a fault comes again. */
const JITTER = 0.2;

/** Faults that begin before `length` ms are over, in order. `random` in [0, 1). */
export function scheduleOf(rules: readonly Rule[], length: number, random: () => number): Step[] {
  const steps: Step[] = [];
  for (const rule of rules) {
    let at = rule.first ?? rule.every * (0.3 + 0.7 * random());
    while (at < length) {
      steps.push({ at, rule, draw: random() });
      at += rule.every * (1 + JITTER * (2 * random() - 1));
    }
  }
  return steps.sort((a, b) => a.at - b.at);
}

export interface Candidate {
  readonly group: string;
  readonly instance: string;
  readonly pid: number | undefined;
  readonly ready: boolean;
}

export interface Choice {
  /** Instances that a fault lasts on. */
  readonly hurt: ReadonlySet<string>;
  /** Groups with more than one instance: those that a rule without groups means. */
  readonly shared: ReadonlySet<string>;
}

/** Who is hit. Undefined: whoever could be is hurt already, or the last that has to be spared. */
export function victimOf(
  { rule, draw }: Pick<Step, 'rule' | 'draw'>,
  candidates: readonly Candidate[],
  { hurt, shared }: Choice,
): Candidate | undefined {
  const isMeant = ({ group }: Candidate) =>
    rule.groups.length > 0 ? rule.groups.includes(group) : shared.has(group);
  const well = candidates.filter((one) => isMeant(one) && one.ready && !hurt.has(one.instance));
  // Of rules for every group each group spares its own.
  const may = well.filter((one) => {
    const others = rule.groups.length > 0 ? well : well.filter(({ group }) => group === one.group);
    return others.length > rule.spare && one.pid !== undefined;
  });
  return may[Math.floor(draw * may.length)];
}
