import type { ManualStore } from '../../../api/admin/manual.ts';
import type { Discovery, InstanceListener } from '../../../discovery/instance.ts';
import type { Clock } from '../../../lib/clock.ts';
import type { Logger } from '../../../lib/log.ts';
import type { CommandText } from '../../../route/commands.ts';
import type { FabioConfig } from '../config.ts';

/** What a registry tells the balancer, and may use. */
export interface RegistryContext {
  readonly config: FabioConfig;
  readonly log: Logger;
  readonly clock: Clock;
  /** In [0, 1). */
  readonly random: () => number;
  /** Route commands instead of all before. */
  setCommands(texts: readonly CommandText[]): void;
  /** The page for requests without a route. */
  setNoRoutePage(html: string): void;
}

/** Where the routes of a balancer come from. */
export interface Registry {
  /** Instances with tags; undefined where there are commands alone. */
  discover?: (listener: InstanceListener) => Discovery;
  /** Begins to tell of commands and pages. */
  start(context: RegistryContext): void;
  /** Commands that operators write; undefined where there is nothing to write to. */
  readonly manual?: ManualStore;
  /** Makes the balancer known under these names besides its own; called again when they change. */
  register?(names: readonly string[]): void;
  /** Takes all of that back. Idempotent; also when the registry is away. */
  deregister?(): Promise<void>;
  /** Leaves it to another process that has done the same. */
  release?(): void;
  /** Idempotent. */
  stop(): void;
}

/** Opens a registry as the configuration says. Throws `config.invalid`. */
export type OpenRegistry = (config: FabioConfig, log: Logger) => Registry;
