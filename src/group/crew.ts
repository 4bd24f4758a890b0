/** The instances of a managed group with what is known of each. Where they run is for its kinds to say. */
import type { KeptInstance } from './disk.ts';
import type { InstanceView } from './instance.ts';
import type { Edition } from './rollout.ts';
import type { ManagedSpec } from './spec.ts';
import type { Health, Surroundings } from './surroundings.ts';
import type { ManagedInstance } from './view.ts';

/** An instance as a group's controller needs to know it. */
export interface CrewInstance {
  readonly name: string;
  readonly id: string;
  readonly edition: number;
  /** When it came into the group, ms since the epoch. */
  readonly addedAt: number;
  /** It gets no new requests and will end. */
  readonly leaving: boolean;
  view(): InstanceView;
}

export interface Member<Of extends CrewInstance = CrewInstance> {
  readonly instance: Of;
  /** Undefined: it is not ready. */
  readySince: number | undefined;
  /** Undefined: its checks do not fail. */
  failingSince: number | undefined;
}

export abstract class Crew<Of extends CrewInstance = CrewInstance> {
  protected all: Member<Of>[] = [];
  protected readonly surroundings: Surroundings;

  constructor(surroundings: Surroundings) {
    this.surroundings = surroundings;
  }

  /** Those that are not leaving. */
  present(): Member<Of>[] {
    return this.all.filter(({ instance }) => !instance.leaving);
  }

  /** How many are. */
  get leaving(): number {
    return this.all.length - this.present().length;
  }

  views(): ManagedInstance[] {
    return this.all
      .map(({ instance, readySince }) => {
        const { edition, leaving } = instance;
        const view = instance.view();
        const health = this.surroundings.health(view) ?? (view.health === undefined ? null : ownHealth(view));
        return { ...view, edition, health, ready: readySince !== undefined && !leaving, leaving };
      })
      .sort(byName);
  }

  /** With `isChecked` an instance is ready when its checks say so, else when it runs. */
  observe(now: number, isChecked: boolean): void {
    for (const member of this.all) {
      const view = member.instance.view();
      const runs = view.state.mode === 'running';
      const health = isChecked ? this.surroundings.health(view) : ownHealth(view);
      const isReady = runs && isTaking(health);
      member.readySince = isReady ? (member.readySince ?? now) : undefined;
      const fails = runs && !isReady && health !== 'maintenance';
      member.failingSince = fails ? (member.failingSince ?? now) : undefined;
    }
  }

  /** One more. Throws `group.failed` when there is no free port. */
  abstract add(edition: Edition): Promise<void>;
  /** Takes over what an earlier run of Muster left, registered as it was; who was about to leave goes on with that. */
  abstract adopt(kept: readonly KeptInstance[], patience: number): Promise<void>;
  /** Takes over what of a description holds for instances that are there: how they end, are started again and are registered. */
  async describe(_spec: ManagedSpec): Promise<void> {}
  /** No new requests, then what is in flight (for at most `patience` ms), then the end. It makes room at once. */
  abstract leave(member: Member<Of>, patience: number): void;
  /** Lets go of all: they run on, registered as they are. */
  abstract release(): void;
  /** Has all leave, and resolves when they are gone; ends all at once where nobody takes requests from them. */
  async dissolve(_patience: number): Promise<void> {
    await this.stop();
  }
  /** Ends all, all at once. */
  abstract stop(): Promise<void>;
  /** Kills all now. */
  abstract kill(): void;
  /** Calls when it is time to look again; the answer ends it. */
  abstract subscribe(listener: () => void): () => void;
}

export function isTaking(health: Health | undefined): boolean {
  return health === 'passing' || health === 'warning';
}

export function byName(a: { readonly name: string }, b: { readonly name: string }): number {
  return a.name.length === b.name.length ? (a.name < b.name ? -1 : 1) : a.name.length - b.name.length;
}

/** Of an instance that no checks look after: that of its container, or that it runs. */
export function ownHealth({ health }: Pick<InstanceView, 'health'>): Health {
  return health === undefined || health === 'healthy' ? 'passing' : 'critical';
}
