import type { Check } from '../../catalog/rows.ts';
import type { Outcome, PassiveKind } from '../kind.ts';
import { critical } from '../kind.ts';

/** Mirrors the health of another service or node. */
export const alias: PassiveKind = {
  mode: 'derived',
  recognises: (spec) => spec.aliasNode !== '' || spec.aliasService !== '',
};

export interface AliasTarget {
  /** "" for the agent's own node. */
  readonly node: string;
  /** "" for the node itself. */
  readonly service: string;
  /** Whether that service (or, without one, that node) is there at all. */
  readonly exists: boolean;
  /** Checks of the node and of the service, without the alias check itself. */
  readonly checks: readonly Pick<Check, 'name' | 'status' | 'output'>[];
}

/** The worst of the target's checks decides; a target without checks passes, one that is not there is critical. */
export function aliasOutcome({ node, service, exists, checks }: AliasTarget): Outcome {
  if (!exists) return critical(`Service ${service} could not be found on node ${node}`);
  const failing =
    checks.find(({ status }) => status === 'critical') ??
    checks.findLast(({ status }) => status === 'warning');
  if (failing !== undefined)
    return {
      status: failing.status,
      output: `Aliased check ${JSON.stringify(failing.name)} failing: ${failing.output}`,
    };
  return { status: 'passing', output: checks.length === 0 ? 'No checks found.' : 'All checks passing.' };
}
