import { iphash } from './iphash.ts';
import { leastbandwidth } from './leastbandwidth.ts';
import { leastconn } from './leastconn.ts';
import { maglev } from './maglev.ts';
import { p2cEwma } from './p2c-ewma.ts';
import { rendezvous } from './rendezvous.ts';
import { rnd } from './rnd.ts';
import { rr } from './rr.ts';
import type { Strategy } from './strategy.ts';
import { weight } from './weight.ts';

/** Every strategy by the name it has in configuration. A new one is a file and a line here. */
export const STRATEGIES = {
  rr,
  rnd,
  leastconn,
  weight,
  leastbandwidth,
  'p2c-ewma': p2cEwma,
  iphash,
  maglev,
  rendezvous,
} as const satisfies Record<string, Strategy>;

export type StrategyName = keyof typeof STRATEGIES;

export const STRATEGY_NAMES = Object.keys(STRATEGIES) as StrategyName[];
