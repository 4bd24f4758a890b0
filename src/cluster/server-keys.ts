import { changeKeyring, type KeyChange, type SharedKeyring } from './cluster.ts';
import type { ServerParts } from './server-parts.ts';

/** Changes the keys of this server and of those who follow it. Throws `request.rejected`. */
export function changeKeys({ options, feed }: ServerParts, change: KeyChange): void {
  changeKeyring(options.keyring, change);
  feed?.tellKeys();
}

export function sharedKeyring({ options, feed }: ServerParts): SharedKeyring {
  const agents = new Set(feed?.sightings().flatMap(({ id, links }) => (links[0]?.isUp ? [id] : [])));
  return { keys: options.keyring.list(), nodes: 1 + agents.size };
}
