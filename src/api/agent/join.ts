import { messageOf } from '../../errors.ts';
import { formatHostPort, parseHostPort } from '../../lib/host-port.ts';
import type { ApiContext } from '../context.ts';
import { endpoint } from '../endpoint.ts';
import { HttpError } from '../http-error.ts';
import { empty } from '../reply.ts';
import { agentOf } from './context.ts';

export const join = endpoint({
  method: 'PUT',
  path: '/v1/agent/join/:address',
  needs: 'agent:write',
  isLocal: true,
  summary: 'Join the cluster of the agent at this address',
  query: { wan: 'join the servers of another datacenter' },
  async handler(context, { params, query }) {
    const address = withPort(
      params.address,
      context.cluster === undefined ? context.node.ports.serfLan : context.node.ports.server,
    );
    if (isSelf(address, context)) return empty();
    const agent = agentOf(context);
    try {
      if (agent.join === undefined)
        throw new Error(
          `this agent takes part in no cluster of servers: start it with -retry-join=${params.address}`,
        );
      await agent.join(address, query.get('wan') !== '');
    } catch (error) {
      throw new HttpError(500, `1 error occurred:\n\t* Failed to join ${address}: ${messageOf(error)}\n\n`);
    }
    return empty();
  },
});

function withPort(address: string, port: number): string {
  return parseHostPort(address) === undefined
    ? formatHostPort(address.replace(/^\[|\]$/g, ''), port)
    : address;
}

/** Joining oneself is no error and changes nothing. */
function isSelf(address: string, { node }: ApiContext): boolean {
  return address === formatHostPort(node.advertiseAddress, node.ports.serfLan);
}
