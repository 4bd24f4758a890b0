import { visibleInstances } from '../../acl/visible.ts';
import { topic } from '../../catalog/topics.ts';
import { instancesOf } from '../../catalog/views.ts';
import { blockingRead } from '../blocking.ts';
import { endpoint } from '../endpoint.ts';
import { ENTRY_FIELDS } from '../filter/fields.ts';
import { compileFilter } from '../filter/filter.ts';
import { badRequest } from '../http-error.ts';
import { sortNear } from '../near.ts';
import { hasMeta, nodeMetaOf } from '../node-meta.ts';
import type { Query } from '../query.ts';
import { LIST_QUERY, readOptions } from '../read-options.ts';
import { hasTags, tagsOf } from '../tags.ts';
import { entryWire } from '../wire/entry.ts';

export const healthService = instances({
  path: '/v1/health/service/:service',
  summary: 'The instances of a service with their nodes and checks',
  by: 'name',
  topicsOf: (service) => [topic.service(service)],
});

export const healthConnect = instances({
  path: '/v1/health/connect/:service',
  summary:
    'The proxies of a service in a mesh, and its instances that speak the mesh: as registered, there is no mesh here',
  by: 'mesh',
  // Whatever it is that takes the traffic: few registries have a mesh, and none changes often.
  topicsOf: () => [topic.services, topic.nodes, topic.checks],
});

function instances({
  path,
  summary,
  by,
  topicsOf,
}: {
  path: `${string}/:service`;
  summary: string;
  by: 'name' | 'mesh';
  topicsOf: (service: string) => readonly string[];
}) {
  return endpoint({
    method: 'GET',
    path,
    needs: 'filtered',
    summary,
    query: {
      passing: 'only instances all of whose checks pass',
      tag: 'only instances with this tag; may be repeated',
      ...LIST_QUERY,
    },
    handler(context, request) {
      const { query, params } = request;
      const options = readOptions(context, request);
      if (params.service === '') throw badRequest('Missing service name');
      const passing = onlyPassing(query);
      const filter = compileFilter(query.get('filter'), ENTRY_FIELDS);
      const meta = nodeMetaOf(query);
      const tags = tagsOf(query);
      return blockingRead(context, request, {
        topics: topicsOf(params.service),
        kind: 'cacheable',
        options,
        shared: !query.has('near'),
        read: () => {
          const entries = visibleInstances(
            request.authorizer,
            instancesOf(context.catalog, params.service, by),
          )
            .filter(({ node, service }) => hasTags(service, tags) && hasMeta(node.meta, meta))
            .filter(({ checks }) => !passing || checks.every(({ status }) => status === 'passing'))
            .map(entryWire)
            .filter(filter);
          return sortNear(context, query.get('near'), entries, ({ Node }) => Node.Node);
        },
      });
    },
  });
}

/** What Go's `strconv.ParseBool` takes for true; an empty value counts as true here. */
const TRUE = new Set(['', '1', 't', 'T', 'true', 'TRUE', 'True']);
const FALSE = new Set(['0', 'f', 'F', 'false', 'FALSE', 'False']);

function onlyPassing(query: Query): boolean {
  if (!query.has('passing')) return false;
  const text = query.get('passing');
  if (TRUE.has(text)) return true;
  if (FALSE.has(text)) return false;
  throw badRequest('Invalid value for ?passing');
}
