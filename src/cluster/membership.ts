import { readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import { fileTrouble, MusterError } from '../errors.ts';
import { writeWhole } from '../lib/write-whole.ts';
import type { EtcdMemberFlags } from './etcd-process.ts';

/** The servers that a cluster of etcd is made of: their node IDs by ordinal. */
export type Ordinals = Readonly<Record<string, string>>;

/** A cluster to be, as its coordinator proposes it to the servers that it knows. */
export interface Plan {
  readonly id: string;
  /** Node ID. */
  readonly coordinator: string;
  /** Port of ordinal 0 on loopback, the same on all servers. */
  readonly peerPort: number;
  readonly servers: Ordinals;
}

/** What this server is a part of. `promised`: of a cluster that is not there yet; it takes part in no other. */
export interface Membership extends Plan {
  readonly state: 'promised' | 'member';
  readonly ordinal: number;
  /** Founded with it, or came later. */
  readonly isNew: boolean;
  /** IDs under which this cluster was known before a recovery: who still has one of them was given up. */
  readonly before?: readonly string[];
  /** The others were given up while it did not run: its etcd has yet to be told. */
  readonly isAlone?: boolean;
}

/** Keeps the membership in a file. */
export class MembershipFile {
  readonly #file: string;
  #membership: Membership | undefined;

  /** Throws `store.unusable` for a file that cannot be read. */
  constructor(directory: string) {
    this.#file = path.join(directory, 'cluster.json');
    try {
      this.#membership = JSON.parse(readFileSync(this.#file, 'utf8')) as Membership;
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return;
      throw new MusterError(
        'store.unusable',
        `cannot read ${this.#file}: ${fileTrouble(cause)}. Remove the directory to have this server join its cluster anew.`,
        { cause },
      );
    }
  }

  get(): Membership | undefined {
    return this.#membership;
  }

  /** Throws `store.unusable` when it cannot be written; the membership is what it was then. */
  set(membership: Membership | undefined): void {
    try {
      if (membership === undefined) rmSync(this.#file, { force: true });
      else writeWhole(this.#file, JSON.stringify(membership, undefined, 1));
    } catch (cause) {
      throw new MusterError('store.unusable', `cannot write ${this.#file}: ${fileTrouble(cause)}`, { cause });
    }
    this.#membership = membership;
  }
}

export const memberName = (ordinal: number | string): string => `server-${ordinal}`;
export const peerUrl = (peerPort: number, ordinal: number | string): string =>
  `http://127.0.0.1:${peerPort + Number(ordinal)}`;

/** The ordinal in an etcd member's peer URL; undefined for a stranger's. */
export function ordinalOf(peerPort: number, url: string | undefined): number | undefined {
  const port = /^http:\/\/127\.0\.0\.1:(\d+)$/.exec(url ?? '')?.[1];
  return port === undefined ? undefined : Number(port) - peerPort;
}

/** With what etcd is started. */
export function etcdFlags({ id, ordinal, peerPort, servers, isNew }: Membership): EtcdMemberFlags {
  return {
    name: memberName(ordinal),
    token: id,
    isNew,
    peerUrl: peerUrl(peerPort, ordinal),
    initialCluster: Object.keys(servers)
      .map((one) => `${memberName(one)}=${peerUrl(peerPort, one)}`)
      .join(','),
  };
}

/** Ordinals for servers that found a cluster together: in the order of their IDs. */
export function ordinalsFor(ids: readonly string[]): Ordinals {
  return Object.fromEntries([...ids].sort().map((id, ordinal) => [String(ordinal), id]));
}

export function ordinalIn(servers: Ordinals, id: string): number | undefined {
  const found = Object.entries(servers).find(([, one]) => one === id);
  return found === undefined ? undefined : Number(found[0]);
}
