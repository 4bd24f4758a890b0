import { AclCalls } from './acl.ts';
import { AgentCalls } from './agent.ts';
import { CatalogCalls } from './catalog.ts';
import { ConfigCalls } from './config.ts';
import {
  type Answer,
  type CallOptions,
  Connection,
  type Params,
  type ReadOptions,
  type Request,
} from './connection.ts';
import { CoordinateCalls } from './coordinate.ts';
import { EventCalls } from './event.ts';
import { HealthCalls } from './health.ts';
import { KvCalls } from './kv.ts';
import { OperatorCalls } from './operator.ts';
import type { ClientOptions } from './options.ts';
import { SessionCalls } from './session.ts';
import { SnapshotCalls } from './snapshot.ts';
import { StatusCalls } from './status.ts';
import type { Reply } from './transport.ts';
import { Watch, type WatchOptions } from './watch.ts';

/**
 * A client of one agent, Muster's or Consul's. Calls reject with `client.unreachable`, with `client.refused`
 * (a `RefusedError`, with the status and what the agent said) or with the reason of their aborted signal.
 */
export class Client {
  readonly acl: AclCalls;
  readonly agent: AgentCalls;
  readonly catalog: CatalogCalls;
  readonly config: ConfigCalls;
  readonly coordinate: CoordinateCalls;
  readonly event: EventCalls;
  readonly health: HealthCalls;
  readonly kv: KvCalls;
  readonly operator: OperatorCalls;
  readonly session: SessionCalls;
  readonly snapshot: SnapshotCalls;
  readonly status: StatusCalls;
  readonly #connection: Connection;

  constructor(options: ClientOptions = {}) {
    this.#connection = new Connection(options);
    this.acl = new AclCalls(this.#connection);
    this.agent = new AgentCalls(this.#connection);
    this.catalog = new CatalogCalls(this.#connection);
    this.config = new ConfigCalls(this.#connection);
    this.coordinate = new CoordinateCalls(this.#connection);
    this.event = new EventCalls(this.#connection);
    this.health = new HealthCalls(this.#connection);
    this.kv = new KvCalls(this.#connection);
    this.operator = new OperatorCalls(this.#connection);
    this.session = new SessionCalls(this.#connection);
    this.snapshot = new SnapshotCalls(this.#connection);
    this.status = new StatusCalls(this.#connection);
  }

  /** URL of the agent. */
  get address(): string {
    return this.#connection.address;
  }

  /**
   * Any endpoint that answers JSON, with its index: for what has no method of its own. The value is undefined for a status
   * in `accept`.
   */
  read<T>(
    path: string,
    options: ReadOptions = {},
    params: Params = {},
    accept: number[] = [],
  ): Promise<Answer<T>> {
    return this.#connection.read<T>(path, options, params, accept);
  }

  /** Any endpoint that takes blocking queries. */
  watch<T>(path: string, options: WatchOptions = {}, params: Params = {}): Watch<T> {
    return new Watch((read) => this.#connection.read<T>(path, read, params), options);
  }

  /** Any endpoint that is written to with PUT; its answer as JSON, undefined when it is empty. */
  put<T>(path: string, body?: unknown, options: CallOptions = {}, params: Params = {}): Promise<T> {
    return this.#connection.put<T>(path, options, body, params);
  }

  /** Any endpoint, with the answer's headers and bytes. */
  send(request: Request): Promise<{ response: Reply; bytes: Uint8Array }> {
    return this.#connection.send(request);
  }
}
