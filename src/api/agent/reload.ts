import { messageOf } from '../../errors.ts';
import { endpoint } from '../endpoint.ts';
import { HttpError } from '../http-error.ts';
import { empty, json } from '../reply.ts';
import { type AgentControl, agentOf } from './context.ts';

const PATH = '/v1/agent/reload';

/** Whether a request, by its target, is the one that has another process take over: all others wait for its end. */
export function asksForReplacement(target: string): boolean {
  const [path, query = ''] = target.split('?', 2);
  return path === PATH && new URLSearchParams(query).has('process');
}

export const reload = endpoint({
  method: 'PUT',
  path: PATH,
  needs: 'agent:write',
  isLocal: true,
  summary:
    'Read the configuration again; on any fault in it the old one stays. "NeedProcess" names changed settings that are read at the start only. With ?process a new process takes over, answered with its "Pid" once it serves',
  async handler(context, { query }) {
    const agent = agentOf(context);
    try {
      if (query.has('process')) return json({ Pid: await replaced(agent) });
      const waiting = await agent.reload();
      // Nothing otherwise, as Consul answers.
      return waiting.length === 0 ? empty() : json({ NeedProcess: waiting });
    } catch (error) {
      if (error instanceof HttpError) throw error;
      throw new HttpError(500, messageOf(error));
    }
  },
});

function replaced({ replace }: AgentControl): Promise<number> {
  if (replace === undefined)
    throw new HttpError(501, 'This agent is a part of another program, which is to be replaced itself');
  return replace();
}
