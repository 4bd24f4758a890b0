import type { ClusterKeys } from '../../cluster/cluster.ts';
import { membersOf } from '../../cluster/liveness.ts';
import { several } from '../config/entry.ts';
import type { ApiContext } from '../context.ts';
import { decodeBody, object, string } from '../decode.ts';
import { type ApiRequest, endpoint } from '../endpoint.ts';
import { badRequest, HttpError } from '../http-error.ts';
import { empty, json, type Reply } from '../reply.ts';
import { serversOf } from './servers.ts';

const path = '/v1/operator/keyring';
const BODY = object({ Key: string });
const QUERY = { 'relay-factor': 'taken and not needed: 0 to 5' };

/** What `strconv.ParseBool` takes. */
const BOOLEAN = /^(?:1|t|T|TRUE|true|True|0|f|F|FALSE|false|False)$/;

const MAX_RELAY_FACTOR = 5;

/** What Consul says without `encrypt`. */
function refuse({ node }: ApiContext, why: string): never {
  const pool = (name: string, member: string) => [
    `${name} error: 1/1 nodes reported failure`,
    `${member}: ${why} (encryption not enabled)`,
  ];
  const wan = pool('WAN', `${node.name}.${node.datacenter}`);
  throw new HttpError(500, several([...wan, ...pool(`${node.datacenter} (LAN)`, node.name)]));
}

/** The keys of the cluster, or of an agent that is alone and was given one. Throws 500 where there are none. */
function keysOf(context: ApiContext, what: string): ClusterKeys {
  return context.cluster ?? context.keys ?? refuse(context, what);
}

/** How many nodes have each key. */
function counted(
  rings: readonly (readonly [keys: readonly string[], nodes: number])[],
): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const [keys, nodes] of rings) for (const key of keys) counts[key] = (counts[key] ?? 0) + nodes;
  return counts;
}

/** Answers whether only the keys of the datacenter are asked for. */
function checkParameters({ query, method }: ApiRequest): boolean {
  const factor = query.get('relay-factor');
  if (factor !== '') {
    if (!/^[+-]?\d+$/.test(factor))
      throw badRequest(
        `Bad request: Error parsing relay factor: strconv.Atoi: parsing ${JSON.stringify(factor)}: invalid syntax`,
      );
    if (Number(factor) < 0 || Number(factor) > MAX_RELAY_FACTOR)
      throw badRequest('Bad request: Invalid relay-factor: Relay factor must be in range: [0, 5]');
  }
  const local = query.get('local-only');
  if (local === '') return false;
  if (!BOOLEAN.test(local))
    throw badRequest(
      `Bad request: Error parsing local-only: strconv.ParseBool: parsing ${JSON.stringify(local)}: invalid syntax`,
    );
  const isLocal = /^[1tT]/.test(local);
  if (isLocal && method !== 'GET')
    throw badRequest('Bad request: Invalid use of local-only: local-only can only be set for list requests');
  return isLocal;
}

const list = endpoint({
  method: 'GET',
  path,
  needs: 'keyring:read',
  summary: 'The keys with which the nodes of a cluster know each other',
  query: { ...QUERY, 'local-only': 'without the list of the servers themselves' },
  async handler(context, request) {
    const isLocal = checkParameters(request);
    const rings = await keysOf(context, 'Keyring is empty').keyrings();
    const { datacenter: Datacenter } = context.node;
    const pool = (WAN: boolean, all: number) => {
      const held = rings.map(({ keys, nodes }) => [keys, WAN ? 1 : nodes] as const);
      return {
        WAN,
        Datacenter,
        Segment: '',
        Keys: counted(held),
        PrimaryKeys: counted(held.map(([keys, nodes]) => [keys.slice(0, 1), nodes])),
        NumNodes: all,
      };
    };
    const ofAll = pool(false, Math.max(1, membersOf(context.catalog).length));
    // The servers once more, as Consul has them: it knows them across datacenters, too.
    return json(isLocal ? [ofAll] : [pool(true, (await serversOf(context)).length), ofAll]);
  },
});

const CHANGES = { POST: 'install', PUT: 'use', DELETE: 'remove' } as const;

const change = (method: keyof typeof CHANGES, what: string) =>
  endpoint({
    method,
    path,
    needs: 'keyring:write',
    summary: `${what} a key of the cluster`,
    query: QUERY,
    body: BODY,
    async handler(context, request): Promise<Reply> {
      const { Key: key } = await decodeBody(request, BODY, {
        failed: (reason) => `Bad request: Request decode failed: ${reason}`,
      });
      checkParameters(request);
      const keys = keysOf(context, 'No keyring to modify');
      const failed = await keys.changeKeys({ what: CHANGES[method], key });
      if (failed.size > 0)
        throw new HttpError(500, several([...failed].map(([node, why]) => `${node}: ${why}`)));
      return empty();
    },
  });

export const keyringEndpoints = [
  list,
  change('POST', 'Installs'),
  change('PUT', 'Uses'),
  change('DELETE', 'Removes'),
];
