import { deleteQuery } from '../../catalog/commands/query.ts';
import { endpoint } from '../endpoint.ts';
import { checkDatacenter } from '../read-options.ts';
import { empty } from '../reply.ts';
import { knownQueryId } from './id.ts';
import { vetQueryWrite } from './vet.ts';

export const deletePreparedQuery = endpoint({
  method: 'DELETE',
  path: '/v1/query/:id',
  needs: 'checked',
  summary: 'Deletes a prepared query',
  query: { dc: 'datacenter to ask' },
  namesOptions: false,
  async handler(context, request) {
    checkDatacenter(context, request.query.get('dc'));
    const { authorizer } = request;
    await context.store.write((tx) => {
      const id = knownQueryId(tx, request.params.id);
      vetQueryWrite(authorizer, tx.get('queries', id));
      deleteQuery(tx, id);
    });
    return empty();
  },
});
