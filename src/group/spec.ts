import type { DriverKind } from './drivers.ts';
import type { PortRange } from './ports.ts';
import type { RestartPolicy } from './restart.ts';

/** A group as the configuration describes it; times in ms. */
export interface GroupSpec {
  name: string;
  driver: DriverKind;
  replicas: number;
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
