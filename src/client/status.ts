import type { CallOptions, Connection } from './connection.ts';

/** The servers. */
export class StatusCalls {
  readonly #connection: Connection;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  /** "host:port" of the leader, or "" when there is none. */
  async leader(options: CallOptions = {}): Promise<string> {
    return (await this.#connection.read<string>('/v1/status/leader', options)).value;
  }

  async peers(options: CallOptions = {}): Promise<string[]> {
    return (await this.#connection.read<string[]>('/v1/status/peers', options)).value;
  }
}
