import type { Clock } from '../lib/clock.ts';
import type { Logger } from '../lib/log.ts';
import type { Store } from '../store/store.ts';
import type { RegistryLimits, ScriptsFrom } from './admit.ts';
import type { StaticDefinitions } from './definition.ts';
import type { LocalDisk } from './disk.ts';
import type { FloodPolicy } from './flood.ts';
import type { LocalNode } from './node.ts';

export interface RegistryOptions {
  store: Store;
  node: LocalNode;
  /** Where the registrations are kept, closed by the registry when it stops; unless given, nothing outlives a restart. */
  disk?: LocalDisk | undefined;
  clock: Clock;
  /** In [0, 1). */
  random: () => number;
  logger: Logger;
  /** From the configuration. */
  definitions?: StaticDefinitions;
  limits?: Partial<RegistryLimits>;
  /** Who may register checks that run programs; nobody unless told otherwise, as they run as this agent's user. */
  scripts?: ScriptsFrom;
  /** How many instances may become critical at once. */
  flood?: FloodPolicy;
  checkUpdateInterval?: number;
  reconcileInterval?: number;
}

/** For statistics. `heldBack`: failing checks that the limit on floods keeps from being critical. */
export interface RegistryCounts {
  readonly services: number;
  readonly checks: number;
  readonly probed: number;
  readonly ttl: number;
  readonly alias: number;
  readonly heldBack: number;
}
