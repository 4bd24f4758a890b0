import type { CheckStatus } from '../../../catalog/rows.ts';
import type { ApiContext } from '../../context.ts';
import { decodeBody, object, string } from '../../decode.ts';
import { type ApiRequest, type Endpoint, endpoint } from '../../endpoint.ts';
import { badRequest, HttpError } from '../../http-error.ts';
import { empty, type Reply } from '../../reply.ts';
import { isStatus } from '../check-body.ts';
import { agentOf } from '../context.ts';
import { vetCheckChange } from '../vet.ts';

async function update(
  context: ApiContext,
  request: ApiRequest<'id'>,
  status: CheckStatus,
  output: string,
): Promise<Reply> {
  const { id } = request.params;
  vetCheckChange(context, request, id);
  if (!(await agentOf(context).registry.updateTtl(id, status, output)))
    throw new HttpError(500, `CheckID ${JSON.stringify(id)} does not have associated TTL`);
  return empty();
}

/** One of the three heartbeats that name their status in the path. */
function heartbeat(verb: 'pass' | 'warn' | 'fail', status: CheckStatus): Endpoint {
  return endpoint({
    method: 'PUT',
    path: `/v1/agent/check/${verb}/:id`,
    needs: 'checked',
    isLocal: true,
    summary: `Heartbeat of a TTL check: it is ${status}`,
    query: { note: 'output of the check' },
    handler: (context, request) => update(context, request, status, request.query.get('note')),
  });
}

export const passCheck = heartbeat('pass', 'passing');
export const warnCheck = heartbeat('warn', 'warning');
export const failCheck = heartbeat('fail', 'critical');

const body = object({ Status: string, Output: string }, { name: 'checkUpdate' });

export const updateCheck = endpoint({
  method: 'PUT',
  path: '/v1/agent/check/update/:id',
  needs: 'checked',
  isLocal: true,
  summary: 'Heartbeat of a TTL check with status and output in the body',
  body,
  async handler(context, request) {
    const { Status: status, Output: output } = await decodeBody(request, body);
    if (!isStatus(status)) throw badRequest(`Invalid check status: '${status}'`);
    return update(context, request, status, output);
  },
});
