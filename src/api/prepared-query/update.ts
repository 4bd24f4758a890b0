import { setQuery } from '../../catalog/commands/query.ts';
import { applied } from '../applied.ts';
import { decodeBody } from '../decode.ts';
import { endpoint } from '../endpoint.ts';
import { checkDatacenter } from '../read-options.ts';
import { empty } from '../reply.ts';
import { BODY, draftOf } from './body.ts';
import { knownQueryId } from './id.ts';
import { vetQueryWrite } from './vet.ts';

export const updatePreparedQuery = endpoint({
  method: 'PUT',
  path: '/v1/query/:id',
  needs: 'checked',
  summary: 'Puts a prepared query in the place of the one with this ID',
  query: { dc: 'datacenter to ask' },
  body: BODY,
  namesOptions: false,
  async handler(context, request) {
    const body = await decodeBody(request, BODY, { allowEmpty: true });
    checkDatacenter(context, request.query.get('dc'));
    const draft = draftOf(knownQueryId(context.catalog, request.params.id), body);
    const { authorizer } = request;
    const commit = context.store.write((tx) => {
      knownQueryId(tx, draft.id);
      vetQueryWrite(authorizer, tx.get('queries', draft.id));
      vetQueryWrite(authorizer, draft);
      setQuery(tx, draft);
    });
    await applied(commit, 'raft apply failed: ');
    return empty();
  },
});
