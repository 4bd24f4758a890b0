import { resolveQuery } from '../../catalog/prepared-query/resolve.ts';
import type { ApiContext } from '../context.ts';
import { type ApiRequest, endpoint } from '../endpoint.ts';
import { READ_QUERY } from '../read-options.ts';
import { json, type Reply } from '../reply.ts';
import { queryMetaWire } from '../wire/meta.ts';
import { preparedQueryWire } from '../wire/prepared-query.ts';
import { asked } from './asked.ts';
import { queryNotFound } from './id.ts';
import { vetQueryRead, withoutToken } from './vet.ts';

export const explainPreparedQuery = endpoint({
  method: 'GET',
  path: '/v1/query/:id/explain',
  needs: 'checked',
  summary: 'The query that an ID or name stands for, a template filled in',
  query: READ_QUERY,
  namesOptions: false,
  handler: (context, request) => explained(context, request, request.params.id),
});

export async function explained(context: ApiContext, request: ApiRequest, idOrName: string): Promise<Reply> {
  const { meta } = await asked(context, request);
  const query = resolveQuery(context.catalog, idOrName);
  if (query === undefined) throw queryNotFound();
  const { authorizer } = request;
  vetQueryRead(authorizer, query);
  const Query = preparedQueryWire(withoutToken(authorizer, query));
  return json({ Query, ...queryMetaWire(meta) }, { meta });
}
