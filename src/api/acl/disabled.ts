import { type Endpoint, endpoint, type Method } from '../endpoint.ts';
import { HttpError } from '../http-error.ts';

/** Consul's paths about ACLs with their methods, in the order in which `Allow` names them. */
const PATHS: Readonly<Record<string, readonly Method[]>> = {
  '/v1/acl/bootstrap': ['PUT'],
  '/v1/acl/replication': ['GET'],
  '/v1/acl/login': ['POST'],
  '/v1/acl/logout': ['POST'],
  '/v1/acl/policies': ['GET'],
  '/v1/acl/policy': ['PUT'],
  '/v1/acl/policy/name/:name': ['GET'],
  '/v1/acl/policy/:id': ['GET', 'PUT', 'DELETE'],
  '/v1/acl/roles': ['GET'],
  '/v1/acl/role': ['PUT'],
  '/v1/acl/role/name/:name': ['GET'],
  '/v1/acl/role/:id': ['GET', 'PUT', 'DELETE'],
  '/v1/acl/tokens': ['GET'],
  '/v1/acl/token': ['PUT'],
  '/v1/acl/token/self': ['GET'],
  '/v1/acl/token/:id': ['GET', 'PUT', 'DELETE'],
  '/v1/acl/auth-methods': ['GET'],
  '/v1/acl/auth-method': ['PUT'],
  '/v1/acl/auth-method/:name': ['GET', 'PUT', 'DELETE'],
  '/v1/acl/binding-rules': ['GET'],
  '/v1/acl/binding-rule': ['PUT'],
  '/v1/acl/binding-rule/:id': ['GET', 'PUT', 'DELETE'],
};

/** While there are no ACLs each of the paths answers 401, as Consul does. */
export const aclEndpoints: readonly Endpoint[] = Object.entries(PATHS).flatMap(([path, methods]) =>
  methods.map((method) =>
    endpoint({
      method,
      path,
      summary: 'ACLs are off: 401',
      handler: () => {
        throw new HttpError(401, 'ACL support disabled');
      },
    }),
  ),
);
