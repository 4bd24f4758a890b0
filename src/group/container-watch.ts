/** Which of the containers of our groups still run: looked at whenever their engine says anything, or is there again. */
import { DockerEngine } from '../docker/engine.ts';
import { followEvents } from '../docker/events.ts';
import type { ContainerDetails } from '../docker/types.ts';
import type { Ending } from './drivers.ts';
import type { Template } from './spec.ts';

export type ContainerState = NonNullable<ContainerDetails['State']>;

interface Watched {
  readonly resolve: (ending: Ending) => void;
  readonly ended: Promise<Ending>;
  changed: (state: ContainerState) => void;
}

const engines = new Map<string, DockerEngine>();
const watches = new Map<DockerEngine, ContainerWatch>();

/** The engine of a group's containers: its own setting, or the one that Docker's tools would use. Throws `config.invalid`. */
export function engineOf({ container }: Template): DockerEngine {
  const address = container?.engine || process.env.DOCKER_HOST || '';
  let engine = engines.get(address);
  if (engine === undefined) {
    engine = DockerEngine.fromEnv({ ...process.env, DOCKER_HOST: address });
    engines.set(address, engine);
  }
  return engine;
}

export class ContainerWatch {
  readonly engine: DockerEngine;
  readonly #watched = new Map<string, Watched>();
  #following: AbortController | undefined;

  static of(engine: DockerEngine): ContainerWatch {
    let watch = watches.get(engine);
    if (watch === undefined) {
      watch = new ContainerWatch(engine);
      watches.set(engine, watch);
    }
    return watch;
  }

  /** Use `of`: one stream of events serves all containers of an engine. */
  private constructor(engine: DockerEngine) {
    this.engine = engine;
  }

  /** Its processes are processes of this machine. */
  get isLocal(): boolean {
    return this.engine.address.startsWith('unix:');
  }

  /** Resolves when the container does not run any more, or was given up. */
  ended(id: string): Promise<Ending> {
    const { ended } = this.#entry(id);
    if (this.#following === undefined) void this.#follow();
    // From here on nothing is missed; what was before may have been.
    this.look(id);
    return ended;
  }

  /** Calls whenever there may be news of it. */
  changed(id: string, listener: (state: ContainerState) => void): void {
    this.#entry(id).changed = listener;
  }

  /** Whatever becomes of it. */
  giveUp(id: string, why: string): void {
    this.#watched.get(id)?.resolve({ code: null, signal: null, ...(why === '' ? {} : { error: why }) });
  }

  forget(id: string): void {
    this.#watched.delete(id);
    if (this.#watched.size > 0) return;
    this.#following?.abort();
    this.#following = undefined;
  }

  /** Asks the engine; while that is away, what was known last stays. */
  look(id: string): void {
    const watched = this.#watched.get(id);
    if (watched === undefined) return;
    this.engine.inspectContainer(id).then(
      (details) => {
        const state = details?.State;
        if (state?.Running === true || state?.Restarting === true) watched.changed(state);
        else watched.resolve(endingOf(state));
      },
      () => {},
    );
  }

  #entry(id: string): Watched {
    let watched = this.#watched.get(id);
    if (watched === undefined) {
      let resolve: (ending: Ending) => void = () => {};
      const ended = new Promise<Ending>((done) => {
        resolve = done;
      });
      watched = { ended, resolve, changed: () => {} };
      this.#watched.set(id, watched);
    }
    return watched;
  }

  async #follow(): Promise<void> {
    const following = new AbortController();
    this.#following = following;
    const filters = { type: ['container'], label: ['muster.instance-id'] };
    for await (const news of followEvents(this.engine, { signal: following.signal, filters })) {
      if (news.kind === 'listening') for (const id of this.#watched.keys()) this.look(id);
      else if (news.kind === 'event') this.look(news.event.Actor?.ID ?? '');
    }
  }
}

function endingOf(state: ContainerState | undefined): Ending {
  if (state === undefined) return { code: null, signal: null };
  const { ExitCode: code = null, Error: error } = state;
  return error ? { code: null, signal: null, error } : { code, signal: null };
}
