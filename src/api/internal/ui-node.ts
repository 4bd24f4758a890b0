import { mayReadNode } from '../../acl/visible.ts';
import { topic } from '../../catalog/topics.ts';
import { blockingMeta } from '../blocking.ts';
import { findNode } from '../catalog/node-with-services.ts';
import { endpoint } from '../endpoint.ts';
import { badRequest } from '../http-error.ts';
import { READ_QUERY, readOptions } from '../read-options.ts';
import { empty, json } from '../reply.ts';
import { nodeDump } from './node-dump.ts';

export const uiNode = endpoint({
  method: 'GET',
  path: '/v1/internal/ui/node/:node',
  needs: 'filtered',
  summary: 'A node with its services and checks',
  query: READ_QUERY,
  async handler(context, request) {
    const options = readOptions(context, request);
    const name = request.params.node;
    if (name === '') throw badRequest('Missing node name');
    const { catalog } = context;
    const topics = [topic.node(name), topic.checksOf(name)];
    const meta = await blockingMeta(context, request, { topics }, options, 'plain');
    const node = findNode(catalog, name);
    const { authorizer } = request;
    return node === undefined || !mayReadNode(authorizer, node.name)
      ? empty(404, { meta })
      : json(nodeDump(catalog, authorizer, node), { meta });
  },
});
