import { endpoint } from '../endpoint.ts';
import { HttpError } from '../http-error.ts';

export const setToken = endpoint({
  method: 'PUT',
  path: '/v1/agent/token/:target',
  needs: 'agent:write',
  summary: 'Set a token that the agent itself uses',
  body: 'JSON with Token; refused while access control is off',
  handler() {
    throw new HttpError(401, 'ACL support disabled');
  },
});
