import { mayReadNode } from '../../acl/visible.ts';
import type { ApiContext } from '../context.ts';
import { type Endpoint, endpoint } from '../endpoint.ts';
import { HttpError } from '../http-error.ts';
import { json } from '../reply.ts';
import { memberViews, visibleMembers } from './members.ts';
import type { MemberView } from './wire.ts';
import type { ClusterAnswer } from './wire-answers.ts';

/** What is known of the cluster now, by all who can be asked. `before`: members as they were at the last look. */
export async function clusterNow(
  {
    catalog,
    store,
    cluster,
    node,
    startedAt,
    clock,
  }: Pick<ApiContext, 'catalog' | 'store' | 'cluster' | 'node' | 'startedAt' | 'clock'>,
  before: ReadonlyMap<string, MemberView> = new Map(),
): Promise<ClusterAnswer> {
  const seen = await cluster?.outlook();
  const now = clock.now();
  const { known, silence } = store.remote?.contact() ?? { known: true, silence: 0 };
  return {
    kind: cluster !== undefined ? 'servers' : store.remote === undefined ? 'alone' : 'etcd',
    revision: Math.max(catalog.index, ...(seen?.outlooks ?? []).map(({ index }) => index)),
    isHeard: known,
    silentSince: known || !Number.isFinite(silence) ? null : Math.round(now - silence),
    members: memberViews({ catalog, self: node, startedAt, seen, before, now }),
  };
}

const whole = endpoint({
  method: 'GET',
  path: '/v1/muster/cluster',
  needs: 'operator:read',
  summary:
    'Servers and agents: who is there, how far the catalog of each is behind, and how the links between them are',
  async handler(context, request) {
    const { members, ...cluster } = await clusterNow(context);
    const seen = visibleMembers(members, (node) => mayReadNode(request.authorizer, node));
    return json({ ...cluster, members: seen.map(({ key: _key, ...member }) => member) });
  },
});

const ready = endpoint({
  method: 'GET',
  path: '/v1/muster/ready',
  needs: 'nothing',
  isLocal: true,
  summary: 'Whether this agent answers from what is true now: 200, or 503 with how old its view is',
  handler({ store, catalog }) {
    const contact = store.remote?.contact() ?? { known: true, silence: 0 };
    const age = contact.known ? 0 : Number.isFinite(contact.silence) ? Math.round(contact.silence) : null;
    const body = { Ready: contact.known, Index: catalog.index, AgeMilliseconds: age };
    return json(body, { status: contact.known ? 200 : 503 });
  },
});

function recoveryOf({ cluster }: ApiContext) {
  if (cluster?.recovery === undefined)
    throw new HttpError(500, 'This agent is no server of a cluster: ask the server that is left');
  return cluster.recovery;
}

const state = endpoint({
  method: 'GET',
  path: '/v1/muster/cluster/recovery',
  needs: 'operator:read',
  summary: 'What would be lost if this server went on without the others, and whether that is refused',
  async handler(context) {
    const { refused, index, lost } = await recoveryOf(context).state();
    return json({ Refused: refused, Index: index, Lost: lost });
  },
});

const recover = endpoint({
  method: 'PUT',
  path: '/v1/muster/cluster/recovery',
  needs: 'operator:write',
  summary: 'Has this server go on alone after a majority is lost for good; refused while there may be one',
  async handler(context) {
    await recoveryOf(context).recover();
    return json(true);
  },
});

export const clusterEndpoints: readonly Endpoint[] = [whole, ready, state, recover];
