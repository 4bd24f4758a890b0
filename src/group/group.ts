/** A fixed number of like instances. */
import path from 'node:path';
import type { Clock } from '../lib/clock.ts';
import { systemClock } from '../lib/clock.ts';
import type { Logger } from '../lib/log.ts';
import { Instance, type InstanceView } from './instance.ts';
import type { GroupSpec } from './spec.ts';

export interface GroupEvent {
  group: string;
  instance: InstanceView;
}

export interface GroupDeps {
  logger: Logger;
  /** Added to Muster's own environment for each instance, such as CONSUL_HTTP_ADDR. */
  env?: Readonly<Record<string, string>>;
  /** Takes each line that an instance writes. */
  output?: (instance: string, stream: 'stdout' | 'stderr', line: string) => void;
  clock?: Clock;
  /** In [0, 1). */
  random?: () => number;
}

export interface Group {
  readonly spec: GroupSpec;
  instances(): InstanceView[];
  /** Called with every change of an instance's state; the answer ends it. */
  subscribe(listener: (event: GroupEvent) => void): () => void;
  /** Ends all instances: SIGTERM, and SIGKILL after the stop timeout. Idempotent; resolves when all are gone. */
  stop(): Promise<void>;
  /** Kills all instances now; `stop()` then resolves soon. */
  kill(): void;
}

/**
 * Starts all instances of a group. A program that cannot be started or ends is no error here: it is reported and
 * tried again. Throws `group.failed` when there are not enough free ports; nothing is left running then.
 */
export async function startGroup(spec: GroupSpec, deps: GroupDeps): Promise<Group> {
  const listeners = new Set<(event: GroupEvent) => void>();
  const instances: Instance[] = [];
  const instanceDeps = {
    clock: deps.clock ?? systemClock,
    random: deps.random ?? Math.random,
    logger: deps.logger,
    env: { ...ownEnvironment(), ...deps.env },
    output: deps.output ?? (() => {}),
    changed: (instance: InstanceView) => {
      for (const listener of listeners) listener({ group: spec.name, instance });
    },
  };
  const stop = async (): Promise<void> => {
    await Promise.all(instances.map((instance) => instance.stop()));
  };
  try {
    for (let number = 1; number <= spec.replicas; number++)
      instances.push(await Instance.start(spec, number, instanceDeps));
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    spec,
    instances: () => instances.map((instance) => instance.view()),
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    stop,
    kill() {
      for (const instance of instances) instance.kill();
    },
  };
}

function ownEnvironment(): Record<string, string> {
  const own: Record<string, string> = {};
  for (const [name, value] of Object.entries(process.env)) if (value !== undefined) own[name] = value;
  // `node` in a command is found even when the Node that runs Muster is not in PATH; one that is there wins.
  own.PATH = [own.PATH, path.dirname(process.execPath)].filter(Boolean).join(path.delimiter);
  return own;
}
