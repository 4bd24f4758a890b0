import type { TagOptions } from './catalog.ts';
import { type Connection, type Params, type ReadOptions, segment } from './connection.ts';
import type { CheckState, HealthCheck, ServiceEntry } from './types.ts';
import { Watch, type WatchOptions } from './watch.ts';

export interface HealthOptions extends TagOptions {
  /** Only instances all of whose checks pass. */
  passing?: boolean;
}

/** Who is well. */
export class HealthCalls {
  readonly #connection: Connection;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  /** Instances of a service with their nodes and checks. */
  async service(name: string, options: ReadOptions & HealthOptions = {}): Promise<ServiceEntry[]> {
    const [path, params] = serviceOf(name, options);
    return (await this.#connection.read<ServiceEntry[]>(path, options, params)).value;
  }

  watchService(name: string, options: WatchOptions & HealthOptions = {}): Watch<ServiceEntry[]> {
    const [path, params] = serviceOf(name, options);
    return new Watch((read) => this.#connection.read(path, read, params), options);
  }

  /** Checks of a service's instances. */
  async checks(service: string, options: ReadOptions = {}): Promise<HealthCheck[]> {
    return (await this.#connection.read<HealthCheck[]>(`/v1/health/checks/${segment(service)}`, options))
      .value;
  }

  watchChecks(service: string, options: WatchOptions = {}): Watch<HealthCheck[]> {
    const path = `/v1/health/checks/${segment(service)}`;
    return new Watch((read) => this.#connection.read(path, read), options);
  }

  /** Checks on a node: its own and those of its services. */
  async node(name: string, options: ReadOptions = {}): Promise<HealthCheck[]> {
    return (await this.#connection.read<HealthCheck[]>(`/v1/health/node/${segment(name)}`, options)).value;
  }

  watchNode(name: string, options: WatchOptions = {}): Watch<HealthCheck[]> {
    const path = `/v1/health/node/${segment(name)}`;
    return new Watch((read) => this.#connection.read(path, read), options);
  }

  async state(state: CheckState | 'any', options: ReadOptions = {}): Promise<HealthCheck[]> {
    return (await this.#connection.read<HealthCheck[]>(`/v1/health/state/${state}`, options)).value;
  }

  watchState(state: CheckState | 'any', options: WatchOptions = {}): Watch<HealthCheck[]> {
    return new Watch((read) => this.#connection.read(`/v1/health/state/${state}`, read), options);
  }
}

function serviceOf(name: string, { tag, passing }: HealthOptions): [string, Params] {
  return [`/v1/health/service/${segment(name)}`, { tag, passing: passing ? 1 : undefined }];
}
