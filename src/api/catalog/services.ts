import { mayReadService } from '../../acl/visible.ts';
import type { Catalog } from '../../catalog/catalog.ts';
import { type NamedTags, ServiceTags, tagsByName } from '../../catalog/service-tags.ts';
import { nodeKey } from '../../catalog/tables.ts';
import { topic } from '../../catalog/topics.ts';
import { compareUtf8 } from '../../lib/order.ts';
import { blockingRead } from '../blocking.ts';
import { endpoint } from '../endpoint.ts';
import { SERVICE_NODE_FIELDS } from '../filter/fields.ts';
import { compileFilter, type Filter } from '../filter/filter.ts';
import { hasMeta, nodeMetaOf } from '../node-meta.ts';
import { READ_QUERY, readOptions } from '../read-options.ts';
import { serviceNodeWire } from '../wire/service.ts';

export const catalogServices = endpoint({
  method: 'GET',
  path: '/v1/catalog/services',
  needs: 'filtered',
  summary: 'Names of all services with the tags of their instances',
  query: {
    filter: 'only instances for which this expression holds, with the fields of /v1/catalog/service',
    'node-meta': 'only on nodes with this key:value; may be repeated',
    ...READ_QUERY,
  },
  handler(context, request) {
    const { query } = request;
    const meta = nodeMetaOf(query);
    const filter =
      query.get('filter') === '' ? undefined : compileFilter(query.get('filter'), SERVICE_NODE_FIELDS);
    const isOfAll = meta.length === 0 && filter === undefined;
    return blockingRead(context, request, {
      // Only then it matters what the nodes look like.
      topics: isOfAll ? [topic.services] : [topic.services, topic.nodes],
      kind: 'cacheable',
      shared: true,
      options: readOptions(context, request),
      read() {
        const all = isOfAll ? allOf(context.catalog) : someOf(context.catalog, meta, filter);
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

/** On nodes with this metadata, of the instances that the filter lets through. */
function someOf(
  catalog: Catalog,
  meta: readonly (readonly [string, string])[],
  filter: Filter = () => true,
): NamedTags[] {
  const services = catalog.all('services').filter((service) => {
    const node = catalog.get('nodes', nodeKey(service.node));
    return node !== undefined && hasMeta(node.meta, meta) && filter(serviceNodeWire(node, service));
  });
  return tagsByName(services).sort(([a], [b]) => compareUtf8(a, b));
}
