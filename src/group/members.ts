/** The instances of a group that run on this node: how they come and go. */
import { messageOf } from '../errors.ts';
import type { ControllerDeps } from './controller.ts';
import { Crew, type Member } from './crew.ts';
import type { KeptInstance } from './disk.ts';
import type { Group, Identity } from './group.ts';
import type { Instance } from './instance.ts';
import type { Edition } from './rollout.ts';
import type { Surroundings } from './surroundings.ts';

/** How often it is looked whether an instance that gets no new requests is done, in ms. */
const DRAIN_LOOK = 50;

type MembersDeps = Pick<ControllerDeps, 'clock' | 'logger'>;

export class Members extends Crew<Instance> {
  readonly #group: Group;
  readonly #deps: MembersDeps;
  readonly #listeners = new Set<() => void>();
  #released = false;

  constructor(group: Group, surroundings: Surroundings, deps: MembersDeps) {
    super(surroundings);
    this.#group = group;
    this.#deps = deps;
  }

  /** All of them. */
  instances(): Instance[] {
    return this.all.map(({ instance }) => instance);
  }

  override async add(edition: Edition, identity?: Identity): Promise<void> {
    const instance = await this.#group.add(edition, identity);
    this.all.push({ instance, readySince: undefined, failingSince: undefined });
    await this.#register(instance);
  }

  override async adopt(kept: readonly KeptInstance[], patience: number): Promise<void> {
    await Promise.all(
      kept.map(async (row) => {
        const instance = await this.#group.adopt(row, { isNeeded: !row.leaving });
        const member = { instance, readySince: undefined, failingSince: undefined };
        this.all.push(member);
        // Its registration has outlived Muster as it has, with the state of its checks.
        if (this.surroundings.health(instance.view()) === undefined) await this.#register(instance);
        if (instance.leaving) this.#go(member, patience);
      }),
    );
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

  override async stop(): Promise<void> {
    await this.#group.stop();
    await Promise.all(this.all.map(({ instance }) => this.#forget(instance)));
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
    void this.#end(member.instance, patience)
      .catch((error: unknown) => {
        this.#deps.logger.error(`cannot end ${member.instance.name}: ${messageOf(error)}`);
      })
      .finally(() => {
        this.all = this.all.filter((one) => one !== member);
        for (const listener of this.#listeners) listener();
      });
  }

  async #end(instance: Instance, patience: number): Promise<void> {
    try {
      await this.surroundings.withdraw(instance.view());
      await this.#drained(instance, patience);
    } finally {
      if (!this.#released) {
        await this.#group.remove(instance);
        await this.#forget(instance);
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

  async #register(instance: Instance): Promise<void> {
    await this.surroundings.register(instance.view()).catch((error: unknown) => {
      this.#deps.logger.error(`cannot register ${instance.name}: ${messageOf(error)}`);
    });
  }

  async #forget(instance: Instance): Promise<void> {
    await this.surroundings.forget(instance.view()).catch((error: unknown) => {
      this.#deps.logger.warn(`${instance.name} may still be registered: ${messageOf(error)}`);
    });
  }
}
