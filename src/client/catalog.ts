import { type CallOptions, type Connection, type Params, type ReadOptions, segment } from './connection.ts';
import type {
  CatalogDeregistration,
  CatalogNode,
  CatalogRegistration,
  CatalogService,
  NodeEntry,
} from './types.ts';
import { Watch, type WatchOptions } from './watch.ts';

export interface TagOptions {
  /** Only instances with this tag, or with all of these. */
  tag?: string | readonly string[];
}

/** What all nodes together know. */
export class CatalogCalls {
  readonly #connection: Connection;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  async datacenters(options: CallOptions = {}): Promise<string[]> {
    return (await this.#connection.read<string[]>('/v1/catalog/datacenters', options)).value;
  }

  async nodes(options: ReadOptions = {}): Promise<NodeEntry[]> {
    return (await this.#connection.read<NodeEntry[]>('/v1/catalog/nodes', options)).value;
  }

  watchNodes(options: WatchOptions = {}): Watch<NodeEntry[]> {
    return new Watch((read) => this.#connection.read('/v1/catalog/nodes', read), options);
  }

  /** Tags of all instances by service name. */
  async services(options: ReadOptions = {}): Promise<Record<string, string[]>> {
    return (await this.#connection.read<Record<string, string[]>>('/v1/catalog/services', options)).value;
  }

  watchServices(options: WatchOptions = {}): Watch<Record<string, string[]>> {
    return new Watch((read) => this.#connection.read('/v1/catalog/services', read), options);
  }

  /** Instances whatever their health; see `health.service` for those that can be used. */
  async service(name: string, options: ReadOptions & TagOptions = {}): Promise<CatalogService[]> {
    const [path, params] = serviceOf(name, options);
    return (await this.#connection.read<CatalogService[]>(path, options, params)).value;
  }

  watchService(name: string, options: WatchOptions & TagOptions = {}): Watch<CatalogService[]> {
    const [path, params] = serviceOf(name, options);
    return new Watch((read) => this.#connection.read(path, read, params), options);
  }

  /** A node with its services, or undefined when there is none of that name or ID. */
  async node(name: string, options: ReadOptions = {}): Promise<CatalogNode | undefined> {
    const path = `/v1/catalog/node/${segment(name)}`;
    const { value } = await this.#connection.read<CatalogNode | null>(path, options, {}, [404]);
    return value ?? undefined;
  }

  /** For what runs on no agent. What runs on one is registered there: `agent.register`. */
  async register(registration: CatalogRegistration, options: CallOptions = {}): Promise<void> {
    await this.#connection.put('/v1/catalog/register', options, registration);
  }

  async deregister(what: CatalogDeregistration, options: CallOptions = {}): Promise<void> {
    await this.#connection.put('/v1/catalog/deregister', options, what);
  }
}

function serviceOf(name: string, { tag }: TagOptions): [string, Params] {
  return [`/v1/catalog/service/${segment(name)}`, { tag }];
}
