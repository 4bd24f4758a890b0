import type { DockerEngine } from '../docker/engine.ts';
import type { ContainerDetails, ContainerSummary } from '../docker/types.ts';
import { messageOf } from '../errors.ts';
import type { Clock } from '../lib/clock.ts';
import { inParallel } from '../lib/in-parallel.ts';
import type { Logger } from '../lib/log.ts';

/** What the engine has at one moment. */
export interface View {
  /** Those that run, the oldest first. */
  readonly running: readonly ContainerDetails[];
  /** Those that are there but could not be looked into: what is known of them stays. */
  readonly unknown: readonly ContainerSummary[];
  /** Those that have ended with an error of their own, and may be about to be started again. */
  readonly failed: readonly ContainerDetails[];
}

/** Inspections at a time: an engine answers one in some milliseconds. */
const AT_A_TIME = 8;
/**
 * How long (ms) the others wait for the look into one. Docker answers nothing about a container that it is just ending, for up
 * to ten seconds.
 */
const PATIENCE = 500;
/** Bit of an exit code that says "by a signal". */
const SIGNALED = 128;

export interface ContainersDeps {
  readonly engine: Pick<DockerEngine, 'listContainers' | 'inspectContainer'>;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Called when a look that nobody waited for is over. */
  readonly late: () => void;
}

/** What a look into a container brought. */
type Look = ContainerDetails | 'gone' | 'later';

/** The containers of an engine. What was looked into is looked into again only when its line in the list changed, or on word. */
export class Containers {
  readonly #deps: ContainersDeps;
  readonly #known = new Map<string, { line: string; details: ContainerDetails }>();
  readonly #looking = new Map<string, Promise<Look>>();

  constructor(deps: ContainersDeps) {
    this.#deps = deps;
  }

  /** Something happened to this container. */
  forget(id: string): void {
    this.#known.delete(id);
    this.#looking.delete(id);
  }

  /** What was seen of a container, for whoever shares its network. */
  async details(id: string, signal: AbortSignal): Promise<ContainerDetails | undefined> {
    return this.#known.get(id)?.details ?? (await this.#deps.engine.inspectContainer(id, signal));
  }

  /**
   * With `failed` those that have ended are looked at too; those that `isLeaving` is true for are left out. Rejects when the
   * engine cannot be asked.
   */
  async view({
    failed,
    isLeaving = () => false,
    signal,
  }: {
    failed: boolean;
    isLeaving?: (id: string) => boolean;
    signal: AbortSignal;
  }): Promise<View> {
    const { engine, logger } = this.#deps;
    const all = await engine.listContainers({ all: failed, signal });
    const unknown: ContainerSummary[] = [];
    const found: { details: ContainerDetails; created: string }[] = [];
    const wanted = all.filter((one) => (isRunning(one) || (failed && hasFailed(one))) && !isLeaving(one.Id));
    const looks = new Map<string, Look>();
    await inParallel(AT_A_TIME, wanted, async (summary) => {
      try {
        looks.set(summary.Id, await this.#look(summary, signal));
      } catch (error) {
        signal.throwIfAborted();
        logger.warn('a container could not be looked into; its services stay as they are', {
          container: nameOfSummary(summary),
          error: messageOf(error),
        });
      }
    });
    for (const summary of wanted) {
      const { Id: id } = summary;
      const look = looks.get(id) ?? 'later';
      if (look === 'gone') continue;
      // Something may have happened to it while the others were looked into.
      if (look === 'later' || this.#known.get(id)?.details !== look) unknown.push(summary);
      else found.push({ details: look, created: creationOf(summary, look) });
    }
    const ids = new Set(wanted.map(({ Id }) => Id));
    for (const id of this.#known.keys()) if (!ids.has(id)) this.#known.delete(id);
    const seen = found.sort((a, b) => (a.created < b.created ? -1 : 1)).map(({ details }) => details);
    return {
      running: seen.filter((one) => !hasEnded(one)),
      unknown,
      failed: seen.filter((one) => failed && hasEnded(one) && isOwnFailure(one.State?.ExitCode ?? 0)),
    };
  }

  /**
   * `later` when nothing is known that can be relied on: something happened to it meanwhile, or it takes longer than the others are
   * to wait; then `late` is called when it is done.
   */
  async #look(summary: ContainerSummary, signal: AbortSignal): Promise<Look> {
    const { Id: id } = summary;
    const line = lineOf(summary);
    const known = this.#known.get(id);
    if (known?.line === line) return known.details;
    this.#known.delete(id);
    const going = this.#looking.get(id);
    if (going !== undefined) return this.#inTime(going);
    const looking: Promise<Look> = this.#deps.engine.inspectContainer(id, signal).then((details) => {
      // Since the list was made.
      if (details === undefined) return 'gone';
      if (this.#looking.get(id) !== looking) return 'later';
      this.#known.set(id, { line, details });
      return details;
    });
    this.#looking.set(id, looking);
    const over = () => {
      if (this.#looking.get(id) === looking) this.#looking.delete(id);
    };
    looking.then(over, over);
    return this.#inTime(looking, () => looking.then(this.#deps.late, this.#deps.late));
  }

  #inTime(looking: Promise<Look>, onLate = () => {}): Promise<Look> {
    return new Promise((resolve, reject) => {
      const cancel = this.#deps.clock.after(PATIENCE, () => {
        onLate();
        resolve('later');
      });
      looking.then(
        (look) => {
          cancel();
          resolve(look);
        },
        (error) => {
          cancel();
          reject(error);
        },
      );
    });
  }
}

/** Sorts by when it was created. The list knows the second alone; two of one second are told apart by what comes behind it. */
function creationOf(
  { Created: second = 0 }: ContainerSummary,
  { Created = '', Id }: ContainerDetails,
): string {
  const fraction = /\.(\d+)/.exec(Created)?.[1] ?? '';
  return `${String(second).padStart(12, '0')} ${fraction.padEnd(9, '0')} ${Id}`;
}

/** A paused container answers nobody: it is out until it goes on. One that restarts has no ports yet. */
function isRunning({ State: state = '' }: ContainerSummary): boolean {
  return state === '' || state === 'running';
}

/** What waits to be started again has failed as well. */
const FAILED_STATES = new Set(['exited', 'dead', 'restarting']);

function hasFailed({ State: state = '', Status: status = '' }: ContainerSummary): boolean {
  if (!FAILED_STATES.has(state)) return false;
  return isOwnFailure(Number(/^(?:Exited|Restarting) \((\d+)\)/.exec(status)?.[1] ?? 0));
}

/** Docker has one that waits to be started again run. */
function hasEnded({ State }: ContainerDetails): boolean {
  return State?.Running === false || State?.Restarting === true;
}

/** An error, and not a signal that somebody sent. */
function isOwnFailure(code: number): boolean {
  return code !== 0 && (code & SIGNALED) === 0;
}

/** What of a line says that there is something new; how long it is up does not. */
function lineOf({
  Names,
  Image,
  State,
  Status = '',
  Ports,
  HostConfig,
  NetworkSettings,
}: ContainerSummary): string {
  const health = /\((.*)\)/.exec(Status)?.[1] ?? '';
  const ports = (Ports ?? []).map((port) => JSON.stringify(port)).sort();
  return JSON.stringify([Names, Image, State, health, ports, HostConfig, NetworkSettings]);
}

export function nameOfSummary({ Id, Names }: ContainerSummary): string {
  // Links add names such as "/web/db": its own has one slash.
  const own = Names?.find((name) => name.lastIndexOf('/') <= 0) ?? Names?.[0] ?? Id.slice(0, 12);
  return own.replace(/^\//, '');
}
