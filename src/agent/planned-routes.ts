/** The routes that a configuration would make of the instances that there are, without an agent that has it. */
import type { RouteView } from '../api/muster/wire.ts';
import type { DiscoveredInstance } from '../discovery/instance.ts';
import { silentLogger } from '../lib/log.ts';
import { DEFAULT_TABLE } from '../route/byte-table.ts';
import { type Router, startRouter } from '../route/router.ts';
import type { Config } from './config/schema.ts';
import { serviceDefinition } from './definitions.ts';
import { routeView } from './traffic.ts';

export interface PlannedRoutes {
  readonly routes: readonly RouteView[];
  /** What is wrong with tags, a sentence each. */
  readonly problems: readonly string[];
}

/** `node`: name and address of the one whose agent is to have the configuration. */
export function plannedRoutes(
  { balancer, node: { meta }, service }: Pick<Config, 'balancer' | 'node' | 'service'>,
  instances: readonly DiscoveredInstance[],
  node: { readonly name: string; readonly address: string },
): PlannedRoutes {
  const all = new Map(instances.map((instance) => [instance.id, instance]));
  for (const config of service) {
    const instance = instanceOf(config, all, node);
    all.set(instance.id, instance);
  }
  const { tagPrefix, strategy, matcher, auth, policy: policies, zone } = balancer;
  const router = startRouter({
    discover(listener) {
      listener([...all.values()].map((after) => ({ id: after.id, before: undefined, after })));
      return { instances: () => all.values(), resync() {}, stop() {} };
    },
    publish() {},
    slots: { capacity: 1 },
    log: silentLogger,
    tagPrefix,
    strategy,
    table: { ...DEFAULT_TABLE, matcher },
    authSchemes: auth.map(({ name }) => name),
    policies,
    zone: zone || (meta.zone ?? ''),
    whenNoneHealthy: 'unavailable',
  });
  const planned = { routes: routesOf(router), problems: problemsOf(router) };
  router.stop();
  return planned;
}

/** Of a service in the file: what is known of it already, as far as the file does not say otherwise. */
function instanceOf(
  config: Config['service'][number],
  known: ReadonlyMap<string, DiscoveredInstance>,
  node: { readonly name: string; readonly address: string },
): DiscoveredInstance {
  const { id: serviceId, name, address, port, tags, meta, weights } = serviceDefinition(config);
  const id = `${node.name}/${serviceId}`;
  const before = known.get(id);
  return {
    id,
    node: node.name,
    serviceId,
    datacenter: '',
    weight: weights.passing,
    // Its check has to pass first; what matters here is what happens then.
    out: '',
    ...before,
    service: name,
    host: address || (before?.host ?? node.address),
    port,
    tags,
    meta,
  };
}

function routesOf(router: Router): RouteView[] {
  return router
    .routes()
    .filter(({ isInForce }) => isInForce)
    .map((view) => routeView(view, ''));
}

function problemsOf(router: Router): string[] {
  return router
    .problems()
    .map(({ service, instance, tag, reason }) => `tag "${tag}" of ${instance} (${service}): ${reason}`);
}
