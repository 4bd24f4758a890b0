import { messageOf } from '../../errors.ts';
import { endpoint } from '../endpoint.ts';
import { HttpError } from '../http-error.ts';
import { empty } from '../reply.ts';
import { agentOf } from './context.ts';

export const reload = endpoint({
  method: 'PUT',
  path: '/v1/agent/reload',
  needs: 'agent:write',
  summary: 'Read the configuration again; on any fault in it the old one stays',
  async handler(context) {
    try {
      await agentOf(context).reload();
    } catch (error) {
      throw new HttpError(500, messageOf(error));
    }
    return empty();
  },
});
