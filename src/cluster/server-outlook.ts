import type { ClusterOutlook } from './cluster.ts';
import type { Outlook, Sighting } from './outlook.ts';
import type { ServerParts } from './server-parts.ts';

/** For an answer of another server, in ms: one that takes longer is seen by the others. */
const TIMEOUT = 1_000;

/** What this server sees of the others, of those who follow it, and of those who fell silent. */
export function outlookOf({ options, gossip, feed, lines, presence, store }: ServerParts): Outlook {
  const servers = gossip.sightings().map((sighting): Sighting => {
    const peer = lines?.stateOf(sighting.id);
    return peer === undefined ? sighting : { ...sighting, links: [...sighting.links, peer] };
  });
  const seen = [...servers, ...(feed?.sightings() ?? [])];
  const ids = new Set(seen.map(({ id }) => id));
  // They follow another server now, or none.
  const others = [...presence.silences()].flatMap(([id, silence]): Sighting[] =>
    ids.has(id) ? [] : [{ id, version: '', silence, index: null, lag: null, links: [] }],
  );
  const { id, version } = options.self;
  return { by: id, version, index: store.catalog.index, sightings: [...seen, ...others] };
}

/** This with what the other servers see. */
export async function wholeOutlook(server: ServerParts): Promise<ClusterOutlook> {
  const own = outlookOf(server);
  const [servers, ...others] = await Promise.all([
    server.cluster.servers().catch(() => []),
    ...server.gossip.reachable().map(({ entry }) =>
      server.gossip
        .callerTo(entry)
        .call<Outlook>('outlook', { hops: 0 }, TIMEOUT)
        // It goes, stands still, or is of a version that knows no such call.
        .catch(() => undefined),
    ),
  ]);
  return { servers, outlooks: [own, ...others.filter((one) => one !== undefined)] };
}
