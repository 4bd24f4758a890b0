import type { Authorizer } from '../../acl/authorizer.ts';
import { visibleServices } from '../../acl/visible.ts';
import { nodeKey } from '../../catalog/tables.ts';
import { topic } from '../../catalog/topics.ts';
import { compareUtf8 } from '../../lib/order.ts';
import { blockingRead } from '../blocking.ts';
import type { ApiContext } from '../context.ts';
import { endpoint } from '../endpoint.ts';
import { hasMeta, nodeMetaOf } from '../node-meta.ts';
import { READ_QUERY, readOptions } from '../read-options.ts';

export const catalogServices = endpoint({
  method: 'GET',
  path: '/v1/catalog/services',
  needs: 'filtered',
  summary: 'Names of all services with the tags of their instances',
  query: { 'node-meta': 'only on nodes with this key:value; may be repeated', ...READ_QUERY },
  handler(context, request) {
    const meta = nodeMetaOf(request.query);
    return blockingRead(context, request, {
      // Only with node-meta it matters what the nodes look like.
      topics: meta.length === 0 ? [topic.services] : [topic.services, topic.nodes],
      kind: 'cacheable',
      shared: true,
      options: readOptions(context, request),
      read: () => tagsByName(context, request.authorizer, meta),
    });
  },
});

function tagsByName(
  { catalog }: ApiContext,
  authorizer: Authorizer,
  meta: readonly (readonly [string, string])[],
): Record<string, string[]> {
  const byName = new Map<string, Set<string>>();
  for (const { name, node, tags } of visibleServices(authorizer, catalog.all('services'))) {
    if (meta.length > 0 && !hasMeta(catalog.get('nodes', nodeKey(node))?.meta, meta)) continue;
    let known = byName.get(name);
    if (known === undefined) {
      known = new Set();
      byName.set(name, known);
    }
    for (const tag of tags) known.add(tag);
  }
  const sorted = [...byName].sort(([a], [b]) => compareUtf8(a, b));
  return Object.fromEntries(sorted.map(([name, tags]) => [name, [...tags]]));
}
