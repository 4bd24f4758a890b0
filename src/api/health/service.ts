import { visibleInstances } from '../../acl/visible.ts';
import { topic } from '../../catalog/topics.ts';
import { ENTRY_FIELDS } from '../filter/fields.ts';
import { badRequest } from '../http-error.ts';
import { type Asked, instanceList, MESH_SUMMARY } from '../instance-list.ts';
import type { Query } from '../query.ts';
import { joined, joinedByName } from './joined.ts';

const QUERY = { passing: 'only instances all of whose checks pass' };

export const healthService = instanceList({
  path: '/v1/health/service/:service',
  summary: 'The instances of a service with their nodes and checks',
  query: QUERY,
  fields: ENTRY_FIELDS,
  topicsOf: (service) => [topic.service(service)],
  reading: (asked) => entriesOf(asked, 'name'),
  nodeOf: ({ Node }) => Node.Node,
});

export const healthConnect = instanceList({
  path: '/v1/health/connect/:service',
  summary: MESH_SUMMARY,
  query: QUERY,
  fields: ENTRY_FIELDS,
  // Whatever it is that takes the traffic: few registries have a mesh, and none changes often.
  topicsOf: () => [topic.services, topic.nodes, topic.checks],
  reading: (asked) => entriesOf(asked, 'mesh'),
  nodeOf: ({ Node }) => Node.Node,
});

function entriesOf({ context, request, service: name, fits }: Asked, by: 'name' | 'mesh') {
  const passing = onlyPassing(request.query);
  const { catalog } = context;
  return () =>
    visibleInstances(
      request.authorizer,
      by === 'name' ? joinedByName(catalog, name) : joined(catalog, name, by),
    )
      .filter(({ node, service }) => fits(service, node))
      .filter(({ checks }) => !passing || checks.every(({ status }) => status === 'passing'))
      .map(({ entry }) => entry);
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
