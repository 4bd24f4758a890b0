import { EngineConnection, EngineRefusal } from './connection.ts';
import { type DockerEndpoint, endpointFromEnv } from './endpoint.ts';
import { readEvents } from './events.ts';
import { demultiplexer, type TakePiece } from './exec-output.ts';
import type {
  ContainerDetails,
  ContainerRequest,
  ContainerSummary,
  EngineEvent,
  EngineVersion,
  ExecState,
} from './types.ts';

export interface ListOptions {
  /** Also those that do not run. Default false. */
  all?: boolean;
  /** As in Docker's API: `{ label: ["app=web"], status: ["running"] }`. */
  filters?: Readonly<Record<string, readonly string[]>>;
  signal?: AbortSignal;
}

export interface EventOptions {
  /** Begin with what happened at this time, in seconds since the epoch with up to nine decimals; engines keep some hundred events. */
  since?: string;
  filters?: Readonly<Record<string, readonly string[]>>;
  signal?: AbortSignal;
}

/** Of one container or exec: some kilobytes, and what people put into labels and environments. */
const MAX_ONE = 8 * 1024 * 1024;
/** Making, starting and ending a container takes seconds on a busy machine; ms. */
const SLOW = 60_000;
/** Of a list: two kilobytes a container, and labels. */
const MAX_LIST = 128 * 1024 * 1024;

/**
 * A container engine that speaks Docker's API: Docker, Podman. Every call rejects with `docker.unreachable`,
 * `docker.refused` (an `EngineRefusal` with the status and the engine's words) or the reason of its aborted signal.
 */
export class DockerEngine {
  readonly #connection: EngineConnection;

  constructor(endpoint: DockerEndpoint) {
    this.#connection = new EngineConnection(endpoint);
  }

  /** The one that Docker's own tools would use. Throws `config.invalid`. */
  static fromEnv(env: Readonly<Record<string, string | undefined>>): DockerEngine {
    return new DockerEngine(endpointFromEnv(env));
  }

  /** For people: "unix:///var/run/docker.sock". */
  get address(): string {
    return this.#connection.address;
  }

  async version(signal?: AbortSignal): Promise<EngineVersion> {
    return objectOf(await this.#connection.json({ method: 'GET', path: '/version', signal }, MAX_ONE));
  }

  async listContainers({ all = false, filters, signal }: ListOptions = {}): Promise<ContainerSummary[]> {
    const query = { all: all ? '1' : undefined, filters: filters && JSON.stringify(filters) };
    const list = await this.#connection.json(
      { method: 'GET', path: '/containers/json', query, signal },
      MAX_LIST,
    );
    if (!Array.isArray(list)) throw new EngineRefusal('the engine did not answer with a list', 200);
    return list.filter((one): one is ContainerSummary => typeof one?.Id === 'string');
  }

  /** By ID or name; undefined when there is none. */
  async inspectContainer(id: string, signal?: AbortSignal): Promise<ContainerDetails | undefined> {
    const path = `/containers/${encodeURIComponent(id)}/json`;
    try {
      const details = objectOf(await this.#connection.json({ method: 'GET', path, signal }, MAX_ONE));
      if (typeof details.Id !== 'string' || typeof details.Name !== 'string' || !isObject(details.Config))
        throw new EngineRefusal(`the engine told nothing about the container ${id}`, 200);
      return details as unknown as ContainerDetails;
    } catch (error) {
      if (error instanceof EngineRefusal && error.status === 404) return undefined;
      throw error;
    }
  }

  /**
   * What happens from now on, or from `since`; resolves once the engine listens for it. The iterator ends when the
   * engine ends the stream and rejects when it breaks off. `followEvents` outlives the engine.
   */
  async events({ since, filters, signal }: EventOptions = {}): Promise<AsyncGenerator<EngineEvent, void>> {
    const query = { since, filters: filters && JSON.stringify(filters) };
    const answer = await this.#connection.open({ method: 'GET', path: '/events', query, signal });
    const connection = this.#connection;
    return (async function* () {
      try {
        yield* readEvents(answer);
      } catch (cause) {
        if (signal?.aborted) return;
        throw connection.trouble(cause);
      } finally {
        answer.destroy();
      }
    })();
  }

  /** Makes a container, which does not run yet; resolves to its ID. `request` as in Docker's API. */
  async createContainer(name: string, request: ContainerRequest, signal?: AbortSignal): Promise<string> {
    const call = {
      method: 'POST',
      path: '/containers/create',
      query: { name },
      body: request,
      signal,
    } as const;
    const { Id: id } = objectOf(await this.#connection.json({ ...call, timeout: SLOW }, MAX_ONE));
    if (typeof id !== 'string' || id === '')
      throw new EngineRefusal('the engine did not name its container', 200);
    return id;
  }

  startContainer(id: string, signal?: AbortSignal): Promise<void> {
    return this.#connection.done({ method: 'POST', path: pathOf(id, 'start'), signal, timeout: SLOW });
  }

  /** SIGTERM (or what its image says), and SIGKILL after `seconds`; resolves when it has ended. */
  stopContainer(id: string, seconds: number, signal?: AbortSignal): Promise<void> {
    const query = { t: String(seconds) };
    const timeout = SLOW + seconds * 1000;
    return this.#connection.done({ method: 'POST', path: pathOf(id, 'stop'), query, signal, timeout });
  }

  killContainer(id: string, signal?: AbortSignal): Promise<void> {
    return this.#connection.done({ method: 'POST', path: pathOf(id, 'kill'), signal });
  }

  /** With its unnamed volumes; one that runs is killed. Nothing happens when it is not there. */
  async removeContainer(id: string, signal?: AbortSignal): Promise<void> {
    const query = { force: '1', v: '1' };
    const path = `/containers/${encodeURIComponent(id)}`;
    try {
      await this.#connection.done({ method: 'DELETE', path, query, signal, timeout: SLOW });
    } catch (error) {
      // 409: somebody else is removing it.
      if (!(error instanceof EngineRefusal) || (error.status !== 404 && error.status !== 409)) throw error;
    }
  }

  /**
   * What a container without a terminal writes, each message with the time in front, from `since` (as in `EventOptions`) on;
   * resolves when the container has ended.
   */
  async logs(id: string, take: TakePiece, since: string, signal?: AbortSignal): Promise<void> {
    const query = { follow: '1', stdout: '1', stderr: '1', timestamps: '1', since };
    const answer = await this.#connection.open({ method: 'GET', path: pathOf(id, 'logs'), query, signal });
    const split = demultiplexer(take);
    try {
      for await (const chunk of answer) split(chunk as Buffer);
    } catch (cause) {
      throw this.#connection.trouble(cause, signal);
    } finally {
      answer.destroy();
    }
  }

  /** Prepares a command in a running container; resolves to the ID of the exec. */
  async createExec(container: string, argv: readonly string[], signal?: AbortSignal): Promise<string> {
    const path = `/containers/${encodeURIComponent(container)}/exec`;
    const body = { AttachStdout: true, AttachStderr: true, Cmd: argv };
    const { Id: id } = objectOf(await this.#connection.json({ method: 'POST', path, body, signal }, MAX_ONE));
    if (typeof id !== 'string' || id === '') throw new EngineRefusal('the engine did not name its exec', 200);
    return id;
  }

  /** Runs it; resolves once both outputs, which go to `write` as they come, are closed. */
  async startExec(id: string, write: (output: Buffer) => void, signal?: AbortSignal): Promise<void> {
    const path = `/exec/${encodeURIComponent(id)}/start`;
    const body = { Detach: false, Tty: false };
    const answer = await this.#connection.open({ method: 'POST', path, body, signal });
    const split = demultiplexer(write);
    try {
      for await (const chunk of answer) split(chunk as Buffer);
    } catch (cause) {
      throw this.#connection.trouble(cause, signal);
    }
  }

  async inspectExec(id: string, signal?: AbortSignal): Promise<ExecState> {
    const path = `/exec/${encodeURIComponent(id)}/json`;
    const { Running, ExitCode } = objectOf(
      await this.#connection.json({ method: 'GET', path, signal }, MAX_ONE),
    );
    return { running: Running === true, exitCode: typeof ExitCode === 'number' ? ExitCode : null };
  }
}

function pathOf(container: string, what: string): string {
  return `/containers/${encodeURIComponent(container)}/${what}`;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function objectOf(value: unknown): Record<string, unknown> {
  if (isObject(value)) return value;
  throw new EngineRefusal('the engine did not answer with a JSON object', 200);
}
