/**
 * How many instances of a node may become critical in how short a time, as arithmetic. When a switch breaks, or the
 * agent itself loses its network, everything that it looks at seems dead at once; a catalog that believes it is empty.
 */
export interface FloodPolicy {
  /** Part of the node's instances that may become critical within the interval, in (0, 1]; 1 is no limit. */
  readonly share: number;
  /** So many may, however few there are. */
  readonly floor: number;
  /** In ms. */
  readonly interval: number;
}

/**
 * A fifth in five minutes: a broken switch is noticed, or mended, while most of the catalog stands. Fifty at once are a
 * host that died or a deployment that failed, and are believed.
 */
export const DEFAULT_FLOOD_POLICY: FloodPolicy = { share: 0.2, floor: 50, interval: 300_000 };

/** How much of the limit is used up. It flows off evenly: a full limit within the interval. */
export interface Level {
  readonly used: number;
  /** When that was, in ms. */
  readonly at: number;
}

export const EMPTY_LEVEL: Level = { used: 0, at: 0 };

/** How many may become critical at once, of `instances`. */
export function capacityOf({ share, floor }: FloodPolicy, instances: number): number {
  if (share >= 1) return Number.POSITIVE_INFINITY;
  return Math.max(floor, Math.floor(share * instances), 1);
}

/** The level at `now`. A clock that goes back changes nothing. */
function flowOff(level: Level, policy: FloodPolicy, instances: number, now: number): Level {
  const capacity = capacityOf(policy, instances);
  if (capacity === Number.POSITIVE_INFINITY) return { used: 0, at: now };
  const passed = Math.max(0, now - level.at);
  return { used: Math.max(0, level.used - (capacity * passed) / policy.interval), at: now };
}

/** The level after one more instance became critical, or undefined when it may not yet. */
export function takeOne(
  level: Level,
  policy: FloodPolicy,
  instances: number,
  now: number,
): Level | undefined {
  const { used } = flowOff(level, policy, instances, now);
  // Room for rounding: what flowed off in a thousand steps is as much as in one.
  return used + 1 <= capacityOf(policy, instances) + 1e-6 ? { used: used + 1, at: now } : undefined;
}

/** How long, in ms, until one more may become critical. */
export function waitForOne(level: Level, policy: FloodPolicy, instances: number, now: number): number {
  const { used } = flowOff(level, policy, instances, now);
  const capacity = capacityOf(policy, instances);
  return used + 1 <= capacity ? 0 : ((used + 1 - capacity) * policy.interval) / capacity;
}
