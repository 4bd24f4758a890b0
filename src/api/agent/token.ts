import type { AgentTokenName } from '../../acl/agent-tokens.ts';
import { aclOf } from '../acl/context.ts';
import { decodeBody, object, string } from '../decode.ts';
import { endpoint } from '../endpoint.ts';
import { HttpError } from '../http-error.ts';
import { empty } from '../reply.ts';

/** Consul's names of the agent's tokens, the older ones too. */
const TARGETS: Readonly<Record<string, AgentTokenName>> = {
  default: 'default',
  acl_token: 'default',
  agent: 'agent',
  acl_agent_token: 'agent',
  agent_master: 'agentRecovery',
  acl_agent_master_token: 'agentRecovery',
  agent_recovery: 'agentRecovery',
  replication: 'replication',
  acl_replication_token: 'replication',
};

const BODY = object({ Token: string }, { name: 'AgentToken' });

export const setToken = endpoint({
  method: 'PUT',
  path: '/v1/agent/token/:target',
  needs: 'agent:write',
  isLocal: true,
  summary: 'Sets a token that the agent itself uses: default, agent, agent_recovery or replication',
  body: BODY,
  async handler(context, request) {
    const { tokens } = aclOf(context);
    const failed = (reason: string) => `Request decode failed: ${reason}`;
    const { Token: secret } = await decodeBody(request, BODY, { failed });
    const { target } = request.params;
    const name = Object.hasOwn(TARGETS, target) ? TARGETS[target] : undefined;
    if (name === undefined) throw new HttpError(404, `Token "${target}" is unknown`);
    await tokens.set(name, secret);
    return empty();
  },
});
