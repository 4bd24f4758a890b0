import type { Node, Service } from '../catalog/rows.ts';
import { blockingRead } from './blocking.ts';
import type { ApiContext } from './context.ts';
import { type ApiRequest, endpoint } from './endpoint.ts';
import type { StructType } from './filter/fields.ts';
import { compileFilter } from './filter/filter.ts';
import { badRequest } from './http-error.ts';
import { sortNear } from './near.ts';
import { hasMeta, nodeMetaOf } from './node-meta.ts';
import { LIST_QUERY, readOptions } from './read-options.ts';
import { hasTags, tagsOf } from './tags.ts';

/** What is asked for of the instances of a service. */
export interface Asked {
  readonly context: ApiContext;
  readonly request: ApiRequest;
  readonly service: string;
  /** Whether an instance has the tags, and its node the metadata, that the query names. */
  fits(service: Service, node: Node): boolean;
}

interface InstanceList<Item extends object> {
  readonly path: `${string}/:service`;
  readonly summary: string;
  /** Parameters besides those that all lists of instances have. */
  readonly query?: Readonly<Record<string, string>>;
  /** What of an item a filter may name. */
  readonly fields: StructType;
  topicsOf(service: string): readonly string[];
  /** Reads the query and answers what reads the items, again whenever one of the topics changed. Throws `badRequest`. */
  reading(asked: Asked): () => Item[];
  nodeOf(item: Item): string;
}

/** An endpoint that lists instances of a service: by name or of a mesh, with or without their checks. */
export function instanceList<Item extends object>({
  path,
  summary,
  query: more,
  fields,
  topicsOf,
  reading,
  nodeOf,
}: InstanceList<Item>) {
  return endpoint({
    method: 'GET',
    path,
    needs: 'filtered',
    summary,
    query: { ...more, tag: 'only instances with this tag; may be repeated', ...LIST_QUERY },
    handler(context, request) {
      const { query, params } = request;
      const options = readOptions(context, request);
      const { service } = params;
      if (service === '') throw badRequest('Missing service name');
      const meta = nodeMetaOf(query);
      const tags = tagsOf(query);
      const fits: Asked['fits'] = (one, node) => hasTags(one, tags) && hasMeta(node.meta, meta);
      const items = reading({ context, request, service, fits });
      const filter = compileFilter(query.get('filter'), fields);
      return blockingRead(context, request, {
        topics: topicsOf(service),
        kind: 'cacheable',
        options,
        shared: !query.has('near'),
        read: () => sortNear(context, query.get('near'), items().filter(filter), nodeOf),
      });
    },
  });
}

/** What there is to say of the lists for a mesh. */
export const MESH_SUMMARY =
  'The proxies of a service in a mesh, and its instances that speak the mesh: as registered, there is no mesh here';
