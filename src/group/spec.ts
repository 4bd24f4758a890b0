import type { AutoscaleSpec } from './autoscale/spec.ts';
import type { GroupKind } from './drivers.ts';
import type { GceSpec } from './gce/client.ts';
import type { HealPolicy } from './heal.ts';
import type { UpdatePolicy } from './plan.ts';
import type { PortRange } from './ports.ts';
import type { RestartPolicy } from './restart.ts';
import type { Limits } from './rlimits.ts';
import type { RollbackPolicy } from './verdict.ts';

/** What a container is made from besides what all instances have. */
export interface ContainerSpec {
  readonly image: string;
  /** Where the engine listens, as in DOCKER_HOST; "": where Docker's own tools would look. */
  readonly engine: string;
  /** On which ports its program listens, by the names of the group's `ports`; others listen on their `$PORT_…`. */
  readonly ports: Readonly<Record<string, number>>;
  /** Address at which its ports are published. */
  readonly publish: string;
  /** "bridge", "host", or the name of a network. */
  readonly network: string;
  /** "/here:/there" or "/here:/there:ro", and "volume:/there". */
  readonly volumes: readonly string[];
  readonly labels: Readonly<Record<string, string>>;
  /** Bytes; 0: no limit. */
  readonly memory: number;
  /** Processors; 0: no limit. */
  readonly cpus: number;
}

/** What an instance is started from; times in ms. */
export interface Template {
  driver: GroupKind;
  /** Empty: that of the container's image. */
  command: readonly string[];
  /** Of driver `docker`. */
  container?: ContainerSpec | undefined;
  /** Absolute. */
  cwd: string;
  env: Readonly<Record<string, string>>;
  /** Of driver `process`. */
  limits?: Limits | undefined;
  /** Names of the ports that each instance gets; the first is `PORT`. */
  ports: readonly string[];
  portRange: PortRange;
  /**
   * Of driver `process`: addresses at which Muster listens for the instance and hands the sockets to its program, by their names.
   * With variables in them.
   */
  listen?: Readonly<Record<string, string>> | undefined;
  stopTimeout: number;
  restart: RestartPolicy;
}

/** A number of like instances. */
export interface GroupSpec extends Template {
  name: string;
  replicas: number;
}

/** How a group is spread over the nodes of a cluster. */
export interface PlacementSpec {
  /** Instances of a node that is silent for so long are started elsewhere, ms. */
  readonly grace: number;
  /** What a node has to have in its metadata to get any. */
  readonly nodeMeta: Readonly<Record<string, string>>;
  /** What a node does with its own that hears of no server for so long. */
  readonly cutOff: 'keep' | 'end';
}

/** A group whose size, health and edition are looked after. */
export interface ManagedSpec extends GroupSpec {
  /** The service as which instances are registered; undefined: an instance that runs is ready. */
  service?: string | undefined;
  /** How long requests in flight may take once an instance gets no new ones, ms. */
  drainTimeout: number;
  /** Of driver `gce-mig`. */
  gce?: GceSpec | undefined;
  /** Undefined: it runs on one node. */
  placement?: PlacementSpec | undefined;
  autoscale?: AutoscaleSpec | undefined;
  heal?: HealPolicy | undefined;
  update: Omit<UpdatePolicy, 'minReady'> & {
    /** Undefined: see `updateOf`. */
    readonly minReady?: number | undefined;
    /** Share of the instances that is updated before the others wait for `resume`; 0: none waits. */
    readonly canary: number;
    readonly rollback: RollbackPolicy;
  };
}

export type Update = ManagedSpec['update'] & UpdatePolicy;

/** A program that needs longer than this until it takes connections, ms, is one to have a check or a `min_ready` of its own. */
const UNCHECKED_MIN_READY = 5_000;

/** How a group is updated. Of one that no checks look after nothing is known but that its processes run: they are given time to begin, or to end again. */
export function updateOf({ service, update }: Pick<ManagedSpec, 'service' | 'update'>): Update {
  return { ...update, minReady: update.minReady ?? (service === undefined ? UNCHECKED_MIN_READY : 0) };
}

/** What of a group an instance is started from and lives by. */
export function templateOf(template: Template): Template {
  const { stopTimeout, restart } = template;
  return { ...shapeOf(template), stopTimeout, restart };
}

/** What instances are made from: another one is another edition. */
export function shapeOf({
  driver,
  command,
  container,
  cwd,
  env,
  limits,
  ports,
  portRange,
  listen,
}: Template) {
  return {
    driver,
    command,
    ...(container === undefined ? {} : { container }),
    cwd,
    env,
    ...(limits === undefined ? {} : { limits }),
    ports,
    portRange,
    ...(listen === undefined ? {} : { listen }),
  };
}
