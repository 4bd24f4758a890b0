import { MusterError } from '../errors.ts';
import { commandOf, Outdated, type Proposal } from '../store/proposal.ts';
import type { Entry } from './book.ts';
import type { ClusterOutlook, KeyChange } from './cluster.ts';
import type { UserEvent } from './event-log.ts';
import type { Alive, CommitAnswer } from './follower-store.ts';
import type { Hello } from './gossip.ts';
import type { Calls } from './link/rpc.ts';
import type { Outlook } from './outlook.ts';
import { spread } from './peers.ts';
import { changeKeys, sharedKeyring } from './server-keys.ts';
import { outlookOf } from './server-outlook.ts';
import type { ServerParts } from './server-parts.ts';
import type { SessionExpiry } from './session-expiry.ts';

/** What other nodes may ask. */
export function callsOf(server: ServerParts): Calls {
  const ready = () => {
    const { store, sessions, roster, isStopping } = server;
    if (isStopping) throw new MusterError('cluster.refused', 'this server stops');
    // Links come in before the store is open.
    if (roster === undefined || (sessions as SessionExpiry | undefined) === undefined)
      throw new MusterError('cluster.refused', 'this server is not ready yet');
    return { store, sessions, roster };
  };
  return {
    hello: (hello: Hello) => server.gossip.answer(hello),
    promise: (plan: never) => server.founding.promise(plan),
    join: (entry: Entry) => {
      return ready().roster.admit(entry);
    },
    alive: ({ id }: Alive) => {
      ready();
      server.presence.hear(id);
    },
    commit: async (proposal: Proposal): Promise<CommitAnswer> => {
      const { store } = ready();
      try {
        const { index } = await store.write(commandOf(proposal));
        return { index, outdated: false };
      } catch (error) {
        if (error instanceof Outdated) return { index: store.catalog.index, outdated: true };
        throw error;
      }
    },
    refresh: async () => {
      const { store } = ready();
      await store.remote?.refresh();
      return { index: store.catalog.index };
    },
    renew: async ({ sessions }: { sessions: string[] }) => {
      const own = ready().sessions;
      await Promise.all(sessions.map((id) => own.renew(id)));
    },
    servers: () => server.cluster.servers(),
    outlook: ({ hops }: { hops: number }): Promise<ClusterOutlook> | Outlook => {
      ready();
      return hops > 0 ? server.cluster.outlook() : outlookOf(server);
    },
    'left-by-itself': ({ id }: { id: string }) => {
      server.presence.forget(id);
      void spread(server, 'forget', { id });
    },
    forget: ({ id }: { id: string }) => server.presence.forget(id),
    'remove-server': ({ id }: { id: string }) => ready().roster.remove(id),
    'force-leave': ({ name, prune }: { name: string; prune: boolean }) =>
      server.cluster.forceLeave(name, prune),
    event: ({ event, hops }: { event: UserEvent; hops: number }) => {
      ready();
      if (hops > 0) server.events.spread(event);
      else server.events.take(event);
    },
    keys: ({ change, hops }: { change: KeyChange; hops: number }) =>
      hops > 0 ? server.cluster.changeKeys(change).then((failed) => [...failed]) : changeKeys(server, change),
    keyring: ({ hops }: { hops: number }) => (hops > 0 ? server.cluster.keyrings() : sharedKeyring(server)),
  };
}
