import { formatHostPort } from '../../lib/host-port.ts';
import type { ApiContext } from '../context.ts';

/** "host:port" under which this node would be known as a server. */
export function ownAddress({ node }: ApiContext): string {
  return formatHostPort(node.advertiseAddress, node.ports.server);
}

/** "host:port" of the server that leads, or "" while there is none; an agent that stands alone leads itself. */
export function leaderAddress(context: ApiContext): string {
  return context.cluster === undefined ? ownAddress(context) : context.cluster.leader();
}
