import { membersOf } from '../../cluster/liveness.ts';
import { several } from '../config/entry.ts';
import type { ApiContext } from '../context.ts';
import { decodeBody, object, string } from '../decode.ts';
import { type ApiRequest, endpoint } from '../endpoint.ts';
import { badRequest, HttpError } from '../http-error.ts';
import { empty, json, type Reply } from '../reply.ts';

const path = '/v1/operator/keyring';
const BODY = object({ Key: string });
const QUERY = { 'relay-factor': 'taken and not needed: 0 to 5' };

/** What `strconv.ParseBool` takes. */
const BOOLEAN = /^(?:1|t|T|TRUE|true|True|0|f|F|FALSE|false|False)$/;

const MAX_RELAY_FACTOR = 5;

/** An agent that is alone has no keys: Consul without `encrypt` says so. */
function refuse({ node }: ApiContext, why: string): never {
  const pool = (name: string, member: string) => [
    `${name} error: 1/1 nodes reported failure`,
    `${member}: ${why} (encryption not enabled)`,
  ];
  const wan = pool('WAN', `${node.name}.${node.datacenter}`);
  throw new HttpError(500, several([...wan, ...pool(`${node.datacenter} (LAN)`, node.name)]));
}

function checkParameters({ query, method }: ApiRequest): void {
  const factor = query.get('relay-factor');
  if (factor !== '') {
    if (!/^[+-]?\d+$/.test(factor))
      throw badRequest(
        `Bad request: Error parsing relay factor: strconv.Atoi: parsing ${JSON.stringify(factor)}: invalid syntax`,
      );
    if (Number(factor) < 0 || Number(factor) > MAX_RELAY_FACTOR)
      throw badRequest('Bad request: Invalid relay-factor: value must be in range: [0, 5]');
  }
  const local = query.get('local-only');
  if (local === '') return;
  if (!BOOLEAN.test(local))
    throw badRequest(
      `Bad request: Error parsing local-only: strconv.ParseBool: parsing ${JSON.stringify(local)}: invalid syntax`,
    );
  if (/^[1tT]/.test(local) && method !== 'GET')
    throw badRequest('Bad request: Invalid use of local-only: local-only can only be set for GET requests');
}

const list = endpoint({
  method: 'GET',
  path,
  needs: 'keyring:read',
  summary: 'The keys with which the nodes of a cluster know each other',
  query: { ...QUERY, 'local-only': 'only the keys of this agent' },
  handler(context, request) {
    checkParameters(request);
    if (context.cluster === undefined) return refuse(context, 'Keyring is empty');
    const [primary = '', ...others] = context.cluster.keyring.list();
    const nodes = membersOf(context.catalog).length;
    const Keys = Object.fromEntries([primary, ...others].map((key) => [key, nodes]));
    const { datacenter: Datacenter } = context.node;
    return json([
      { WAN: false, Datacenter, Segment: '', Keys, PrimaryKeys: { [primary]: nodes }, NumNodes: nodes },
    ]);
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
      if (context.cluster === undefined) return refuse(context, 'No keyring to modify');
      const failed = await context.cluster.changeKeys({ what: CHANGES[method], key });
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
