import type { Check, Node, Service, Session } from '../catalog/rows.ts';
import type { Instance } from '../catalog/views.ts';
import type { Authorizer } from './authorizer.ts';

/**
 * What a token may see of the catalog, by Consul's rules. While access is not controlled nothing is looked at and
 * lists come back as they are.
 */
export function mayReadNode(authorizer: Authorizer, node: string): boolean {
  return authorizer.isUnrestricted || authorizer.allows('node', 'read', node);
}

export function mayReadService(authorizer: Authorizer, service: string): boolean {
  return authorizer.isUnrestricted || authorizer.allows('service', 'read', service);
}

/** An instance shows its node too: it takes the right to both. */
export function mayReadInstance(authorizer: Authorizer, node: string, service: string): boolean {
  return mayReadNode(authorizer, node) && mayReadService(authorizer, service);
}

export function visibleNodes<T extends Pick<Node, 'name'>>(authorizer: Authorizer, nodes: T[]): T[] {
  return authorizer.isUnrestricted ? nodes : nodes.filter(({ name }) => mayReadNode(authorizer, name));
}

/** Services of a node that may be seen itself. */
export function visibleServices<T extends Pick<Service, 'name'>>(authorizer: Authorizer, services: T[]): T[] {
  return authorizer.isUnrestricted
    ? services
    : services.filter(({ name }) => mayReadService(authorizer, name));
}

export function visibleInstances<T extends Pick<Instance, 'node' | 'service'>>(
  authorizer: Authorizer,
  instances: T[],
): T[] {
  if (authorizer.isUnrestricted) return instances;
  return instances.filter(({ node, service }) => mayReadInstance(authorizer, node.name, service.name));
}

/** A check of the node takes the right to the node, one of a service also that to the service. */
export function visibleChecks(authorizer: Authorizer, checks: Check[]): Check[] {
  if (authorizer.isUnrestricted) return checks;
  return checks.filter(
    ({ node, serviceId, serviceName }) =>
      mayReadNode(authorizer, node) && (serviceId === '' || mayReadService(authorizer, serviceName)),
  );
}

export function visibleSessions(authorizer: Authorizer, sessions: Session[]): Session[] {
  if (authorizer.isUnrestricted) return sessions;
  return sessions.filter(({ node }) => authorizer.allows('session', 'read', node));
}
