/** The instances of a managed group with what is known of each: how they come, are seen, and go. */
import { messageOf } from '../errors.ts';
import type { ControllerDeps } from './controller.ts';
import type { KeptInstance } from './disk.ts';
import type { Group } from './group.ts';
import type { Instance, InstanceView } from './instance.ts';
import type { Edition } from './rollout.ts';
import type { Health, Surroundings } from './surroundings.ts';
import type { ManagedInstance } from './view.ts';

/** How often it is looked whether an instance that gets no new requests is done, in ms. */
const DRAIN_LOOK = 50;

export interface Member {
  readonly instance: Instance;
  /** Undefined: it is not ready. */
  readySince: number | undefined;
  /** Undefined: its checks do not fail. */
  failingSince: number | undefined;
}

export class Members {
  readonly #group: Group;
  readonly #surroundings: Surroundings;
  readonly #deps: Pick<ControllerDeps, 'clock' | 'logger'>;
  readonly #gone: () => void;
  #all: Member[] = [];
  #released = false;

  /** `gone` is called when an instance that left is gone. */
  constructor(
    group: Group,
    surroundings: Surroundings,
    deps: Pick<ControllerDeps, 'clock' | 'logger'>,
    gone: () => void,
  ) {
    this.#group = group;
    this.#surroundings = surroundings;
    this.#deps = deps;
    this.#gone = gone;
  }

  /** Those that are not leaving. */
  present(): Member[] {
    return this.#all.filter(({ instance }) => !instance.leaving);
  }

  views(): ManagedInstance[] {
    return this.#all
      .map(({ instance, readySince }) => {
        const { edition, leaving } = instance;
        const view = instance.view();
        const health =
          this.#surroundings.health(view) ?? (view.health === undefined ? null : ownHealth(view));
        return { ...view, edition, health, ready: readySince !== undefined && !leaving, leaving };
      })
      .sort((a, b) =>
        a.name.length === b.name.length ? (a.name < b.name ? -1 : 1) : a.name.length - b.name.length,
      );
  }

  /** With `isChecked` an instance is ready when its checks say so, else when it runs. */
  observe(now: number, isChecked: boolean): void {
    for (const member of this.#all) {
      const view = member.instance.view();
      const runs = view.state.mode === 'running';
      const health = isChecked ? this.#surroundings.health(view) : ownHealth(view);
      const isReady = runs && (health === 'passing' || health === 'warning');
      member.readySince = isReady ? (member.readySince ?? now) : undefined;
      const fails = runs && !isReady && health !== 'maintenance';
      member.failingSince = fails ? (member.failingSince ?? now) : undefined;
    }
  }

  /** Throws `group.failed` when there is no free port. */
  async add(edition: Edition): Promise<void> {
    const instance = await this.#group.add(edition);
    this.#all.push({ instance, readySince: undefined, failingSince: undefined });
    await this.#register(instance);
  }

  /** Takes over what an earlier run of Muster left; who was about to leave goes on with that. */
  async adopt(kept: readonly KeptInstance[], patience: number): Promise<void> {
    await Promise.all(
      kept.map(async (row) => {
        const instance = await this.#group.adopt(row, { isNeeded: !row.leaving });
        const member = { instance, readySince: undefined, failingSince: undefined };
        this.#all.push(member);
        // Its registration has outlived Muster as it has, with the state of its checks.
        if (this.#surroundings.health(instance.view()) === undefined) await this.#register(instance);
        if (instance.leaving) this.#go(member, patience);
      }),
    );
  }

  /** No new requests, then what is in flight (for at most `patience` ms), then the end. It makes room at once. */
  leave(member: Member, patience: number): void {
    if (member.instance.leaving) return;
    member.instance.leave();
    this.#go(member, patience);
  }

  #go(member: Member, patience: number): void {
    void this.#end(member.instance, patience)
      .catch((error: unknown) => {
        this.#deps.logger.error(`cannot end ${member.instance.name}: ${messageOf(error)}`);
      })
      .finally(() => {
        this.#all = this.#all.filter((one) => one !== member);
        this.#gone();
      });
  }

  /** Lets go of all: they run on, registered as they are. */
  release(): void {
    this.#released = true;
    this.#group.release();
  }

  /** Ends all, all at once. */
  async stop(): Promise<void> {
    await this.#group.stop();
    await Promise.all(this.#all.map(({ instance }) => this.#forget(instance)));
  }

  async #end(instance: Instance, patience: number): Promise<void> {
    try {
      await this.#surroundings.withdraw(instance.view());
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
        const inFlight = this.#surroundings.traffic(view)?.inFlight ?? 0;
        if (inFlight === 0 || clock.now() >= end || view.state.mode !== 'running' || this.#released)
          resolve();
        else clock.after(DRAIN_LOOK, look);
      };
      // The balancer's workers learn a moment after the catalog that it gets no more.
      clock.after(DRAIN_LOOK, look);
    });
  }

  async #register(instance: Instance): Promise<void> {
    await this.#surroundings.register(instance.view()).catch((error: unknown) => {
      this.#deps.logger.error(`cannot register ${instance.name}: ${messageOf(error)}`);
    });
  }

  async #forget(instance: Instance): Promise<void> {
    await this.#surroundings.forget(instance.view()).catch((error: unknown) => {
      this.#deps.logger.warn(`${instance.name} may still be registered: ${messageOf(error)}`);
    });
  }
}

/** Of an instance that no checks look after: that of its container, or that it runs. */
function ownHealth({ health }: InstanceView): Health {
  return health === undefined || health === 'healthy' ? 'passing' : 'critical';
}
