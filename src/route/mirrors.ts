/** Services that get copies of requests: each is a route that no client comes by. */
import { meaningOf, type RouteTag, routeOf } from './tag.ts';
import { readOptions } from './tag-options.ts';

/** As a tag of an instance of the service would be. `own`: one of its route tags, which says how it is spoken to. */
export function mirrorTag(service: string, own: RouteTag | undefined): RouteTag {
  const plain = routeOf('', '/', meaningOf(readOptions([])), { variables: {}, globs: false }) as RouteTag;
  const isHttp = own !== undefined && own.protocol !== 'tcp';
  const { protocol, target, tls } = isHttp ? own : plain;
  return { ...plain, protocol, target, tls, host: service, path: '', isMirror: true };
}
