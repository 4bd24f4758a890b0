/** What an instance can be. A further kind is one file and one line here. */
import { dockerDriver } from './docker.ts';
import type { HeldSocket } from './held-sockets.ts';
import type { OutputFolder, TakeOutput } from './output-files.ts';
import type { ProcessIdentity } from './proc.ts';
import { processDriver } from './process.ts';
import type { Template } from './spec.ts';

/** How an instance ended. */
export interface Ending {
  /** Exit code, when it ended by itself and that is known. */
  code: number | null;
  /** The signal that ended it. */
  signal: string | null;
  /** Why it could not even be started. */
  error?: string;
}

/** By what a later run of Muster finds an instance; plain JSON. */
export type Handle =
  | { readonly kind: 'process'; readonly process: ProcessIdentity; readonly cgroup?: string | undefined }
  | { readonly kind: 'docker'; readonly container: string };

export interface Launch {
  /** `hello-3` */
  readonly name: string;
  /** In the environment as MUSTER_INSTANCE_ID. */
  readonly id: string;
  readonly template: Template;
  /** Of the node that it runs on. */
  readonly owner: string;
  /** With what is filled in. */
  readonly command: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** On this machine, by the names of the group's `ports`. */
  readonly ports: Readonly<Record<string, number>>;
  /** Listening sockets for its program. */
  readonly sockets: readonly HeldSocket[];
  readonly output: TakeOutput;
  /** Where its output goes when it outlives Muster; undefined: it ends with Muster, whatever ends that. */
  readonly keep: OutputFolder | undefined;
  /** Told once it is known by what it is found again. */
  readonly found: (handle: Handle) => void;
  /** Told when `pid` or `health` of what runs may be another. */
  readonly changed: () => void;
}

export interface Running {
  /** Of its first process on this machine; undefined while and where it is not known. */
  readonly pid: number | undefined;
  /** What a container's own health check says: "starting", "healthy", "unhealthy"; undefined: it has none. */
  readonly health?: string | undefined;
  /** Resolves when the instance and everything it started is gone. Never rejects. */
  readonly ended: Promise<Ending>;
  /** Asks it to end; what is left after `timeout` ms is killed. Resolves with `ended`. */
  stop(timeout: number): Promise<void>;
  /** Kills it and everything it started, now. */
  kill(): void;
  /** Lets go of it: it runs on, and nothing more is told of it. */
  release(): void;
}

/** What could not even be started, and why. */
export function notStarted(error: string): Running {
  return asEnded(Promise.resolve({ code: null, signal: null, error }));
}

export function asEnded(ended: Promise<Ending>): Running {
  const stop = async (): Promise<void> => {
    await ended;
  };
  return { pid: undefined, ended, stop, kill() {}, release() {} };
}

export interface Driver {
  /** What instances inherit from Muster's own environment. */
  environment(): Readonly<Record<string, string>>;
  /** On which ports the program is to listen, by those that it is reached at. */
  portsInside(template: Template, ports: Readonly<Record<string, number>>): Readonly<Record<string, number>>;
  /** Starts an instance. Never throws: what cannot be started has `ended` at once, with `error`. */
  launch(launch: Launch): Running;
  /**
   * Takes over an instance that an earlier run of Muster started; undefined when it is there no more. `handle` is what
   * that run knew last: an instance that was started in its very last moment is found without it. Rejects when nobody can
   * tell.
   */
  adopt(handle: Handle | undefined, launch: Launch): Promise<Running | undefined>;
}

const DRIVERS = {
  process: processDriver,
  docker: dockerDriver,
} as const satisfies Record<string, Driver>;

/** `gce-mig`: Google starts them, see `gce/`. */
export const GROUP_KINDS = [...(Object.keys(DRIVERS) as (keyof typeof DRIVERS)[]), 'gce-mig'] as const;
export type GroupKind = (typeof GROUP_KINDS)[number];

/** Of a group whose instances are started one by one. */
export function driverOf({ driver }: Template): Driver {
  if (driver === 'gce-mig') throw new TypeError('the machines of a gce-mig are not started one by one');
  return DRIVERS[driver];
}
