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
  /** Those that have ended with an error of their own. */
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

/** The containers of an engine. What was looked into is looked into again only when its line in the list changed, or on word. */
export class Containers {
  readonly #deps: ContainersDeps;
  readonly #known = new Map<string, { line: string; details: ContainerDetails }>();
  readonly #looking = new Map<string, Promise<boolean>>();

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
    const wanted = all.filter((one) => (isRunning(one) || hasFailed(one)) && !isLeaving(one.Id));
    await inParallel(AT_A_TIME, wanted, async (summary) => {
      try {
        if (!(await this.#look(summary, signal))) unknown.push(summary);
      } catch (error) {
        signal.throwIfAborted();
        unknown.push(summary);
        logger.warn('a container could not be looked into; its services stay as they are', {
          container: nameOfSummary(summary),
          error: messageOf(error),
        });
      }
    });
    const ids = new Set(wanted.map(({ Id }) => Id));
    for (const id of this.#known.keys()) if (!ids.has(id)) this.#known.delete(id);
    const known = wanted.flatMap((summary) => {
      const details = this.#known.get(summary.Id)?.details;
      return details === undefined ? [] : [{ details, created: creationOf(summary, details) }];
    });
    const seen = known.sort((a, b) => (a.created < b.created ? -1 : 1)).map(({ details }) => details);
    return {
      running: seen.filter(({ State }) => State?.Running !== false),
      unknown,
      failed: seen.filter(({ State }) => State?.Running === false && isOwnFailure(State.ExitCode ?? 0)),
    };
  }

  /**
   * False when nothing is known that can be relied on: something happened to it meanwhile, or it takes longer than the others are to
   * wait; then `late` is called when it is done.
   */
  async #look(summary: ContainerSummary, signal: AbortSignal): Promise<boolean> {
    const { Id: id } = summary;
    const line = lineOf(summary);
    if (this.#known.get(id)?.line === line) return true;
    this.#known.delete(id);
    const going = this.#looking.get(id);
    if (going !== undefined) return this.#inTime(going);
    const looking: Promise<boolean> = this.#deps.engine.inspectContainer(id, signal).then((details) => {
      // Gone since the list was made.
      if (details === undefined) return true;
      if (this.#looking.get(id) !== looking) return false;
      this.#known.set(id, { line, details });
      return true;
    });
    this.#looking.set(id, looking);
    const over = () => {
      if (this.#looking.get(id) === looking) this.#looking.delete(id);
    };
    looking.then(over, over);
    return this.#inTime(looking, () => looking.then(this.#deps.late, this.#deps.late));
  }

  #inTime(looking: Promise<boolean>, onLate = () => {}): Promise<boolean> {
    return new Promise((resolve, reject) => {
      const cancel = this.#deps.clock.after(PATIENCE, () => {
        onLate();
        resolve(false);
      });
      looking.then(
        (isKnown) => {
          cancel();
          resolve(isKnown);
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

function hasFailed({ State: state, Status: status = '' }: ContainerSummary): boolean {
  if (state !== 'exited' && state !== 'dead') return false;
  return isOwnFailure(Number(/^Exited \((\d+)\)/.exec(status)?.[1] ?? 0));
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
