import { type CallOptions, type Connection, callOf } from './connection.ts';

export interface RaftServer {
  ID: string;
  Node: string;
  /** "host:port" between servers. */
  Address: string;
  Leader: boolean;
  ProtocolVersion: string;
  Voter: boolean;
}

/** The keys of a cluster, with on how many nodes each is. */
export interface Keyring {
  Datacenter: string;
  Keys: Record<string, number>;
  PrimaryKeys: Record<string, number>;
  NumNodes: number;
}

/** What a server would do without its cluster. */
export interface Recovery {
  /** Why it is refused, or "". */
  Refused: string;
  /** Of the last commit that it has. */
  Index: number;
  /** Names of the servers that would be given up. */
  Lost: string[];
}

const KEYRING = '/v1/operator/keyring';
const RECOVERY = '/v1/muster/cluster/recovery';
/** An etcd is ended and started meanwhile. */
const RECOVERY_TIMEOUT = 60_000;

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

  /** Takes a server that is gone out of those that keep the catalog. */
  async removePeer(by: { id?: string; address?: string }, options: CallOptions = {}): Promise<void> {
    await this.#connection.send({
      ...callOf(options),
      method: 'DELETE',
      path: '/v1/operator/raft/peer',
      params: { id: by.id, address: by.address },
    });
  }

  async keyring(options: CallOptions = {}): Promise<Keyring[]> {
    return (await this.#connection.get<Keyring[]>({ ...callOf(options), path: KEYRING })).value;
  }

  /** Installs a key on all nodes, makes it the one that links are made with, or removes it. */
  async changeKeyring(
    what: 'install' | 'use' | 'remove',
    key: string,
    options: CallOptions = {},
  ): Promise<void> {
    const method = ({ install: 'POST', use: 'PUT', remove: 'DELETE' } as const)[what];
    await this.#connection.send({
      ...callOf(options),
      method,
      path: KEYRING,
      body: JSON.stringify({ Key: key }),
    });
  }

  /** What the server that is asked would lose by going on alone. */
  async recovery(options: CallOptions = {}): Promise<Recovery> {
    return (await this.#connection.get<Recovery>({ ...callOf(options), path: RECOVERY })).value;
  }

  /** Has the server that is asked go on alone. */
  async recover(options: CallOptions = {}): Promise<void> {
    await this.#connection.send({
      ...callOf(options),
      method: 'PUT',
      path: RECOVERY,
      timeout: RECOVERY_TIMEOUT,
    });
  }
}
