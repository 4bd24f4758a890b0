import type { Weights } from '../../catalog/rows.ts';
import { isAny } from '../../lib/ip.ts';
import type { ServiceDefinition } from '../../registry/definition.ts';
import {
  anything,
  boolean,
  type Decoded,
  integer,
  list,
  object,
  optional,
  record,
  string,
} from '../decode.ts';
import { badRequest } from '../http-error.ts';
import { meshOf } from '../mesh.ts';
import { fromPlain, serviceCheckBody, serviceCheckDefinition } from './check-body.ts';
import { metadataFault } from './metadata.ts';
import { weightsFault } from './weights.ts';

/** A service as clients register it. What belongs to the mesh is kept and left alone. */
export const serviceBody = object(
  {
    ID: string,
    Name: string,
    Kind: string,
    Tags: list(string),
    Address: string,
    TaggedAddresses: record(object({ Address: string, Port: integer }, { name: 'ServiceAddress' })),
    Meta: record(string),
    Port: integer,
    SocketPath: string,
    Weights: optional(object({ Passing: integer, Warning: integer }, { name: 'Weights' })),
    EnableTagOverride: boolean,
    Check: optional(serviceCheckBody),
    Checks: list(serviceCheckBody),
    Token: string,
    Namespace: string,
    Proxy: anything,
    Connect: anything,
    EnterpriseMeta: anything,
  },
  { name: 'ServiceDefinition', snakeCase: true },
);

const EMPTY_CHECK = serviceCheckBody.zero();

/** The definition of a service. Throws 400 in Consul's words. */
export function serviceDefinition(body: Decoded<typeof serviceBody>): ServiceDefinition {
  if (body.Name === '') throw badRequest('Missing service name');
  if (isAny(body.Address)) throw badRequest('Invalid service address');
  const weights = weightsOf(body.Weights);
  const meta = { ...body.Meta };
  const fault = metadataFault(meta);
  if (fault !== undefined) throw badRequest(`Invalid Service Meta: ${fault}`);
  const single = body.Check === undefined || isEmpty(body.Check) ? [] : [body.Check];
  const addresses = Object.entries(body.TaggedAddresses ?? {});
  return {
    id: body.ID,
    name: body.Name,
    kind: body.Kind,
    tags: body.Tags ?? [],
    address: body.Address,
    port: body.Port,
    socketPath: body.SocketPath,
    taggedAddresses: Object.fromEntries(
      addresses.map(([tag, { Address: address, Port: port }]) => [tag, { address, port }]),
    ),
    meta,
    weights,
    enableTagOverride: body.EnableTagOverride,
    ...meshOf(body),
    checks: [...single, ...(body.Checks ?? [])].map(serviceCheckDefinition),
  };
}

/** The same from the configuration, as plain values. Throws 400 as for a request. */
export function readServiceDefinition(value: unknown): ServiceDefinition {
  return serviceDefinition(fromPlain(serviceBody, value));
}

function weightsOf(given: { Passing: number; Warning: number } | undefined): Weights {
  const { Passing: passing, Warning: warning } = given ?? { Passing: 1, Warning: 1 };
  const fault = weightsFault(passing, warning);
  if (fault !== undefined) throw badRequest(`Invalid Weights: ${fault}`);
  return { passing, warning };
}

/** A check with nothing in it is no check, wherever it stands alone. */
function isEmpty(check: typeof EMPTY_CHECK): boolean {
  for (const field in check)
    if (check[field as keyof typeof check] !== EMPTY_CHECK[field as keyof typeof check]) return false;
  return true;
}
