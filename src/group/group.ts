/** A number of like instances: started, watched, ended. How many there are to be is for others to say. */
import type { Clock } from '../lib/clock.ts';
import { systemClock } from '../lib/clock.ts';
import type { Logger } from '../lib/log.ts';
import type { KeptInstance } from './disk.ts';
import { Instance, type InstanceDeps, type InstanceView, type Keep } from './instance.ts';
import type { Edition } from './rollout.ts';
import type { GroupSpec } from './spec.ts';

/** Of an instance that somebody else counts. */
export interface Identity {
  readonly number: number;
  readonly id: string;
}

export interface GroupEvent {
  group: string;
  instance: InstanceView;
}

export interface GroupDeps {
  logger: Logger;
  /** What each instance finds in its environment besides what its kind inherits, such as CONSUL_HTTP_ADDR. */
  env?: Readonly<Record<string, string>>;
  /** By which the containers of this node are known as its own. */
  owner?: string;
  /** Takes each line that an instance writes. */
  output?: (instance: string, stream: 'stdout' | 'stderr', line: string) => void;
  clock?: Clock;
  /** In [0, 1). */
  random?: () => number;
  /** For instances that run on when Muster ends; undefined: they end with it. */
  keep?: Keep | undefined;
}

export class Group {
  readonly name: string;
  readonly #deps: InstanceDeps;
  readonly #listeners = new Set<(event: GroupEvent) => void>();
  /** By their numbers. */
  readonly #instances = new Map<number, Instance>();

  constructor(name: string, deps: GroupDeps) {
    this.name = name;
    this.#deps = {
      clock: deps.clock ?? systemClock,
      random: deps.random ?? Math.random,
      logger: deps.logger,
      env: deps.env ?? {},
      owner: deps.owner ?? '',
      keep: deps.keep,
      output: deps.output ?? (() => {}),
      changed: (instance) => {
        for (const listener of this.#listeners) listener({ group: name, instance });
      },
    };
  }

  /** In the order of their numbers. */
  instances(): InstanceView[] {
    return this.members().map((instance) => instance.view());
  }

  members(): Instance[] {
    return [...this.#instances].sort(([a], [b]) => a - b).map(([, instance]) => instance);
  }

  /** Called with every change of an instance's state; the answer ends it. */
  subscribe(listener: (event: GroupEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /**
   * Starts one more instance, under the lowest number that is free or as the one that is named. A program that cannot be started or ends is no
   * error here: it is reported and tried again. Throws `group.failed` when there is no free port.
   */
  async add(edition: Edition, identity?: Identity): Promise<Instance> {
    let number = identity?.number ?? 1;
    while (identity === undefined && this.#instances.has(number)) number++;
    const instance = new Instance(this.name, edition, number, this.#deps, { id: identity?.id });
    // Before it runs: its number is taken and its events are ours.
    this.#instances.set(number, instance);
    try {
      await instance.start();
    } catch (error) {
      this.#instances.delete(number);
      throw error;
    }
    return instance;
  }

  /**
   * Takes over an instance that an earlier run of Muster left. When it has ended meanwhile it is started again, if it is
   * needed.
   */
  async adopt(kept: KeptInstance, { isNeeded = true } = {}): Promise<Instance> {
    const { number, edition, template } = kept;
    const instance = new Instance(this.name, { number: edition, template }, number, this.#deps, { kept });
    this.#instances.set(number, instance);
    await instance.adopt({ isNeeded });
    return instance;
  }

  /** Ends an instance (SIGTERM, and SIGKILL after the stop timeout) and forgets it. Resolves when it is gone. */
  async remove(instance: Instance): Promise<void> {
    await instance.stop();
    if (this.#instances.get(instance.number) === instance) this.#instances.delete(instance.number);
  }

  /** Ends all instances. Idempotent; resolves when all are gone. They stay to be looked at. */
  async stop(): Promise<void> {
    await Promise.all(this.members().map((instance) => instance.stop()));
  }

  /** Lets go of all instances: they run on until a later run of Muster adopts them. */
  release(): void {
    for (const instance of this.#instances.values()) instance.release();
  }

  /** Kills all instances now; `stop()` then resolves soon. */
  kill(): void {
    for (const instance of this.#instances.values()) instance.kill();
  }
}

/** A group with all its replicas. Throws `group.failed` when there are not enough free ports; nothing is left running then. */
export async function startGroup(spec: GroupSpec, deps: GroupDeps): Promise<Group> {
  const group = new Group(spec.name, deps);
  try {
    for (let count = 0; count < spec.replicas; count++) await group.add({ number: 1, template: spec });
  } catch (error) {
    await group.stop();
    throw error;
  }
  return group;
}
