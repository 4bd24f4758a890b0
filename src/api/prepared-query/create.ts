import { randomUUID } from 'node:crypto';
import { setQuery } from '../../catalog/commands/query.ts';
import { applied } from '../applied.ts';
import { decodeBody } from '../decode.ts';
import { endpoint } from '../endpoint.ts';
import { HttpError } from '../http-error.ts';
import { checkDatacenter } from '../read-options.ts';
import { json } from '../reply.ts';
import { BODY, draftOf } from './body.ts';
import { vetQueryWrite } from './vet.ts';

export const createPreparedQuery = endpoint({
  method: 'POST',
  path: '/v1/query',
  needs: 'checked',
  summary: 'Makes a prepared query or a template of them; answers its ID',
  query: { dc: 'datacenter to ask' },
  body: BODY,
  async handler(context, request) {
    const body = await decodeBody(request, BODY);
    checkDatacenter(context, request.query.get('dc'));
    if (body.ID !== '') throw new HttpError(500, 'ID must be empty when creating a new prepared query');
    const draft = draftOf(randomUUID(), body);
    vetQueryWrite(request.authorizer, draft);
    await applied(
      context.store.write((tx) => setQuery(tx, draft)),
      'raft apply failed: ',
    );
    return json({ ID: draft.id });
  },
});
