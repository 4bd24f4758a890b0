import type { CallOptions, Connection } from './connection.ts';

export interface RaftServer {
  ID: string;
  Node: string;
  /** "host:port" between servers. */
  Address: string;
  Leader: boolean;
  ProtocolVersion: string;
  Voter: boolean;
}

/** For those who run the servers. */
export class OperatorCalls {
  readonly #connection: Connection;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  /** The servers that keep the catalog. */
  async raftConfiguration(options: CallOptions = {}): Promise<{ Servers: RaftServer[]; Index: number }> {
    return (
      await this.#connection.read<{ Servers: RaftServer[]; Index: number }>(
        '/v1/operator/raft/configuration',
        options,
      )
    ).value;
  }
}
