import type { Wanted } from '../../acl/authorizer.ts';
import type { NamedResource } from '../../acl/rules.ts';
import type { CheckDefinition, ServiceDefinition } from '../../registry/definition.ts';
import { permissionDenied } from '../access.ts';
import { vetService } from '../catalog/vet.ts';
import type { ApiContext } from '../context.ts';
import type { ApiRequest } from '../endpoint.ts';
import { HttpError } from '../http-error.ts';
import { agentOf } from './context.ts';

/** Whether a token may change what this agent registers, by Consul's rules and in its words. */

function need({ authorizer }: ApiRequest, resource: NamedResource, wanted: Wanted, name: string): void {
  if (!authorizer.allows(resource, wanted, name)) throw permissionDenied(`${resource}:${wanted} on ${name}`);
}

/** The service itself, one that it replaces, and what checks of others it would take over. */
export function vetServiceRegistration(
  context: ApiContext,
  request: ApiRequest,
  { id, name, checks }: ServiceDefinition,
): void {
  if (request.authorizer.isUnrestricted) return;
  need(request, 'service', 'write', name);
  vetService(context.catalog, request.authorizer, name);
  vetReplacedService(context, request, id === '' ? name : id);
  for (const check of checks) if (check.id !== '') vetReplacedCheck(context, request, check.id);
}

/** Throws 500 in Consul's words for a service that is not there: nobody can be asked whose it is. */
export function vetServiceChange(context: ApiContext, request: ApiRequest, id: string): void {
  if (request.authorizer.isUnrestricted) return;
  if (agentOf(context).registry.service(id) === undefined)
    throw new HttpError(500, `Unknown service ${JSON.stringify(id)}`);
  vetReplacedService(context, request, id);
}

function vetReplacedService(context: ApiContext, request: ApiRequest, id: string): void {
  const known = agentOf(context).registry.service(id);
  if (known !== undefined) need(request, 'service', 'write', known.name);
}

export function vetCheckRegistration(
  context: ApiContext,
  request: ApiRequest,
  { id, name, serviceId }: CheckDefinition,
): void {
  if (request.authorizer.isUnrestricted) return;
  const service = agentOf(context).registry.service(serviceId);
  if (serviceId === '') need(request, 'node', 'write', context.node.name);
  else if (service !== undefined) need(request, 'service', 'write', service.name);
  vetReplacedCheck(context, request, id === '' ? name : id);
}

/** The same for a check. */
export function vetCheckChange(context: ApiContext, request: ApiRequest, id: string): void {
  if (request.authorizer.isUnrestricted) return;
  if (agentOf(context).registry.check(id) === undefined)
    throw new HttpError(500, `Unknown check ${JSON.stringify(id)}`);
  vetReplacedCheck(context, request, id);
}

/** A check of a service takes the right to that, one of the node the right to the node. */
function vetReplacedCheck(context: ApiContext, request: ApiRequest, id: string): void {
  const known = agentOf(context).registry.check(id);
  if (known === undefined) return;
  if (known.serviceId === '') need(request, 'node', 'write', context.node.name);
  else need(request, 'service', 'write', known.serviceName);
}
