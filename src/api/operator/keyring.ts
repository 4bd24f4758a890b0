import { several } from '../config/entry.ts';
import type { ApiContext } from '../context.ts';
import { decodeBody, object, string } from '../decode.ts';
import { type ApiRequest, endpoint, type Method } from '../endpoint.ts';
import { badRequest, HttpError } from '../http-error.ts';
import type { Reply } from '../reply.ts';

const path = '/v1/operator/keyring';
const BODY = object({ Key: string });
const QUERY = { 'relay-factor': 'taken and not needed: 0 to 5' };

/** What `strconv.ParseBool` takes. */
const BOOLEAN = /^(?:1|t|T|TRUE|true|True|0|f|F|FALSE|false|False)$/;

const MAX_RELAY_FACTOR = 5;

/** There is no gossip between agents here whose keys could be listed or changed: Consul without `encrypt` says so. */
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
  summary: 'The keys of the gossip between agents: refused, there is none here',
  query: { ...QUERY, 'local-only': 'only the keys of this agent' },
  handler(context, request) {
    checkParameters(request);
    return refuse(context, 'Keyring is empty');
  },
});

const change = (method: Method, what: string) =>
  endpoint({
    method,
    path,
    needs: 'keyring:write',
    summary: `${what} a key of the gossip between agents: refused, there is none here`,
    query: QUERY,
    body: BODY,
    async handler(context, request): Promise<Reply> {
      await decodeBody(request, BODY, {
        failed: (reason) => `Bad request: Request decode failed: ${reason}`,
      });
      checkParameters(request);
      return refuse(context, 'No keyring to modify');
    },
  });

export const keyringEndpoints = [
  list,
  change('POST', 'Installs'),
  change('PUT', 'Uses'),
  change('DELETE', 'Removes'),
];
