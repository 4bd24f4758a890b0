import { type CallOptions, type Connection, callOf, type ReadOptions } from './connection.ts';
import type { GoDuration } from './types.ts';

export interface RaftServer {
  ID: string;
  Node: string;
  /** "host:port" between servers. */
  Address: string;
  Leader: boolean;
  ProtocolVersion: string;
  Voter: boolean;
}

/** How servers that fail are dealt with; of no effect on Muster's. */
export interface AutopilotConfiguration {
  CleanupDeadServers: boolean;
  LastContactThreshold: GoDuration;
  MaxTrailingLogs: number;
  MinQuorum: number;
  ServerStabilizationTime: GoDuration;
  RedundancyZoneTag: string;
  DisableUpgradeMigration: boolean;
  UpgradeVersionTag: string;
  CreateIndex: number;
  ModifyIndex: number;
}

export interface AutopilotServer {
  ID: string;
  Name: string;
  Address: string;
  NodeStatus: string;
  Version: string;
  LastContact: GoDuration;
  LastTerm: number;
  LastIndex: number;
  Healthy: boolean;
  StableSince: string;
  ReadReplica: boolean;
  Status: 'leader' | 'voter' | 'non-voter' | 'staging' | 'none';
  Meta: Record<string, string> | null;
  NodeType: string;
}

export interface AutopilotState {
  Healthy: boolean;
  /** Servers that may still be lost without an outage. */
  FailureTolerance: number;
  OptimisticFailureTolerance: number;
  /** By ID. */
  Servers: Record<string, AutopilotServer>;
  Leader: string;
  Voters: string[];
}

/** The keys of a cluster, with on how many nodes each is. */
export interface Keyring {
  /** Of the servers among themselves. */
  WAN: boolean;
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

const AUTOPILOT = '/v1/operator/autopilot/configuration';
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

  async autopilotConfiguration(options: ReadOptions = {}): Promise<AutopilotConfiguration> {
    return (await this.#connection.read<AutopilotConfiguration>(AUTOPILOT, options)).value;
  }

  /** False when it was changed since `configuration` was read. */
  setAutopilotConfiguration(
    configuration: AutopilotConfiguration,
    options: CallOptions = {},
  ): Promise<boolean> {
    return this.#connection.put(AUTOPILOT, options, configuration, { cas: configuration.ModifyIndex });
  }

  async autopilotState(options: ReadOptions = {}): Promise<AutopilotState> {
    return (await this.#connection.read<AutopilotState>('/v1/operator/autopilot/state', options)).value;
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
