/** Giving a lost majority up: what becomes of the membership of the server that is left, while it runs and while it does not. */
import { randomUUID } from 'node:crypto';
import { chownSync, statSync } from 'node:fs';
import path from 'node:path';
import { MusterError } from '../errors.ts';
import { silentLogger } from '../lib/log.ts';
import { Book } from './book.ts';
import { isEtcdRunning } from './etcd-process.ts';
import { type Membership, MembershipFile } from './membership.ts';

/** That of a server without the others. Under a new name: those who come back with the old one learn that they were given up, and join anew. */
export function withoutOthers(membership: Membership): Membership {
  const { ordinal, servers, id, before = [] } = membership;
  const self = servers[String(ordinal)] as string;
  return { ...membership, servers: { [ordinal]: self }, id: randomUUID(), before: [...before, id] };
}

/** A server that does not run: after a start without a majority it would wait for one for ever. */
export interface StoppedServer {
  /** Names of the servers that would no longer be part of the cluster. */
  readonly lost: readonly string[];
  /** Has it go on alone from its next start. */
  recover(): void;
}

/** `directory` is that of the cluster, below the data directory. Throws `request.rejected` when it is none of a server that was stopped. */
export function stoppedServer(directory: string): StoppedServer {
  const file = new MembershipFile(directory);
  const membership = file.get();
  if (membership?.state !== 'member')
    throw new MusterError('request.rejected', `there is no server of a cluster in ${directory}`);
  if (isEtcdRunning(path.join(directory, 'etcd')))
    throw new MusterError('request.rejected', 'the server there runs: stop it first');
  const { servers, ordinal } = membership;
  const self = servers[String(ordinal)] as string;
  const book = new Book({ id: self, name: '', host: '', port: 0, version: '' }, directory, silentLogger);
  const others = Object.values(servers).filter((id) => id !== self);
  return {
    lost: others.map((id) => book.get(id)?.name ?? id),
    recover() {
      file.set({ ...withoutOthers(membership), isAlone: true });
      // The program may have a user of its own.
      const { uid, gid } = statSync(directory);
      chownSync(path.join(directory, 'cluster.json'), uid, gid);
    },
  };
}
