import { messageOf } from '../../errors.ts';
import { endpoint } from '../endpoint.ts';
import { HttpError } from '../http-error.ts';
import { empty } from '../reply.ts';
import { agentOf } from './context.ts';

export const leave = endpoint({
  method: 'PUT',
  path: '/v1/agent/leave',
  needs: 'agent:write',
  isLocal: true,
  summary: 'Leave for good: take this node out of the catalog and end the program',
  async handler(context) {
    const { name } = context.node;
    try {
      await agentOf(context).leave();
    } catch (error) {
      throw new HttpError(
        500,
        `this node ends, but the others could not be told: ${messageOf(error)}. Once they can, run \`muster force-leave ${name}\``,
      );
    }
    return empty();
  },
});
