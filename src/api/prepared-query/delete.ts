import { deleteQuery } from '../../catalog/commands/query.ts';
import { endpoint } from '../endpoint.ts';
import { checkDatacenter } from '../read-options.ts';
import { empty } from '../reply.ts';
import { knownQueryId } from './id.ts';

export const deletePreparedQuery = endpoint({
  method: 'DELETE',
  path: '/v1/query/:id',
  summary: 'Deletes a prepared query',
  query: { dc: 'datacenter to ask' },
  namesOptions: false,
  async handler(context, request) {
    checkDatacenter(context, request.query.get('dc'));
    await context.store.write((tx) => deleteQuery(tx, knownQueryId(tx, request.params.id)));
    return empty();
  },
});
