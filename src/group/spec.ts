import type { AutoscaleSpec } from './autoscale/spec.ts';
import type { DriverKind } from './drivers.ts';
import type { HealPolicy } from './heal.ts';
import type { UpdatePolicy } from './plan.ts';
import type { PortRange } from './ports.ts';
import type { RestartPolicy } from './restart.ts';
import type { RollbackPolicy } from './verdict.ts';

/** What an instance is started from; times in ms. */
export interface Template {
  driver: DriverKind;
  command: readonly string[];
  /** Absolute. */
  cwd: string;
  env: Readonly<Record<string, string>>;
  /** Names of the ports that each instance gets; the first is `PORT`. */
  ports: readonly string[];
  portRange: PortRange;
  stopTimeout: number;
  restart: RestartPolicy;
}

/** A number of like instances. */
export interface GroupSpec extends Template {
  name: string;
  replicas: number;
}

/** A group whose size, health and edition are looked after. */
export interface ManagedSpec extends GroupSpec {
  /** The service as which instances are registered; undefined: an instance that runs is ready. */
  service?: string | undefined;
  /** How long requests in flight may take once an instance gets no new ones, ms. */
  drainTimeout: number;
  autoscale?: AutoscaleSpec | undefined;
  heal?: HealPolicy | undefined;
  update: UpdatePolicy & {
    /** Share of the instances that is updated before the others wait for `resume`; 0: none waits. */
    readonly canary: number;
    readonly rollback: RollbackPolicy;
  };
}
