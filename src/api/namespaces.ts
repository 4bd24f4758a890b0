import type { IncomingHttpHeaders } from 'node:http';
import { badRequest } from './http-error.ts';
import type { Query } from './query.ts';

/** Where Consul looks at the namespace of a request. Elsewhere `ns` is a parameter like any other that nobody knows. */
const LOOKED_AT =
  /^\/v1\/(?:kv|session|health|config|connect|discovery-chain|internal\/ui|agent\/(?:services?|checks?|health|connect)|catalog\/(?!nodes|datacenters)|acl\/(?:token|polic|role|auth-method|binding-rule|login))/;

/** Without namespaces a request that names one is refused, as by Consul without Enterprise: what it wants is not there. */
export function refuseNamespace(path: string, query: Query, headers: IncomingHttpHeaders): void {
  const inHeader = (headers['x-consul-namespace'] ?? '') !== '';
  if ((!inHeader && query.get('ns') === '') || !LOOKED_AT.test(path)) return;
  const where = inHeader ? 'header: "X-Consul-Namespace"' : 'query parameter: "ns"';
  throw badRequest(`Bad request: Invalid ${where} - Namespaces are a Consul Enterprise feature`);
}
