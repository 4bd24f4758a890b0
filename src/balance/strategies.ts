import { leastconn } from './leastconn.ts';
import { rnd } from './rnd.ts';
import { rr } from './rr.ts';
import type { Strategy } from './strategy.ts';

/** Every strategy by the name it has in configuration. A new one is a file and a line here. */
export const STRATEGIES = { rr, rnd, leastconn } as const satisfies Record<string, Strategy>;

export type StrategyName = keyof typeof STRATEGIES;

export const STRATEGY_NAMES = Object.keys(STRATEGIES) as StrategyName[];
