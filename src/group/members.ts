/** The instances of a managed group with what is known of each: how they come, are seen, and go. */
import { messageOf } from '../errors.ts';
import type { ControllerDeps } from './controller.ts';
import type { Group } from './group.ts';
import type { Instance } from './instance.ts';
import type { Edition } from './rollout.ts';
import type { Surroundings } from './surroundings.ts';
import type { ManagedInstance } from './view.ts';

/** How often it is looked whether an instance that gets no new requests is done, in ms. */
const DRAIN_LOOK = 50;

export interface Member {
  readonly instance: Instance;
  readonly edition: number;
  readonly startedAt: number;
  /** Undefined: it is not ready. */
  readySince: number | undefined;
  /** Undefined: its checks do not fail. */
  failingSince: number | undefined;
  /** It gets no new requests and will end. */
  leaving: boolean;
}

export class Members {
  readonly #group: Group;
  readonly #surroundings: Surroundings;
  readonly #deps: Pick<ControllerDeps, 'clock' | 'logger'>;
  readonly #gone: () => void;
  #all: Member[] = [];

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
    return this.#all.filter(({ leaving }) => !leaving);
  }

  views(): ManagedInstance[] {
    return this.#all
      .map(({ instance, edition, readySince, leaving }) => {
        const view = instance.view();
        const health = this.#surroundings.health(view) ?? null;
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
      const health = isChecked ? this.#surroundings.health(view) : 'passing';
      const isReady = runs && (health === 'passing' || health === 'warning');
      member.readySince = isReady ? (member.readySince ?? now) : undefined;
      const fails = runs && !isReady && health !== 'maintenance';
      member.failingSince = fails ? (member.failingSince ?? now) : undefined;
    }
  }

  /** Throws `group.failed` when there is no free port. */
  async add({ number, template }: Edition): Promise<void> {
    const { clock, logger } = this.#deps;
    const instance = await this.#group.add(template);
    this.#all.push({
      instance,
      edition: number,
      startedAt: clock.now(),
      readySince: undefined,
      failingSince: undefined,
      leaving: false,
    });
    await this.#surroundings.register(instance.view()).catch((error: unknown) => {
      logger.error(`cannot register ${instance.name}: ${messageOf(error)}`);
    });
  }

  /** No new requests, then what is in flight (for at most `patience` ms), then the end. It makes room at once. */
  leave(member: Member, patience: number): void {
    if (member.leaving) return;
    member.leaving = true;
    void this.#end(member.instance, patience)
      .catch((error: unknown) => {
        this.#deps.logger.error(`cannot end ${member.instance.name}: ${messageOf(error)}`);
      })
      .finally(() => {
        this.#all = this.#all.filter((one) => one !== member);
        this.#gone();
      });
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
      await this.#group.remove(instance);
      await this.#forget(instance);
    }
  }

  #drained(instance: Instance, patience: number): Promise<void> {
    const { clock } = this.#deps;
    const end = clock.now() + patience;
    return new Promise((resolve) => {
      const look = (): void => {
        const view = instance.view();
        const inFlight = this.#surroundings.traffic(view)?.inFlight ?? 0;
        if (inFlight === 0 || clock.now() >= end || view.state.mode !== 'running') resolve();
        else clock.after(DRAIN_LOOK, look);
      };
      // The balancer's workers learn a moment after the catalog that it gets no more.
      clock.after(DRAIN_LOOK, look);
    });
  }

  async #forget(instance: Instance): Promise<void> {
    await this.#surroundings.forget(instance.view()).catch((error: unknown) => {
      this.#deps.logger.warn(`${instance.name} may still be registered: ${messageOf(error)}`);
    });
  }
}
