import { forgetLeft, noteLeft } from '../catalog/commands/left-member.ts';
import { deregisterNode } from '../catalog/commands/register.ts';
import { MusterError } from '../errors.ts';
import { formatHostPort } from '../lib/host-port.ts';
import type { Entry } from './book.ts';
import type { Cluster, RecoveryState, ServerState, SharedKeyring } from './cluster.ts';
import { membersOf } from './liveness.ts';
import { etcdFlags, type Membership } from './membership.ts';
import { askReachable, spread } from './peers.ts';
import { withoutOthers } from './recovery.ts';
import { changeKeys, sharedKeyring } from './server-keys.ts';
import { wholeOutlook } from './server-outlook.ts';
import { leaderOf, type ServerParts } from './server-parts.ts';

/** What the API of this server offers. */
export function controlOf(server: ServerParts): Cluster {
  const roster = () => {
    if (server.roster === undefined) throw new MusterError('cluster.refused', 'this server is not ready yet');
    return server.roster;
  };
  /** Without a majority nobody leads, whatever was last heard. */
  const leading = () =>
    server.store?.remote?.contact().known ? leaderOf(server.leadership?.leader()) : undefined;
  return {
    servers: async () => {
      const leader = leading();
      const all = await roster().list();
      const own = { hears: server.store.remote?.contact().known, index: server.store.catalog.index };
      return all.map(({ id, entry, voter }): ServerState => {
        const { hears, index } = id === server.book.self.id ? own : (server.gossip.lastOf(id) ?? {});
        return {
          id,
          name: entry?.name ?? id,
          address: entry === undefined ? '' : addressOf(entry),
          leader: id === leader?.id,
          voter,
          alive: id === server.book.self.id || server.presence.of(id) === 'there',
          hears,
          version: entry?.version,
          index,
        };
      });
    },
    outlook: () => wholeOutlook(server),
    leader: () => leading()?.address ?? '',
    join: (host, port) => server.gossip.contact({ host, port }),
    leave: async () => {
      server.isLeaving = true;
      const others = await roster().leave();
      if (others) {
        await server.etcd.stop();
        server.etcd.wipe();
        server.file.set(undefined);
      }
    },
    forceLeave: async (name, prune) => {
      const entry = server.book.byName(name);
      const member = membersOf(server.store.catalog).find(
        (one) => one.name.toLowerCase() === name.toLowerCase(),
      );
      const id = member?.id ?? entry?.id;
      const isThere = id !== undefined && (id === server.book.self.id || server.presence.of(id) === 'there');
      // It would be back at once. One that left may still be heard of for a moment.
      if (isThere && member !== undefined) return true;
      if (entry !== undefined && !isThere) await roster().remove(entry.id);
      const { answer } = await server.store.write((tx) => {
        const wasShown = prune && forgetLeft(tx, member?.name ?? name);
        if (member === undefined) return wasShown;
        if (!prune) noteLeft(tx, member.name);
        return deregisterNode(tx, member.name);
      });
      return answer || entry !== undefined;
    },
    removeServer: (id) => roster().remove(id),
    tell: async (event) => server.events.spread(event),
    changeKeys: async (change) => {
      changeKeys(server, change);
      return spread(server, 'keys', { change, hops: 0 });
    },
    keyrings: async () => [
      sharedKeyring(server),
      ...(await askReachable<SharedKeyring>(server, 'keyring', { hops: 0 })),
    ],
    recovery: {
      state: () => recoveryState(server),
      recover: () => recover(server),
    },
  };
}

async function recoveryState(server: ServerParts): Promise<RecoveryState> {
  const membership = server.file.get() as Membership;
  const others = Object.values(membership.servers).filter((id) => id !== server.book.self.id);
  const there = others.filter((id) => server.presence.of(id) === 'there');
  const majority = Math.floor((others.length + 1) / 2) + 1;
  const refused = server.store.remote?.contact().known
    ? 'a majority of the servers is there: nothing has to be recovered'
    : there.length + 1 >= majority
      ? `${there.length + 1} of ${others.length + 1} servers are there, which is a majority: wait until they agree`
      : '';
  return {
    refused,
    index: server.store.catalog.index,
    lost: others.map((id) => server.book.get(id)?.name ?? id),
  };
}

async function recover(server: ServerParts): Promise<void> {
  const { logger } = server.options;
  const { refused, lost } = await recoveryState(server);
  if (refused !== '') throw new MusterError('request.rejected', refused);
  const membership = server.file.get() as Membership;
  logger.warn('the lost majority is given up: this server goes on alone with what it has', {
    lost: lost.join(' '),
  });
  await server.etcd.stop();
  for (const id of Object.values(membership.servers)) if (id !== server.book.self.id) server.book.remove(id);
  server.file.set(withoutOthers(membership));
  server.lead();
  server.etcd.start(etcdFlags(membership), { forceNewCluster: true });
  await server.roster?.recovered(membership.ordinal);
}

function addressOf({ host, port }: Pick<Entry, 'host' | 'port'>): string {
  return formatHostPort(host, port);
}
