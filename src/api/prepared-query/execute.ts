import { isIP } from 'node:net';
import { visibleInstances } from '../../acl/visible.ts';
import { executeQuery } from '../../catalog/prepared-query/execute.ts';
import { nearestFirst } from '../../catalog/prepared-query/near.ts';
import { resolveQuery } from '../../catalog/prepared-query/resolve.ts';
import { cacheMeta } from '../cached.ts';
import type { ApiContext } from '../context.ts';
import { type ApiRequest, endpoint } from '../endpoint.ts';
import { READ_QUERY } from '../read-options.ts';
import { json, type Reply } from '../reply.ts';
import { entryWire } from '../wire/entry.ts';
import { queryMetaWire } from '../wire/meta.ts';
import { asked, connectOf } from './asked.ts';
import { queryNotFound } from './id.ts';
import { runnerOf } from './vet.ts';

export const executePreparedQuery = endpoint({
  method: 'GET',
  path: '/v1/query/:id/execute',
  needs: 'checked',
  summary: 'The instances that a prepared query asks for, by its ID or name',
  query: {
    near: 'the nearest to this node first; _agent: to the one that is asked, _ip: to the one that asks',
    limit: 'so many instances at most',
    connect: 'only instances that speak the mesh',
    ...READ_QUERY,
  },
  namesOptions: false,
  handler: (context, request) => executed(context, request, request.params.id),
});

export async function executed(context: ApiContext, request: ApiRequest, idOrName: string): Promise<Reply> {
  const { limit, meta } = await asked(context, request);
  const connect = connectOf(request);
  const { catalog, node, random } = context;
  const query = resolveQuery(catalog, idOrName);
  if (query === undefined) throw queryNotFound();
  const visible = visibleInstances(runnerOf(context, request, query), executeQuery(catalog, query));
  const found = connect ? [] : shuffled(visible, random);
  const near = request.query.get('near') || query.service.near;
  const nodes = nearestFirst(catalog, { near, own: node.name, asker: askerOf(request) }, found);
  return json(
    {
      Service: query.service.service,
      Nodes: (limit > 0 ? nodes.slice(0, limit) : nodes).map(entryWire),
      DNS: { TTL: query.dns.ttl },
      Datacenter: node.datacenter,
      // There is no other datacenter to fail over to.
      Failovers: 0,
      ...queryMetaWire(meta),
    },
    { meta: isCached(context, request) ? { ...meta, cache: cacheMeta(context, request) } : meta },
  );
}

function isCached({ settings }: ApiContext, { query }: ApiRequest): boolean {
  return settings.useCache && query.has('cached');
}

/** Whoever asks through a proxy is named by it; nothing but the order hangs on it. */
function askerOf({ headers, remoteAddress }: ApiRequest): string {
  const forwarded =
    String(headers['x-forwarded-for'] ?? '')
      .split(',', 1)[0]
      ?.trim() ?? '';
  return isIP(forwarded) === 0 ? remoteAddress : forwarded;
}

/** In place. `random` is in [0, 1). */
function shuffled<T>(items: T[], random: () => number): T[] {
  for (let i = items.length - 1; i > 0; i--) {
    const other = Math.floor(random() * (i + 1));
    [items[i], items[other]] = [items[other] as T, items[i] as T];
  }
  return items;
}
