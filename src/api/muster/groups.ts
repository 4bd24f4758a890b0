import type { GroupControl } from '../../group/view.ts';
import type { ApiContext } from '../context.ts';
import { type Endpoint, endpoint } from '../endpoint.ts';
import { badRequest, HttpError } from '../http-error.ts';
import { json, type Reply } from '../reply.ts';

/** Instances that somebody may ask for. */
const MOST = 1000;

/** Throws 404, with the groups that there are. */
export function groupOf({ groups }: ApiContext, name: string): GroupControl {
  const all = groups?.() ?? [];
  const found = all.find((group) => group.name === name);
  if (found !== undefined) return found;
  const known = all.map((group) => group.name).join(', ');
  throw new HttpError(
    404,
    `No group "${name}" runs here. ${known === '' ? 'None does' : `There are: ${known}`}`,
  );
}

const list = endpoint({
  method: 'GET',
  path: '/v1/muster/groups',
  needs: 'operator:read',
  summary: 'Groups that this agent runs: size, instances, rollout and what the autoscaler says',
  handler(context) {
    return json((context.groups?.() ?? []).map((group) => group.view()));
  },
});

const show = endpoint({
  method: 'GET',
  path: '/v1/muster/groups/:name',
  needs: 'operator:read',
  summary: 'One group with its instances',
  handler(context, { params }) {
    return json(groupOf(context, params.name).view());
  },
});

const scale = endpoint({
  method: 'PUT',
  path: '/v1/muster/groups/:name/scale',
  needs: 'operator:write',
  summary: 'Sets the size of a group; answers with the group',
  query: {
    size: 'how many instances; an autoscaler holds it to its least and largest size and goes on from there',
  },
  async handler(context, { params, query }) {
    const size = query.get('size');
    if (!/^\d{1,15}$/.test(size) || Number(size) > MOST)
      throw badRequest(`Missing or bad ?size=: a whole number from 0 to ${MOST}`);
    const group = groupOf(context, params.name);
    await group.scale(Number(size));
    return json(group.view());
  },
});

/** Something that is done to the rollout of a group; `refusal` when there is none that it could be done to. */
function command(
  name: 'roll' | 'pause' | 'resume' | 'rollback',
  summary: string,
  act: (group: GroupControl) => Promise<boolean>,
  refusal: string,
): Endpoint {
  return endpoint({
    method: 'PUT',
    path: `/v1/muster/groups/:name/${name}`,
    needs: 'operator:write',
    summary,
    async handler(context, { params }): Promise<Reply> {
      const group = groupOf(context, (params as Record<'name', string>).name);
      if (!(await act(group))) throw new HttpError(409, `${group.name}: ${refusal}`);
      return json(group.view());
    },
  });
}

export const groupEndpoints: readonly Endpoint[] = [
  list,
  show,
  scale,
  command(
    'roll',
    'Replaces all instances of a group, a few at a time',
    async (group) => {
      await group.roll();
      return true;
    },
    '',
  ),
  command('pause', 'Holds a rollout where it is', (group) => group.pause(), 'no rollout is under way'),
  command('resume', 'Goes on with a rollout that waits', (group) => group.resume(), 'no rollout waits'),
  command('rollback', 'Takes a rollout back', (group) => group.rollBack(), 'no rollout is under way'),
];
