import { formatHostPort } from '../../lib/host-port.ts';
import { endpoint } from '../endpoint.ts';
import { checkDatacenter } from '../read-options.ts';
import { json } from '../reply.ts';

export const statusPeers = endpoint({
  method: 'GET',
  path: '/v1/status/peers',
  needs: 'nothing',
  summary: 'Addresses of the servers',
  query: { dc: 'datacenter to ask' },
  async handler(context, request) {
    checkDatacenter(context, request.query.get('dc'));
    const { advertiseAddress, ports } = context.node;
    if (context.cluster !== undefined)
      return json((await context.cluster.servers()).map(({ address }) => address));
    return json([formatHostPort(advertiseAddress, ports.server)]);
  },
});
