import { mayReadService } from '../../acl/visible.ts';
import type { Catalog } from '../../catalog/catalog.ts';
import { type NamedTags, ServiceTags, tagsByName } from '../../catalog/service-tags.ts';
import { nodeKey } from '../../catalog/tables.ts';
import { topic } from '../../catalog/topics.ts';
import { compareUtf8 } from '../../lib/order.ts';
import { blockingRead } from '../blocking.ts';
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
      read() {
        const all = meta.length === 0 ? allOf(context.catalog) : someOf(context.catalog, meta);
        return Object.fromEntries(all.filter(([name]) => mayReadService(request.authorizer, name)));
      },
    });
  },
});

const known = new WeakMap<Catalog, ServiceTags>();

function allOf(catalog: Catalog): NamedTags[] {
  let tags = known.get(catalog);
  if (tags === undefined) {
    tags = new ServiceTags(catalog);
    known.set(catalog, tags);
  }
  return tags.all();
}

/** On nodes with this metadata. */
function someOf(catalog: Catalog, meta: readonly (readonly [string, string])[]): NamedTags[] {
  const services = catalog
    .all('services')
    .filter(({ node }) => hasMeta(catalog.get('nodes', nodeKey(node))?.meta, meta));
  return tagsByName(services).sort(([a], [b]) => compareUtf8(a, b));
}
