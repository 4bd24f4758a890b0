import {
  type CallOptions,
  type Connection,
  callOf,
  type Params,
  type ReadOptions,
  segment,
} from './connection.ts';
import { Watch, type WatchOptions } from './watch.ts';

export interface UserEvent {
  ID: string;
  Name: string;
  /** Base64; null when there is none. */
  Payload: string | null;
  /** Regular expressions: who is concerned. */
  NodeFilter: string;
  ServiceFilter: string;
  TagFilter: string;
  Version: number;
  LTime: number;
}

export interface FireOptions extends CallOptions {
  /** Regular expressions of nodes, services and tags that are concerned; `tag` needs `service`. */
  node?: string;
  service?: string;
  tag?: string;
}

/** Custom events: small messages to every agent, kept for a while. */
export class EventCalls {
  readonly #connection: Connection;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  async fire(name: string, payload: string | Uint8Array = '', options: FireOptions = {}): Promise<UserEvent> {
    const { node, service, tag } = options;
    const { bytes } = await this.#connection.send({
      ...callOf(options),
      method: 'PUT',
      path: `/v1/event/fire/${segment(name)}`,
      params: { node, service, tag },
      body: typeof payload === 'string' ? new TextEncoder().encode(payload) : payload,
    });
    return JSON.parse(new TextDecoder().decode(bytes)) as UserEvent;
  }

  /** Those the agent remembers, oldest first; only of one name when it is given. */
  async list(name?: string, options: CallOptions = {}): Promise<UserEvent[]> {
    return (await this.#list(name, options, {})).value;
  }

  watch(name?: string, options: WatchOptions = {}): Watch<UserEvent[]> {
    // The list's index takes all of 64 bits, which a number does not hold: it is kept as text, and counted.
    let position: string | undefined;
    let views = 0;
    return new Watch(async (read: ReadOptions) => {
      const asked: Params = read.index === undefined ? {} : { index: position, wait: read.wait };
      const { value, index } = await this.#list(name, read, asked);
      if (index !== position || views === 0) views++;
      position = index;
      return { value, index: views, status: 200 };
    }, options);
  }

  async #list(
    name: string | undefined,
    options: CallOptions,
    params: Params,
  ): Promise<{ value: UserEvent[]; index: string }> {
    const { response, bytes } = await this.#connection.send({
      ...callOf(options),
      path: '/v1/event/list',
      params: { ...params, name },
      ...(params.index === undefined ? {} : { timeout: BLOCKED_TIMEOUT }),
    });
    return {
      value: JSON.parse(new TextDecoder().decode(bytes)) as UserEvent[],
      index: response.headers.get('x-consul-index') ?? '',
    };
  }
}

/** A watch waits for a minute, a sixteenth longer so that clients spread, and a moment for the answer; ms. */
const BLOCKED_TIMEOUT = 75_000;
