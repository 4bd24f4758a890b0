import type { Catalog } from '../../catalog/catalog.ts';
import { checkKey, fold, serviceKey } from '../../catalog/tables.ts';
import { addressKey } from './instance-view.ts';
import type { Live } from './live.ts';
import type { Picture } from './picture.ts';
import { NO_RATES } from './rates.ts';
import { type InstanceView, trafficKey } from './wire.ts';

/** The JSON answers of `/v1/muster/*`: the same facts as in the stream, put together by question. */

/** Changes that stand in the overview. */
const LAST_CHANGES = 10;

export function overviewOf(live: Live) {
  const picture = live.current();
  return {
    at: live.now(),
    about: picture.about,
    traffic: trafficOf(picture, trafficKey.overall),
    services: [...picture.services.values()].map(({ key: _key, ...service }) => ({
      ...service,
      traffic: trafficOf(picture, trafficKey.service(service.name)),
    })),
    changes: picture.changes.slice(-LAST_CHANGES).reverse(),
    problems: [...picture.problems.values()],
    history: picture.history,
  };
}

/** Undefined when no instance is registered. Checks come with their whole output. */
export function serviceOf(live: Live, catalog: Catalog, name: string) {
  const picture = live.current();
  const key = fold(name);
  const service = picture.services.get(key);
  if (service === undefined) return undefined;
  return {
    name: service.name,
    tags: service.tags,
    states: service.states,
    changedAt: service.changedAt,
    traffic: trafficOf(picture, trafficKey.service(name)),
    routes: [...picture.routes.values()].filter((route) => fold(route.service) === key),
    instances: catalog.list('services', 'name', key).flatMap((row) => {
      const instance = picture.instances.get(serviceKey(row.node, row.id));
      if (instance === undefined) return [];
      return {
        ...instance,
        obstacle: live.traffic.obstacle(`${instance.node}/${instance.id}`) ?? null,
        checks: withOutput(instance, catalog),
        traffic: trafficNow(live, picture, instance),
        history: live.meter.history(instance.service, addressKey(instance)),
      };
    }),
  };
}

/** In flight is what is so now, not at the last sample: whoever drains an instance ends it when there is nothing any more. */
function trafficNow(live: Live, picture: Picture, instance: InstanceView) {
  const address = addressKey(instance);
  const sampled = trafficOf(picture, trafficKey.target(instance.service, address));
  const inFlight = live.traffic.inFlight(instance.service, address);
  if (inFlight === undefined || (sampled === null && inFlight === 0)) return sampled;
  return { ...(sampled ?? NO_RATES), inFlight };
}

export function routesOf(live: Live) {
  const picture = live.current();
  return [...picture.routes.values()].map((route) => ({
    ...route,
    traffic: trafficOf(picture, trafficKey.route(route.key)),
  }));
}

function withOutput({ node, checks }: InstanceView, catalog: Catalog) {
  return checks.map((check) => ({
    ...check,
    output: catalog.get('checks', checkKey(node, check.id))?.output ?? check.output,
  }));
}

/** Null for a scope that has had no traffic and no place in the balancer. */
function trafficOf(picture: Picture, key: string) {
  const found = picture.traffic.get(key);
  if (found === undefined) return null;
  const { key: _key, ...rates } = found;
  return rates;
}
