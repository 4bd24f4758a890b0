import type { Clock } from '../lib/clock.ts';
import type { HostPort } from '../lib/host-port.ts';
import type { Logger } from '../lib/log.ts';
import type { UserEvent } from './event-log.ts';
import type { Keyring } from './link/keyring.ts';
import type { Outlook } from './outlook.ts';

/** With what a node takes part in a cluster, as a server or as an agent. */
export interface NodeOptions {
  self: { id: string; name: string; host: string; version: string };
  /** Of links: on this node, and on servers that are given without one. */
  port: number;
  /** Where servers may be at present, see `contacts.ts`. */
  findContacts: () => Promise<HostPort[]>;
  /** The name under which servers are found on the local network, see `auto-join.ts`. */
  autoJoin?: string | undefined;
  keyring: Keyring;
  onSubscriberError: (error: unknown) => void;
  /** An event that somebody fired reached this node. */
  onEvent: (event: UserEvent) => void;
  /** A steady one: who set the time of a node must not make the others seem silent. */
  clock: Clock;
  /** The time of day, ms since the epoch. */
  time: () => number;
  /** In [0, 1). */
  random: () => number;
  logger: Logger;
  /** Gives up waiting for the others. */
  signal?: AbortSignal | undefined;
}

/** A server as operators see it. */
export interface ServerState {
  readonly id: string;
  readonly name: string;
  /** "host:port" of its links. */
  readonly address: string;
  readonly leader: boolean;
  /** It counts towards a majority; one that came just now does not yet. */
  readonly voter: boolean;
  readonly alive: boolean;
  /** It hears of a majority: else it is cut off, or its etcd is down. Versions before do not tell, nor the following. */
  readonly hears?: boolean | undefined;
  /** Of its program. */
  readonly version?: string | undefined;
  /** Of its catalog. */
  readonly index?: number | undefined;
}

/** What all who can be asked see of each other. */
export interface ClusterOutlook {
  /** Empty when no server could be asked. */
  readonly servers: readonly ServerState[];
  /** That of the node that was asked is the first. */
  readonly outlooks: readonly Outlook[];
}

/** What operators are told before they give a lost majority up. */
export interface RecoveryState {
  /** Why it is refused, or "". */
  readonly refused: string;
  /** Index of the last commit that this server has. */
  readonly index: number;
  /** Servers that would no longer be part of the cluster. */
  readonly lost: readonly string[];
}

/** What an agent can be asked about its cluster. */
export interface Cluster {
  servers(): Promise<readonly ServerState[]>;
  /** What this node and the servers see of each other. Never rejects: who cannot be asked tells nothing. */
  outlook(): Promise<ClusterOutlook>;
  /** "host:port" of the server that leads, or "" while there is none. */
  leader(): string;
  /** Contacts a server at this address. Rejects when none answers. */
  join(host: string, port: number): Promise<void>;
  /** Takes this node out of the cluster for good. */
  leave(): Promise<void>;
  /**
   * Takes another node out that does not answer any more; it has left then. With `prune` nothing of it is shown any more. False when none has this
   * name.
   */
  forceLeave(name: string, prune: boolean): Promise<boolean>;
  /** Takes a server out of those that keep the catalog. False when there is none. */
  removeServer(id: string): Promise<boolean>;
  /** Tells every node of an event. */
  tell(event: UserEvent): Promise<void>;
  /** Changes the keyring of every node that can be reached; answers the nodes that could not, with why. */
  changeKeys(change: KeyChange): Promise<ReadonlyMap<string, string>>;
  /** Of every server that can be reached. */
  keyrings(): Promise<readonly SharedKeyring[]>;
  /** Only on a server. */
  readonly recovery?: { state(): Promise<RecoveryState>; recover(): Promise<void> };
}

/** The keys that nodes know each other by. */
export type ClusterKeys = Pick<Cluster, 'changeKeys' | 'keyrings'>;

/** What a server and those who follow it have. */
export interface SharedKeyring {
  /** The primary one first. */
  readonly keys: readonly string[];
  readonly nodes: number;
}

export interface KeyChange {
  readonly what: 'install' | 'use' | 'remove';
  readonly key: string;
}

export function changeKeyring(keyring: Keyring, { what, key }: KeyChange): void {
  keyring[what](key);
}
