/**
 * The machines of a managed instance group as the instances of a group: Google makes and deletes them, Muster says how many
 * there are to be and which go.
 */
import { messageOf } from '../../errors.ts';
import type { Clock } from '../../lib/clock.ts';
import { Gather } from '../../lib/gather.ts';
import type { Logger } from '../../lib/log.ts';
import { Crew, type CrewInstance, type Member } from '../crew.ts';
import type { InstanceState, InstanceView } from '../instance.ts';
import type { Edition } from '../rollout.ts';
import type { Surroundings } from '../surroundings.ts';
import type { GceClient, ManagedInstance } from './client.ts';

/** How often Google is asked, ms. The API allows some twenty reads a second to a project. */
const REFRESH = 5_000;
/** They will not be there for long. */
const GOING = new Set(['DELETING', 'ABANDONING']);

interface Machine extends CrewInstance {
  /** Undefined: it was asked for and is not listed yet. */
  readonly url: string | undefined;
  readonly said: ManagedInstance;
}

export interface MigCrewOptions {
  readonly client: GceClient;
  readonly surroundings: Surroundings;
  readonly clock: Clock;
  readonly logger: Logger;
}

export class MigCrew extends Crew<Machine> {
  readonly #client: GceClient;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #adding = new Gather<Adding>((wanted) => this.#addAll(wanted));
  readonly #listeners = new Set<() => void>();
  /** The edition that was current when a machine was first seen, and since when it is known, by its URL. */
  readonly #seen = new Map<string, { edition: number; at: number }>();
  /** What Muster has asked Google to delete. */
  readonly #left = new Set<string>();
  #edition = 1;
  /** The size that Google was given last, by us or by somebody else. */
  #target = 0;
  #changedAt: number;
  #trouble = '';
  #cancel = () => {};
  #stopped = false;

  constructor({ client, surroundings, clock, logger }: MigCrewOptions) {
    super(surroundings);
    this.#client = client;
    this.#clock = clock;
    this.#logger = logger;
    this.#changedAt = clock.now();
  }

  /** Reads the group for the first time; answers its size. Rejects with `group.failed`. */
  async open(): Promise<number> {
    const { status } = await this.#read();
    if (status?.autoscaler)
      this.#logger.warn(
        `Google's own autoscaler (${status.autoscaler.split('/').pop()}) looks after this group too: delete it or set its mode to off, or both resize the group in turn`,
      );
    this.#cancel = this.#clock.after(REFRESH, () => void this.#refresh());
    return this.#target;
  }

  override add(edition: Edition): Promise<void> {
    return new Promise((resolve, reject) => this.#adding.add({ edition: edition.number, resolve, reject }));
  }

  /** What Google has is there already. */
  override async adopt(): Promise<void> {}

  /** The machine is told to shut down: what it serves is for its own shutdown to end in order. */
  override leave({ instance }: Member<Machine>): void {
    const { url, name } = instance;
    if (url === undefined) {
      // Not made yet: asked for one too many.
      this.#resize(this.#target - 1).catch((error: unknown) => this.#say(messageOf(error)));
      return;
    }
    if (this.#left.has(url)) return;
    this.#left.add(url);
    this.#target--;
    this.#client.remove([url]).then(
      () => this.#logger.info(`${name} is being deleted`),
      (error: unknown) => {
        this.#left.delete(url);
        this.#target++;
        this.#say(messageOf(error));
      },
    );
  }

  /** The machines are Google's: they stay. */
  override release(): void {
    this.#stopped = true;
    this.#cancel();
  }

  override async stop(): Promise<void> {
    this.release();
  }

  override kill(): void {}

  override subscribe(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  async #addAll(wanted: readonly Adding[]): Promise<void> {
    this.#edition = Math.max(this.#edition, ...wanted.map(({ edition }) => edition));
    try {
      await this.#resize(this.#target + wanted.length);
    } catch (error) {
      for (const { reject } of wanted) reject(error);
      return;
    }
    for (const { resolve } of wanted) resolve();
  }

  async #resize(size: number): Promise<void> {
    await this.#client.resize(size);
    this.#target = size;
    this.#changedAt = this.#clock.now();
    this.#arrange(this.all.flatMap(({ instance }) => (instance.url === undefined ? [] : [instance.said])));
  }

  async #refresh(): Promise<void> {
    try {
      await this.#read();
      this.#say('');
    } catch (error) {
      // What was known last stays.
      this.#say(messageOf(error));
    }
    if (!this.#stopped) this.#cancel = this.#clock.after(REFRESH, () => void this.#refresh());
  }

  async #read() {
    const asked = this.#clock.now();
    const [manager, listed] = await Promise.all([this.#client.manager(), this.#client.instances()]);
    // What was changed while it was read is newer.
    if (asked >= this.#changedAt) this.#target = manager.targetSize;
    for (const { lastAttempt } of listed)
      for (const { code, message } of lastAttempt?.errors?.errors ?? [])
        this.#say(`Google cannot make a machine: ${code ?? ''} ${message ?? ''}`);
    this.#arrange(listed);
    for (const listener of this.#listeners) listener();
    return manager;
  }

  /** Those that are listed, and one for each that was asked for and is not listed yet. */
  #arrange(listed: readonly ManagedInstance[]): void {
    const known = new Map(this.all.map((member) => [member.instance.id, member]));
    const machines = listed.flatMap((one) => this.#machineOf(one) ?? []);
    const present = machines.filter(({ leaving }) => !leaving).length;
    for (let number = 1; number <= this.#target - present; number++)
      machines.push(awaited(number, this.#edition, this.#changedAt));
    this.all = machines.map((instance) => {
      const { readySince, failingSince } = known.get(instance.id) ?? {};
      return { instance, readySince, failingSince };
    });
    const urls = new Set(machines.map(({ url }) => url));
    for (const url of this.#seen.keys()) if (!urls.has(url)) this.#seen.delete(url);
    for (const url of this.#left) if (!urls.has(url)) this.#left.delete(url);
  }

  #machineOf(said: ManagedInstance): Machine | undefined {
    const url = said.instance;
    const name = said.name ?? url?.split('/').pop();
    if (url === undefined || name === undefined) return undefined;
    let seen = this.#seen.get(url);
    if (seen === undefined) {
      seen = { edition: this.#edition, at: this.#clock.now() };
      this.#seen.set(url, seen);
    }
    const { edition, at } = seen;
    const isRunning = said.instanceStatus === 'RUNNING';
    const leaving = GOING.has(said.currentAction ?? '') || this.#left.has(url);
    const state: InstanceState = isRunning
      ? { mode: 'running', since: at, pid: undefined }
      : { mode: leaving ? 'stopping' : 'stopped', since: at };
    const view = (): InstanceView => ({
      name,
      id: said.id ?? name,
      ports: {},
      port: undefined,
      state,
      restarts: 0,
      node: name,
    });
    return { name, id: said.id ?? name, edition, addedAt: at, leaving, url, said, view };
  }

  #say(what: string): void {
    if (what !== '' && what !== this.#trouble) this.#logger.warn(what);
    this.#trouble = what;
  }
}

interface Adding {
  readonly edition: number;
  resolve(): void;
  reject(error: unknown): void;
}

function awaited(number: number, edition: number, since: number): Machine {
  const [name, id] = [`(awaited ${number})`, `awaited-${number}`];
  const view = (): InstanceView => ({
    name,
    id,
    ports: {},
    port: undefined,
    state: { mode: 'stopped', since },
    restarts: 0,
    node: '',
  });
  return { name, id, edition, addedAt: since, leaving: false, url: undefined, said: {}, view };
}
