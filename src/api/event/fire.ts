import type { Catalog } from '../../catalog/catalog.ts';
import { fold } from '../../catalog/tables.ts';
import type { UserEvent } from '../../cluster/event-log.ts';
import { compileGoRegexp } from '../../lib/go-regexp.ts';
import { endpoint } from '../endpoint.ts';
import { badRequest, HttpError } from '../http-error.ts';
import { checkDatacenter } from '../read-options.ts';
import { json } from '../reply.ts';
import { eventWire } from '../wire/event.ts';

/** Events are told to every node: Serf's bound for one, and more than Consul lets through. */
const MAX_PAYLOAD = 9 * 1024;

export const eventFire = endpoint({
  method: 'PUT',
  path: '/v1/event/fire/:name',
  needs: 'checked',
  summary: 'Fires a custom event',
  query: {
    node: 'regular expression: only nodes with such a name',
    service: 'regular expression: only nodes with such a service',
    tag: 'regular expression: only where such a service has such a tag',
    dc: 'datacenter to ask',
  },
  body: 'The payload, as it is',
  async handler(context, request) {
    const { query, params } = request;
    checkDatacenter(context, query.get('dc'));
    if (params.name === '') throw badRequest('Missing name');
    request.authorize('event', 'write', params.name);
    const filters = {
      nodeFilter: query.get('node'),
      serviceFilter: query.get('service'),
      tagFilter: query.get('tag'),
    };
    const concerned = compileFilters(filters);
    const payload = await request.body({ limit: MAX_PAYLOAD });
    const event = context.events.fire({ name: params.name, payload, ...filters });
    if (context.cluster !== undefined) await context.cluster.tell(event);
    else if (concerned(context)) context.events.receive(event);
    return json(eventWire(event, 0));
  },
});

/** Where an event arrives. */
type Here = { readonly catalog: Catalog; readonly node: { readonly name: string } };

/** Whether an event that another node fired is meant for this one. */
export function concerns(event: UserEvent, here: Here): boolean {
  return compileFilters(event)(here);
}

type Filters = Pick<UserEvent, 'nodeFilter' | 'serviceFilter' | 'tagFilter'>;

/** Throws 500 in Consul's words; the answer tells whether this node is concerned. */
function compileFilters({ nodeFilter, serviceFilter, tagFilter }: Filters): (here: Here) => boolean {
  if (tagFilter !== '' && serviceFilter === '')
    throw new HttpError(500, 'Cannot provide tag filter without service filter');
  const node = compile('node', nodeFilter);
  const service = compile('service', serviceFilter);
  const tag = compile('tag', tagFilter);
  return ({ catalog, node: self }) => {
    if (!node(self.name)) return false;
    if (serviceFilter === '') return true;
    return catalog
      .list('services', 'node', fold(self.name))
      .some(({ name, tags }) => service(name) && (tagFilter === '' || tags.some(tag)));
  };
}

function compile(what: string, pattern: string): (text: string) => boolean {
  if (pattern === '') return () => true;
  try {
    const regexp = compileGoRegexp(pattern);
    return (text) => regexp.test(text);
  } catch (error) {
    throw new HttpError(500, `Invalid ${what} filter: ${(error as Error).message}`);
  }
}
