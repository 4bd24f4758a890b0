import { decodeBody } from '../../decode.ts';
import { endpoint } from '../../endpoint.ts';
import { empty } from '../../reply.ts';
import { checkBody, checkDefinition } from '../check-body.ts';
import { agentOf } from '../context.ts';
import { vetCheckRegistration } from '../vet.ts';

export const registerCheck = endpoint({
  method: 'PUT',
  path: '/v1/agent/check/register',
  needs: 'checked',
  isLocal: true,
  summary: 'Register a check of the node or, with ServiceID, of a service',
  body: checkBody,
  async handler(context, request) {
    const { registry } = agentOf(context);
    const definition = checkDefinition(await decodeBody(request, checkBody));
    vetCheckRegistration(context, request, definition);
    await registry.registerCheck(definition);
    return empty();
  },
});
