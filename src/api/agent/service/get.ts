import { parseDuration } from '../../../lib/duration.ts';
import { contentHash } from '../../../registry/content-hash.ts';
import { blockingTime } from '../../blocking.ts';
import { endpoint } from '../../endpoint.ts';
import { badRequest, HttpError } from '../../http-error.ts';
import { json } from '../../reply.ts';
import { agentOf } from '../context.ts';
import { agentService } from '../views.ts';

export const getService = endpoint({
  method: 'GET',
  path: '/v1/agent/service/:id',
  needs: 'checked',
  isLocal: true,
  summary: 'A service of this agent; blocks on ?hash until its definition is another',
  query: { hash: 'block while the content hash is this one', wait: 'longest wait, e.g. 30s' },
  async handler(context, request) {
    const { params, query, signal } = request;
    const { registry } = agentOf(context);
    const known = query.get('hash');
    const wait = query.get('wait') === '' ? 0 : parseDuration(query.get('wait'));
    if (wait === undefined) throw badRequest('Invalid wait time');
    const end = new AbortController();
    const stop = () => end.abort();
    // Consul waits as long as it may here, unless told otherwise.
    const longest = wait === 0 ? Number.POSITIVE_INFINITY : wait;
    const time = blockingTime(longest, context.random(), context.settings);
    const cancel = known === '' ? stop : context.clock.after(time, stop);
    if (known !== '') signal.addEventListener('abort', stop, { once: true });
    try {
      for (;;) {
        const service = registry.service(params.id);
        if (service === undefined) throw new HttpError(404, `unknown service ID: ${params.id}`);
        request.authorize('service', 'read', service.name);
        const hash = contentHash(service);
        if (hash !== known || !(await registry.serviceChange(params.id, end.signal)))
          return json(agentService(service, context.node.datacenter, hash), {
            headers: { 'X-Consul-ContentHash': hash },
          });
      }
    } finally {
      cancel();
      signal.removeEventListener('abort', stop);
    }
  },
});
