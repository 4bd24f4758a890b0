import { type Registration, register } from '../../catalog/commands/register.ts';
import { isAny } from '../../lib/ip.ts';
import { nodeIdError } from '../../lib/uuid.ts';
import type { ApiContext } from '../context.ts';
import { boolean, type Decoded, decodeBody, list, object, optional, record, string } from '../decode.ts';
import { endpoint } from '../endpoint.ts';
import { HttpError } from '../http-error.ts';
import { checkDatacenter } from '../read-options.ts';
import { json } from '../reply.ts';
import { CHECK_BODY, checkDraft, SERVICE_BODY, serviceDraft, serviceMetaFault } from './bodies.ts';
import { vetRegistration } from './vet.ts';

const BODY = object(
  {
    Datacenter: string,
    ID: string,
    Node: string,
    Address: string,
    TaggedAddresses: record(string),
    NodeMeta: record(string),
    Service: optional(SERVICE_BODY),
    Check: optional(CHECK_BODY),
    Checks: list(optional(CHECK_BODY)),
    SkipNodeUpdate: boolean,
    // A token in the body is of the older kind; the one of the request counts.
    Token: string,
  },
  { name: 'RegisterRequest' },
);

export const catalogRegister = endpoint({
  method: 'PUT',
  path: '/v1/catalog/register',
  needs: 'checked',
  summary: 'Registers a node, and a service and checks on it',
  query: { dc: 'datacenter to ask' },
  body: BODY,
  async handler(context, request) {
    const body = await decodeBody(request, BODY);
    checkDatacenter(context, body.Datacenter || request.query.get('dc'));
    const registration = registrationOf(context, body);
    const { authorizer } = request;
    await context.store.write((tx) => {
      vetRegistration(tx, authorizer, registration);
      register(tx, registration);
    });
    return json(true);
  },
});

function registrationOf({ node }: ApiContext, body: Decoded<typeof BODY>): Registration {
  if (body.Node === '') throw new HttpError(500, 'Must provide node');
  if (body.Address === '' && !body.SkipNodeUpdate)
    throw new HttpError(500, 'Must provide address if SkipNodeUpdate is not set');
  const idError = body.ID === '' ? undefined : nodeIdError(body.ID);
  if (idError !== undefined) throw new HttpError(500, `Bad node ID: ${idError}`);
  const checks = [...(body.Checks ?? []), body.Check].filter((check) => check !== undefined);
  for (const check of checks) {
    if (check.Node !== '' && check.Node.toLowerCase() !== body.Node.toLowerCase())
      throw new HttpError(
        500,
        `check node ${JSON.stringify(check.Node)} does not match node ${JSON.stringify(body.Node)}`,
      );
  }
  return {
    node: {
      id: body.ID.toLowerCase(),
      name: body.Node,
      address: body.Address,
      datacenter: node.datacenter,
      taggedAddresses: body.TaggedAddresses,
      meta: body.NodeMeta,
    },
    skipNodeUpdate: body.SkipNodeUpdate,
    ...(body.Service === undefined ? {} : { service: checkedService(body.Service, body.Node) }),
    checks: checks.map((check) => withType(checkDraft(check))),
  };
}

function checkedService(
  body: Decoded<typeof SERVICE_BODY>,
  node: string,
): NonNullable<Registration['service']> {
  // Without a name it could not be asked for, and without an ID its checks would be those of the node.
  if (body.Service === '') throw new HttpError(500, 'Must provide service name with ID');
  // No client could use it: it would only take traffic away.
  if (isAny(body.Address)) throw new HttpError(500, 'Invalid service address');
  const draft = serviceDraft(body);
  const fault = serviceMetaFault(draft, node);
  if (fault !== undefined) throw new HttpError(500, `failed inserting service: ${fault}`);
  return draft;
}

/** A check that is written to the catalog without a type, as nobody carries it out here, gets that of its definition. */
function withType(draft: ReturnType<typeof checkDraft>): ReturnType<typeof checkDraft> {
  const { http = '', tcp = '', interval = 0 } = draft.definition;
  if (draft.type !== '' || interval <= 0) return draft;
  return { ...draft, type: http !== '' ? 'http' : tcp !== '' ? 'tcp' : '' };
}
