import { decodeBody } from '../../decode.ts';
import { endpoint } from '../../endpoint.ts';
import { empty } from '../../reply.ts';
import { agentOf } from '../context.ts';
import { serviceBody, serviceDefinition } from '../service-body.ts';
import { vetServiceRegistration } from '../vet.ts';

export const registerService = endpoint({
  method: 'PUT',
  path: '/v1/agent/service/register',
  needs: 'checked',
  isLocal: true,
  summary: 'Register a service with its checks, or replace it',
  query: { 'replace-existing-checks': 'drop checks of the service that are not in the body' },
  body: serviceBody,
  async handler(context, request) {
    const { registry } = agentOf(context);
    const definition = serviceDefinition(await decodeBody(request, serviceBody));
    vetServiceRegistration(context, request, definition);
    const replace = request.query.all('replace-existing-checks')[0];
    await registry.registerService(definition, {
      replaceExistingChecks: replace === '' || replace === 'true',
    });
    return empty();
  },
});
