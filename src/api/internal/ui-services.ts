import type { Authorizer } from '../../acl/authorizer.ts';
import { visibleInstances } from '../../acl/visible.ts';
import type { Check } from '../../catalog/rows.ts';
import { topic } from '../../catalog/topics.ts';
import { type Instance, instancesOf } from '../../catalog/views.ts';
import { compareUtf8 } from '../../lib/order.ts';
import { blockingRead } from '../blocking.ts';
import type { ApiContext } from '../context.ts';
import { endpoint } from '../endpoint.ts';
import { SERVICE_SUMMARY_FIELDS } from '../filter/fields.ts';
import { compileFilter } from '../filter/filter.ts';
import { READ_QUERY, readOptions } from '../read-options.ts';

export const uiServices = endpoint({
  method: 'GET',
  path: '/v1/internal/ui/services',
  needs: 'filtered',
  summary: 'The overview of services: instances, nodes and checks counted',
  query: { filter: 'only services for which this expression holds', ...READ_QUERY },
  handler(context, request) {
    const options = readOptions(context, request);
    const filter = compileFilter(request.query.get('filter'), SERVICE_SUMMARY_FIELDS);
    return blockingRead(context, request, {
      topics: [topic.services, topic.checks, topic.nodes],
      kind: 'plain',
      options,
      read: () => summaries(context, request.authorizer).filter(filter),
    });
  },
});

function summaries(context: ApiContext, authorizer: Authorizer) {
  const { catalog } = context;
  const folded = catalog.values('services', 'name').sort(compareUtf8);
  return folded.flatMap((name) => {
    const instances = visibleInstances(authorizer, instancesOf(catalog, name));
    return instances.length === 0 ? [] : summary(context, name, instances);
  });
}

function summary({ node: self }: ApiContext, name: string, instances: readonly Instance[]) {
  const first = instances[0]?.service;
  const tags = new Set(instances.flatMap(({ service }) => service.tags));
  const nodes = new Set(instances.map(({ node }) => node.name));
  const sources = new Set(instances.flatMap(({ service }) => service.meta?.['external-source'] ?? []));
  // A check of the node counts once, however many instances of the service run there.
  const checks = new Map<string, Check>();
  for (const { node, checks: own } of instances)
    for (const check of own) checks.set(`${node.name}\u0000${check.id}`, check);
  const count = (status: Check['status']) =>
    [...checks.values()].filter((check) => check.status === status).length;
  return {
    ...(first === undefined || first.kind === '' ? {} : { Kind: first.kind }),
    Name: first?.name ?? name,
    Datacenter: self.datacenter,
    Tags: tags.size === 0 ? null : [...tags].sort(compareUtf8),
    Nodes: [...nodes],
    ExternalSources: sources.size === 0 ? null : [...sources].sort(compareUtf8),
    InstanceCount: instances.length,
    ChecksPassing: count('passing'),
    ChecksWarning: count('warning'),
    ChecksCritical: count('critical'),
    GatewayConfig: {},
    TransparentProxy: false,
    ConnectNative: false,
    ConnectedWithProxy: false,
    ConnectedWithGateway: false,
  };
}
