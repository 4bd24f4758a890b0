import type { ClusterOutlook } from './cluster.ts';
import type { Outlook, Sighting } from './outlook.ts';
import { askReachable } from './peers.ts';
import type { ServerParts } from './server-parts.ts';

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
  const [servers, others] = await Promise.all([
    server.cluster.servers().catch(() => []),
    askReachable<Outlook>(server, 'outlook', { hops: 0 }),
  ]);
  return { servers, outlooks: [own, ...others] };
}
