import type { StrategyName } from '../../balance/strategies.ts';

interface Balance {
  readonly strategy: StrategyName;
  /** Whether weights and priorities count. */
  readonly isWeighted: boolean;
}

/** gobetween's ways to balance, by ours. A new one is a line here. */
export const BALANCES = {
  weight: { strategy: 'weight', isWeighted: true },
  roundrobin: { strategy: 'rr', isWeighted: false },
  leastconn: { strategy: 'leastconn', isWeighted: false },
  leastbandwidth: { strategy: 'leastbandwidth', isWeighted: false },
  iphash: { strategy: 'iphash', isWeighted: false },
  iphash1: { strategy: 'rendezvous', isWeighted: false },
} as const satisfies Record<string, Balance>;

export type BalanceName = keyof typeof BALANCES;
