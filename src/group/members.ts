/** The instances of a group that run on this node: how they come and go. */
import { messageOf } from '../errors.ts';
import type { ControllerDeps } from './controller.ts';
import { Crew, type Member } from './crew.ts';
import type { KeptInstance } from './disk.ts';
import type { Group, Identity } from './group.ts';
import type { Instance, InstanceView } from './instance.ts';
import type { Edition } from './rollout.ts';
import type { ManagedSpec } from './spec.ts';
import type { Surroundings } from './surroundings.ts';

/** How often it is looked whether an instance that gets no new requests is done, in ms. */
const DRAIN_LOOK = 50;

type MembersDeps = Pick<ControllerDeps, 'clock' | 'logger'>;

export class Members extends Crew<Instance> {
  readonly #group: Group;
  readonly #deps: MembersDeps;
  readonly #listeners = new Set<() => void>();
  /** As they were registered, by their ids. */
  readonly #registered = new Map<string, InstanceView>();
  readonly #going = new Set<Promise<void>>();
  #released = false;
  #stopped = false;

  constructor(group: Group, surroundings: Surroundings, deps: MembersDeps) {
    super(surroundings);
    this.#group = group;
    this.#deps = deps;
    group.subscribe(({ instance }) => void this.#follow(instance));
  }

  /** All of them. */
  instances(): Instance[] {
    return this.all.map(({ instance }) => instance);
  }

  override async add(edition: Edition, identity?: Identity): Promise<void> {
    const instance = await this.#group.add(edition, identity);
    if (this.#stopped) return;
    this.all.push({ instance, readySince: undefined, failingSince: undefined });
    await this.#register(instance.view());
    // Not if all was ended meanwhile.
    if (this.#stopped) await this.#forget(instance.view());
  }

  override async adopt(kept: readonly KeptInstance[], patience: number): Promise<void> {
    await Promise.all(
      kept.map(async (row) => {
        const instance = await this.#group.adopt(row, { isNeeded: !row.leaving });
        const member = { instance, readySince: undefined, failingSince: undefined };
        this.all.push(member);
        if (instance.leaving) this.#go(member, patience);
      }),
    );
  }

  override async describe(spec: ManagedSpec): Promise<void> {
    for (const instance of this.instances()) instance.describe(spec);
    await Promise.all(this.present().map(({ instance }) => this.#register(instance.view())));
  }

  override leave(member: Member<Instance>, patience: number): void {
    if (member.instance.leaving) return;
    member.instance.leave();
    this.#go(member, patience);
  }

  override release(): void {
    this.#released = true;
    this.#group.release();
  }

  override async dissolve(patience: number): Promise<void> {
    for (const member of this.present()) this.leave(member, patience);
    await Promise.all(this.#going);
    // What was just being started.
    await this.stop();
  }

  override async stop(): Promise<void> {
    this.#stopped = true;
    await this.#group.stop();
    await Promise.all(this.all.map(({ instance }) => this.#forget(instance.view())));
  }

  override kill(): void {
    this.#group.kill();
  }

  override subscribe(listener: () => void): () => void {
    this.#listeners.add(listener);
    const unsubscribe = this.#group.subscribe(listener);
    return () => {
      this.#listeners.delete(listener);
      unsubscribe();
    };
  }

  #go(member: Member<Instance>, patience: number): void {
    const going = this.#end(member.instance, patience)
      .catch((error: unknown) => {
        this.#deps.logger.error(`cannot end ${member.instance.name}: ${messageOf(error)}`);
      })
      .finally(() => {
        this.all = this.all.filter((one) => one !== member);
        this.#going.delete(going);
        for (const listener of this.#listeners) listener();
      });
    this.#going.add(going);
  }

  async #end(instance: Instance, patience: number): Promise<void> {
    try {
      await this.surroundings.withdraw(instance.view());
      await this.#drained(instance, patience);
    } finally {
      if (!this.#released) {
        await this.#group.remove(instance);
        await this.#forget(instance.view());
      }
    }
  }

  #drained(instance: Instance, patience: number): Promise<void> {
    const { clock } = this.#deps;
    const end = clock.now() + patience;
    return new Promise((resolve) => {
      const look = (): void => {
        const view = instance.view();
        const inFlight = this.surroundings.traffic(view)?.inFlight ?? 0;
        const isDone = inFlight === 0 || view.state.mode !== 'running';
        // Who waits for its process, even for the next one of one that was killed, is not sent away.
        const isOver = (isDone && instance.waiting === 0) || clock.now() >= end;
        if (isOver || this.#released) resolve();
        else clock.after(DRAIN_LOOK, look);
      };
      // The balancer's workers learn a moment after the catalog that it gets no more.
      clock.after(Math.max(DRAIN_LOOK, this.surroundings.hearsay ?? 0), look);
    });
  }

  /** Somebody else may have taken its port between two of its starts: what is there now is not to get its requests. */
  async #follow(view: InstanceView): Promise<void> {
    const before = this.#registered.get(view.id);
    if (before === undefined || before.port === view.port || this.#stopped || this.#released) return;
    this.#registered.set(view.id, view);
    await this.#forget(before);
    if (this.present().some(({ instance }) => instance.id === view.id)) await this.#register(view);
  }

  async #register(view: InstanceView): Promise<void> {
    this.#registered.set(view.id, view);
    await this.surroundings.register(view).catch((error: unknown) => {
      this.#deps.logger.error(`cannot register ${view.name}: ${messageOf(error)}`);
    });
  }

  async #forget(view: InstanceView): Promise<void> {
    if (this.#registered.get(view.id)?.port === view.port) this.#registered.delete(view.id);
    await this.surroundings.forget(view).catch((error: unknown) => {
      this.#deps.logger.warn(`${view.name} may still be registered: ${messageOf(error)}`);
    });
  }
}
