import { type CallOptions, type Connection, type ReadOptions, segment } from './connection.ts';
import type { SessionEntry, SessionRequest } from './types.ts';

/** Sessions: who holds locks, and until when. */
export class SessionCalls {
  readonly #connection: Connection;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  /** Answers the new session's ID. */
  async create(request: SessionRequest = {}, options: CallOptions = {}): Promise<string> {
    return (await this.#connection.put<{ ID: string }>('/v1/session/create', options, request)).ID;
  }

  async destroy(id: string, options: CallOptions = {}): Promise<void> {
    await this.#connection.put(`/v1/session/destroy/${segment(id)}`, options);
  }

  /** Starts the session's TTL anew. Throws `client.refused` (404) when it has ended. */
  async renew(id: string, options: CallOptions = {}): Promise<SessionEntry | undefined> {
    return (await this.#connection.put<SessionEntry[]>(`/v1/session/renew/${segment(id)}`, options))[0];
  }

  /** Undefined when there is no such session. */
  async info(id: string, options: ReadOptions = {}): Promise<SessionEntry | undefined> {
    return (await this.#connection.read<SessionEntry[] | null>(`/v1/session/info/${segment(id)}`, options))
      .value?.[0];
  }

  async list(options: ReadOptions = {}): Promise<SessionEntry[]> {
    return (await this.#connection.read<SessionEntry[]>('/v1/session/list', options)).value;
  }

  async node(name: string, options: ReadOptions = {}): Promise<SessionEntry[]> {
    return (await this.#connection.read<SessionEntry[]>(`/v1/session/node/${segment(name)}`, options)).value;
  }
}
